/* Hostile rows for a pipeline of transformers, in every format of rows and answers. The first byte
 * chooses them; the rest is the text. The bundle is MLeap's own (tests/feature/bundles). */
#include "lathe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct lathe_predictor *predictor(void)
{
    static struct lathe_predictor *opened;
    static const char schema[] =
        "SAGEMAKER_SPARKML_SCHEMA={\"input\":[{\"name\":\"x\",\"type\":\"float\"},"
        "{\"name\":\"unused\",\"type\":\"boolean\"},{\"name\":\"kind\",\"type\":\"string\"},"
        "{\"name\":\"y\",\"type\":\"int\"}],"
        "\"output\":{\"name\":\"features\",\"type\":\"double\",\"struct\":\"vector\"}}";
    static const char *const environment[] = {schema, NULL};
    if (opened)
        return opened;
    static char bytes[1 << 16], path[1024];
    const char *here = __FILE__;
    snprintf(path, sizeof path, "%.*s../feature/bundles/0.24/machine.zip",
             (int)(strrchr(here, '/') + 1 - here), here);
    FILE *file = fopen(path, "rb");
    struct lathe_artifact artifact = {.name = "bundle", .bytes = bytes, .environment = environment};
    artifact.size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
    struct lathe_error error;
    opened = lathe_predictor_open(&artifact, 1, &error);
    if (!opened) {
        fprintf(stderr, "%s: %s\n", path, error.message);
        abort();
    }
    fclose(file);
    return opened;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    enum lathe_row_format rows = data[0] % 8;
    enum lathe_answer_format answers = data[0] / 8 % 8;
    struct lathe_text answer = {0};
    struct lathe_error error = {.message = ""};
    if (!lathe_predict_text(predictor(), rows, (const char *)data + 1, size - 1, answers, &answer,
                            &error) &&
        !error.message[0])
        abort();
    lathe_text_clear(&answer);
    return 0;
}
