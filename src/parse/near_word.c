#include "parse/near_word.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { LONGEST = 127 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* V. I. Levenshtein's distance, row by row of its table. */
static size_t distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b), line[LONGEST + 1];
    if (rows > LONGEST || columns > LONGEST)
        return SIZE_MAX;
    for (size_t j = 0; j <= columns; j++)
        line[j] = j;
    for (size_t i = 1; i <= rows; i++) {
        size_t diagonal = line[0];
        line[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            bool same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]);
            size_t changed = diagonal + !same;
            diagonal = line[j];
            line[j] = least(changed, least(line[j], line[j - 1]) + 1);
        }
    }
    return line[columns];
}

void near_word_try(struct near_word *near, const char *word)
{
    size_t edits = distance(near->given, word);
    if (edits >= (near->nearest ? near->edits : strlen(near->given) / 2 + 1))
        return;
    near->nearest = word;
    near->edits = edits;
}

const char *near_word_of(const char *given, const char *const *words)
{
    struct near_word near = {.given = given};
    for (size_t i = 0; words[i]; i++)
        near_word_try(&near, words[i]);
    return near.nearest;
}
