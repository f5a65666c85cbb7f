/* ask.h: what trees answer besides the pipeline's prediction: margins, leaves and so on, of rows of
 * floats. */
#ifndef LATHE_MODEL_ASK_H
#define LATHE_MODEL_ASK_H

#include "model/parts.h"

/* The last part that is trees; part_count where there is none. */
size_t ask_part(const struct lathe_predictor *predictor);

/* Whether the predictor has such answers, other than LATHE_PREDICTION. LATHE_UNSUPPORTED where
 * there are no trees, or several models of them, or where their objective tells no classes;
 * LATHE_LIMIT where a row has too many interactions. */
bool ask_can(const struct lathe_predictor *predictor, enum lathe_answer what,
             struct lathe_error *error);

/* How many values a row has of it; 0 where there are none. */
size_t ask_width(const struct lathe_predictor *predictor, enum lathe_answer what);

/* Fewer rows at a time the more values they have of it: room for ask_room values is what ask_rows
 * needs for as many rows. */
size_t ask_batch(const struct lathe_predictor *predictor, enum lathe_answer what);

/* count x ask_width values of rows as the trees read them; what ask_can refuses must not be asked.
 * Leaf numbers are exact up to 2^24. */
bool ask_rows(const struct lathe_predictor *predictor, enum lathe_answer what, const float *rows,
              size_t count, size_t stride, float *out, struct lathe_error *error);

#endif
