/* Specifications from anywhere: read, and where that succeeds fitted on a few rows. */
#include "feature/fit.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    enum { ROWS = 4 };
    const double numbers[ROWS] = {0, 1, 2.5, 3};
    const struct csv_text texts[ROWS] = {text_of("a", 1), text_of("", 0), text_of("b", 1),
                                         text_of(NULL, 0)};
    struct fit *fit = fit_open((const char *)bytes, size, NULL);
    if (!fit)
        return 0;
    size_t count;
    const struct feature_column *columns = fit_inputs(fit, &count);
    union feature_values *values = calloc(count + 1, sizeof *values);
    for (size_t i = 0; i < count; i++)
        if (columns[i].type == FEATURE_TEXT)
            values[i].texts = texts;
        else
            values[i].numbers = numbers;
    struct feature_batch batch = {.rows = ROWS, .first_row = 1, .values = values};
    bool fitted = fit_start(fit, NULL, 0, NULL);
    while (fitted && fit_pass(fit))
        fitted = fit_add(fit, &batch, NULL) && fit_end_pass(fit, NULL);
    if (fitted) {
        pipeline_close(fit_take(fit, NULL));
        pipeline_close(fit_take_after(fit, NULL));
    }
    free(values);
    fit_close(fit);
    return 0;
}
