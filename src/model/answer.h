/* answer.h: predictions as text. */
#ifndef LATHE_MODEL_ANSWER_H
#define LATHE_MODEL_ANSWER_H

#include "lathe.h"

/* Writes `rows` answers of `width` values each into text, replacing what it holds. */
bool answer_write(struct lathe_text *text, enum lathe_format format, const float *values,
                  size_t rows, size_t width, struct lathe_error *error);

#endif
