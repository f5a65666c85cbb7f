/* predict.h: lathe_predict_text for a text that is a piece of a file, and for all answers. */
#ifndef LATHE_MODEL_PREDICT_H
#define LATHE_MODEL_PREDICT_H

#include "lathe.h"

struct predict_place {
    const char *name;             /* of the file: errors begin with it */
    bool inside;                  /* the text begins inside the file, */
    size_t first_line, first_row; /* there: at this line, with this row; 0: 1 */
    char delimiter; /* of rows for trees, without a header; 0: sniffed from the text */
};

/* As lathe_predict_text, a row a line (LATHE_ANSWERS_CSV_TABLE); errors tell lines and rows as they
 * are in the file. */
bool predict_text_at(const struct lathe_predictor *predictor, enum lathe_answer what,
                     enum lathe_row_format rows_format, const char *rows, size_t size,
                     const struct predict_place *place, struct lathe_text *answer,
                     struct lathe_error *error);

#endif
