/* Regular expressions in Java's syntax: a line is the pattern, the rest a text. Whatever they are,
 * matches lie within the text, and the next one never begins before the last. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "table/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(const struct regex *regex, const char *text, size_t size)
{
    struct regex_match *match = regex_match_new(regex);
    size_t from = 0, start, end;
    bool found = true;
    for (int i = 0; i < 50 && from <= size; i++) {
        if (!regex_find(regex, match, text, size, from, false, &found, NULL) || !found)
            break;
        if (!regex_group(match, 0, &start, &end) || end > size)
            abort();
        from = end + (end <= start);
        while (from < size && ((unsigned char)text[from] & 0xc0) == 0x80)
            from++;
    }
    regex_match_free(match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *line = memchr(text, '\n', size);
    size_t length = line ? (size_t)(line - text) : size;
    if (length > 200 || size > 2000 || !g_utf8_validate_len(text, size, NULL))
        return 0;
    struct regex *regex = regex_new(text, length, NULL);
    if (regex)
        search(regex, line ? line + 1 : "", line ? size - length - 1 : 0);
    regex_free(regex);
    return 0;
}
