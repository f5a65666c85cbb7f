/* Hostile artifacts: whatever the bytes are, a predictor or an error; and a predictor answers. */
#include "lathe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct lathe_artifact artifact = {.name = "fuzz", .bytes = data, .size = size};
    struct lathe_error error = {.message = ""};
    struct lathe_predictor *predictor = lathe_predictor_open(&artifact, 1, &error);
    if (!predictor) {
        if (strncmp(error.message, "fuzz: ", 6) != 0)
            abort();
        return 0;
    }
    struct lathe_text answer = {0};
    lathe_predict_text(predictor, LATHE_CSV, "1,2\n", 4, LATHE_CSV_LINES, &answer, &error);
    if (!lathe_describe(predictor, &answer, &error))
        abort();
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    return 0;
}
