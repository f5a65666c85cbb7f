/* words.h: a text's words as Spark's Tokenizer makes them, and the number that its HashingTF gives
 * each. */
#ifndef LATHE_FEATURE_WORDS_H
#define LATHE_FEATURE_WORDS_H

#include "csv/reader.h"

/* Takes the hash of each word, which may be empty: between two blanks there is one. */
typedef void words_sink(void *context, int32_t hash);
void words_of(struct csv_text text, words_sink *sink, void *context);

#endif
