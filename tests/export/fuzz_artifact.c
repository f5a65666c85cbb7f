/* Hostile artifacts: whatever the bytes are, a predictor or an error; and a predictor answers. */
#include "lathe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST = 1000 }; /* columns and values of an answer that are tried */

/* One row of ones as arrays, in every way that the predictor has. */
static void ask(const struct lathe_predictor *predictor)
{
    static const struct lathe_string word = {"1", 1};
    static double ones[MOST], out[MOST];
    static struct lathe_string words[MOST];
    struct lathe_values values[MOST];
    struct lathe_error error;
    size_t count, widest = 0;
    const struct lathe_column *columns = lathe_predictor_columns(predictor, &count);
    for (size_t i = 0; i < MOST; i++) {
        ones[i] = 1;
        words[i] = word;
    }
    for (size_t i = 0; i < count; i++)
        widest = columns[i].width > widest ? columns[i].width : widest;
    if (count > MOST || widest > MOST)
        return;
    for (size_t i = 0; i < count; i++) {
        bool text = strcmp(columns[i].type, "string") == 0;
        values[i] = (struct lathe_values){text ? NULL : ones, text ? words : NULL, NULL};
    }
    for (int what = LATHE_PREDICTION; what <= LATHE_LABELS; what++)
        if (lathe_answer_width(predictor, (enum lathe_answer)what) <= MOST)
            lathe_predict_values(predictor, (enum lathe_answer)what, values, 1, out, &error);
}

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
    lathe_predict_text(predictor, LATHE_ROWS_CSV, "1,2\n", 4, LATHE_ANSWERS_CSV_LINES, &answer,
                       &error);
    ask(predictor);
    bool wide = lathe_predictor_inputs(predictor) > MOST; /* a file of a few bytes can say so */
    if (!wide && !lathe_describe(predictor, &answer, &error))
        abort();
    if (!lathe_export_c(predictor, "f", &answer, &error) && error.code != LATHE_UNSUPPORTED)
        abort();
    lathe_text_clear(&answer);
    lathe_predictor_close(predictor);
    return 0;
}
