/* The record reader, by any dialect: within its memory, and the same records whether the text is
 * read whole or cut by csv_whole_records. */
#include "csv/reader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A running checksum (FNV-1a) of every record's fields. */
static uint64_t mix(uint64_t hash, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * 0x100000001b3;
    return hash;
}

struct outcome {
    uint64_t hash;
    size_t records;
    bool failed;
};

static void read_on(struct outcome *outcome, const char *text, size_t size,
                    const struct csv_dialect *dialect)
{
    char *memory = malloc(size + 1);
    struct csv_reader reader;
    struct csv_text fields[4];
    struct lathe_error error;
    size_t count;
    enum csv_step step;
    csv_reader_start(&reader, "f", text, size, dialect, (struct csv_scratch){memory, size, 0});
    while ((step = csv_reader_next(&reader, fields, 4, &count, &error)) == CSV_RECORD) {
        for (size_t i = 0; i < count && i < 4; i++) {
            outcome->hash = mix(outcome->hash, &fields[i].size, sizeof fields[i].size);
            outcome->hash = mix(outcome->hash, fields[i].bytes, fields[i].size);
        }
        outcome->hash = mix(outcome->hash, &count, sizeof count);
        outcome->records++;
        if (reader.scratch.used > size || reader.at > reader.end || reader.line < 2)
            if (reader.at != reader.end)
                abort();
    }
    outcome->failed = step == CSV_FAILED;
    if (outcome->failed && (!strlen(error.message) || error.code != LATHE_INVALID_DATA))
        abort();
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const struct csv_dialect dialect = {.delimiter = data[0] & 1 ? ';' : 0,
                                        .escape = data[0] & 2 ? '\\' : 0,
                                        .no_quotes = data[0] & 4,
                                        .quote = data[0] & 8 ? '\'' : 0,
                                        .utf8 = data[0] & 16};
    char *text = malloc(size); /* exactly as large, for the sanitizer */
    memcpy(text, data + 1, --size);
    struct outcome whole = {0}, pieces = {0};
    read_on(&whole, text, size, &dialect);
    size_t cut = csv_whole_records(text, size, &dialect);
    if (cut > size)
        abort();
    read_on(&pieces, text, cut, &dialect);
    bool mark = size - cut >= 3 && !memcmp(text + cut, "\xef\xbb\xbf", 3);
    if (!pieces.failed && !mark) /* which the second piece would be taken to start with */
        read_on(&pieces, text + cut, size - cut, &dialect);
    if (!mark && memcmp(&whole.hash, &pieces.hash, sizeof whole.hash) != 0)
        abort();
    if (!mark && (whole.failed != pieces.failed || whole.records != pieces.records))
        abort();
    csv_sniff_delimiter(text, size);
    free(text);
    return 0;
}
