/* Archives and bundles from anywhere: read, and where that succeeds applied to a few rows and
 * written again. */
#include "feature/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);

static void apply(const struct pipeline *pipeline)
{
    enum { ROWS = 3, MOST = 1 << 16 };
    struct plan *plan = plan_open(pipeline, NULL, 0, NULL, 0, NULL);
    size_t count, values = 0;
    const double numbers[ROWS] = {0, 1.5, -7};
    const struct csv_text texts[ROWS] = {text_of("a", 1), text_of(NULL, 0), text_of("L", 1)};
    const struct feature_column *columns = pipeline_inputs(pipeline, &count);
    for (size_t i = 0; i < count; i++)
        values += columns[i].width;
    size_t scratch_size = plan ? plan_scratch(plan, ROWS) : 0;
    if (plan && values < MOST && scratch_size < MOST * 64) {
        union feature_values *batch_values = calloc(values + 1, sizeof *batch_values);
        void *scratch = malloc(scratch_size);
        size_t at = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t e = 0; e < columns[i].width; e++, at++)
                if (columns[i].type == FEATURE_TEXT)
                    batch_values[at].texts = texts;
                else
                    batch_values[at].numbers = numbers;
        struct feature_batch batch = {.rows = ROWS, .first_row = 1, .values = batch_values};
        struct feature_result result;
        plan_apply(plan, &batch, scratch, &result, NULL);
        free(scratch);
        free(batch_values);
    }
    plan_close(plan);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct pipeline *pipeline = bundle_read(bytes, size, NULL);
    if (!pipeline)
        return 0;
    apply(pipeline);
    void *zip;
    size_t zip_size;
    if (bundle_write_zip(pipeline, &zip, &zip_size, NULL)) {
        struct pipeline *again = bundle_read(zip, zip_size, NULL);
        if (!again)
            abort(); /* what we write, we can read */
        pipeline_close(again);
        free(zip);
    }
    pipeline_close(pipeline);
    return 0;
}
