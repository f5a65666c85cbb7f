/* Any bytes, as JSON and as UBJSON: events end, and every text can be copied into its size. The
 * first byte says how containers are taken: by event, skipped, or in bulk. */
#include "parse/reader.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void walk(enum reader_form form, uint8_t manner, const uint8_t *bytes, size_t size)
{
    struct reader reader;
    struct lathe_error error;
    reader_open(&reader, form, bytes, size, &error);
    reader.words = manner & 1;
    while (reader_next(&reader) > READER_END) {
        if (reader.event == READER_KEY || reader.event == READER_STRING) {
            char *copy = malloc(reader.size ? reader.size : 1);
            if (copy && reader_copy(&reader, copy) > reader.size)
                abort();
            free(copy);
        }
        size_t count;
        if (reader.event == READER_ARRAY && (manner & 6) == 2) {
            int32_t out[7];
            while (reader_integers(&reader, out, 7, &count) && count == 7)
                ;
        } else if (reader.event == READER_ARRAY && (manner & 6) == 4) {
            float out[7];
            while (reader_floats(&reader, out, 7, &count) && count == 7)
                ;
        } else if ((reader.event == READER_ARRAY || reader.event == READER_OBJECT) &&
                   (manner & 6) == 6 && reader.depth > 1) {
            reader_skip(&reader);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    walk(READER_JSON, bytes[0], bytes + 1, size - 1);
    walk(READER_UBJSON, bytes[0], bytes + 1, size - 1);
    return 0;
}
