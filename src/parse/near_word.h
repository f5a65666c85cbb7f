/* near_word.h: which known word somebody may have meant, for an error that says what would be
 * right. */
#ifndef LATHE_PARSE_NEAR_WORD_H
#define LATHE_PARSE_NEAR_WORD_H

#include <stddef.h>

/* {.given = word} to begin with; each near_word_try then keeps the nearer one. */
struct near_word {
    const char *given;
    const char *nearest; /* the first of those with the fewest edits; NULL: nothing is near */
    size_t edits;
};

/* Near is what keeps half of the letters of what was given, in any case: Levenshtein's distance.
 * Words of more than 127 bytes are near nothing. */
void near_word_try(struct near_word *near, const char *word);

/* The nearest of a list that ends with NULL, or NULL. */
const char *near_word_of(const char *given, const char *const *words);

#endif
