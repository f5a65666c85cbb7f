/* train_driver FOLDER [REPORT_FD]: one training job on a folder laid out as /opt/ml. */
#include <stdio.h>
#include <stdlib.h>

#include "train/xgboost_job.h"

int main(int count, char **arguments)
{
    if (count < 2 || count > 3) {
        fprintf(stderr, "usage: %s FOLDER [REPORT_FD]\n", arguments[0]);
        return 2;
    }
    return train_main(arguments[1], count == 3 ? atoi(arguments[2]) : -1);
}
