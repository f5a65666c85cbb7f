/* Hostile rows for trees that keep their features' categories, as a model file and as a container's
 * (then numbers are codes). The first byte chooses that and the formats; the rest is the text. */
#include "lathe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lathe_predictor *opened(const char *image)
{
    static char bytes[1 << 16], path[1024];
    const char *here = __FILE__;
    snprintf(path, sizeof path, "%.*s../tree/newest/3.4/frame/model.ubj",
             (int)(strrchr(here, '/') + 1 - here), here);
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    const struct lathe_artifact artifact = {
        .name = "trees", .bytes = bytes, .size = size, .image = image};
    struct lathe_error error;
    const struct lathe_predictor *predictor = lathe_predictor_open(&artifact, 1, &error);
    if (!predictor) {
        fprintf(stderr, "%s: %s\n", path, error.message);
        abort();
    }
    fclose(file);
    return predictor;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct lathe_predictor *file, *container;
    if (!file) {
        file = opened(NULL);
        container = opened("3.0-5");
    }
    if (!size)
        return 0;
    enum lathe_row_format rows = data[0] % 8;
    struct lathe_text answer = {0};
    struct lathe_error error = {.message = ""};
    if (!lathe_predict_text(data[0] & 8 ? container : file, rows, (const char *)data + 1, size - 1,
                            LATHE_ANSWERS_CSV_LINES, &answer, &error) &&
        !error.message[0])
        abort();
    lathe_text_clear(&answer);
    return 0;
}
