/* The columns reader, with a header and all options: within its memory, whatever the text. */
#include "csv/columns.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte, for the sanitizer to see where they are. */
static void touch(const struct csv_text *text)
{
    volatile char byte = 0;
    for (uint32_t i = 0; i < text->size; i++)
        byte = text->bytes[i];
    (void)byte;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { ROOM = 20 }; /* above the 8 that are read at once */
    static const char *const nulls[] = {"NA", "\\N", "-9"};
    if (size < 1)
        return 0;
    unsigned flags = data[0];
    char *text = malloc(size);
    memcpy(text, data + 1, --size);
    double numbers[2][ROOM];
    struct csv_text texts[ROOM];
    struct csv_column columns[] = {
        {.name = "a", .type = CSV_NUMBER, .field = 0, .numbers = numbers[0]},
        {.name = "b", .type = CSV_TEXT, .field = 1, .texts = texts},
        {.name = flags & 1 ? "b" : NULL, .type = CSV_NUMBER, .field = 2, .numbers = numbers[1]}};
    struct csv_columns_options options = {.dialect = {.escape = flags & 2 ? '\\' : 0,
                                                      .delimiter = flags & 4 ? '\t' : 0,
                                                      .utf8 = flags & 8},
                                          .ragged = flags & 16,
                                          .width = flags & 32 ? 4 : 0,
                                          .nulls = nulls,
                                          .null_count = flags & 64 ? 3 : 2};
    struct lathe_error error = {0};
    struct csv_columns *reader = csv_columns_open(columns, 3, &options, &error);
    const char *at = text, *end = text + size;
    bool good = !(flags & 128) || csv_columns_header(reader, &at, end, &error);
    for (size_t rows = 1; good && rows;) {
        good = csv_columns_read(reader, &at, end, ROOM, &rows, &error);
        for (size_t i = 0; i < rows; i++)
            touch(&texts[i]);
        if (at < text || at > end || rows > ROOM || (good && rows < ROOM && at != end))
            abort();
    }
    if (!good && !strlen(error.message))
        abort();
    csv_columns_close(reader);
    free(text);
    return 0;
}
