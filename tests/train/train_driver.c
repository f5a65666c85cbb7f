/* train_driver FOLDER [REPORT_FD [BEFORE COMMAND]]: one training job on a folder laid out as
 * /opt/ml; with BEFORE in a process forked from one that was made ready for the folder BEFORE, ran
 * COMMAND, and was made ready for FOLDER. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "train/xgboost_job.h"

/* In the forked process; what it returns in the other is its exit status. */
static int train_after(const char *before, const char *command, const char *folder, int report)
{
    if (!train_warm_up())
        return 3;
    train_prepare(before);
    if (system(command) != 0)
        return 4;
    train_prepare(folder);
    pid_t pid = fork();
    if (pid == 0)
        exit(train_main(folder, report));
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 5;
}

int main(int count, char **arguments)
{
    if (count != 2 && count != 3 && count != 5) {
        fprintf(stderr, "usage: %s FOLDER [REPORT_FD [BEFORE COMMAND]]\n", arguments[0]);
        return 2;
    }
    int report = count > 2 ? atoi(arguments[2]) : -1;
    return count < 5 ? train_main(arguments[1], report)
                     : train_after(arguments[3], arguments[4], arguments[1], report);
}
