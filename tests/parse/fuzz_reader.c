/* Any bytes, as JSON and as UBJSON: events end, and every text can be copied into its size. The
 * first byte says how containers are taken: by event, skipped, or in bulk, which must give what the
 * events give. */
#include "parse/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { MOST = 40 };

/* The list just begun, in bulk and one by one. */
static void take_floats(struct reader *reader, size_t piece)
{
    struct reader single = *reader;
    float out[MOST];
    size_t count = piece;
    while (count == piece && reader_floats(reader, out, piece, &count))
        for (size_t i = 0; i < count; i++) {
            if (reader_next(&single) != READER_NUMBER)
                abort();
            float value = reader_float(&single);
            /* a NaN's other bits are nobody's business */
            if (memcmp(&value, &out[i], sizeof value) != 0 && (value == value || out[i] == out[i]))
                abort();
        }
}

static void take_integers(struct reader *reader, size_t piece)
{
    struct reader single = *reader;
    int32_t out[MOST];
    size_t count = piece;
    while (count == piece && reader_integers(reader, out, piece, &count))
        for (size_t i = 0; i < count; i++) {
            enum reader_event event = reader_next(&single);
            if (event != READER_NUMBER && event != READER_BOOL)
                abort();
            if (out[i] != (event == READER_NUMBER ? single.integer : single.truth))
                abort();
        }
}

static void walk(enum reader_form form, uint8_t manner, const uint8_t *bytes, size_t size)
{
    struct reader reader;
    struct lathe_error error;
    reader_open(&reader, form, bytes, size, &error);
    reader.words = manner & 1;
    reader.narrow = manner & 16;
    while (reader_next(&reader) > READER_END) {
        if (reader.event == READER_KEY || reader.event == READER_STRING) {
            char *copy = malloc(reader.size ? reader.size : 1);
            if (copy && reader_copy(&reader, copy) > reader.size)
                abort();
            free(copy);
        }
        size_t piece = manner & 8 ? 7 : MOST;
        if (reader.event == READER_ARRAY && (manner & 6) == 2) {
            take_integers(&reader, piece);
        } else if (reader.event == READER_ARRAY && (manner & 6) == 4) {
            take_floats(&reader, piece);
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
