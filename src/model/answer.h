/* answer.h: predictions as text, as the container that makes them would write them. */
#ifndef LATHE_MODEL_ANSWER_H
#define LATHE_MODEL_ANSWER_H

#include "model/model_inside.h"

/* One answer on its way out: its rows come batch by batch. */
struct answer {
    struct lathe_text *text;
    enum lathe_answer_format format;
    const struct part *part; /* that the rows come from */
    const char *name;        /* of the column that transformers answer with */
    enum feature_type type;  /* and how its numbers are written */
    bool boolean, vector;
    size_t asked;     /* values a row of what only trees answer; 0: predictions */
    double *selected; /* room for one key's values */
    size_t rows;      /* written */
};

/* Begins an answer in place of what text holds. plan is that of a last part of transformers.
 * LATHE_UNSUPPORTED where the part's container does not write the format, LATHE_NO_MEMORY. */
bool answer_open(struct answer *answer, struct lathe_text *text, enum lathe_answer_format format,
                 const struct part *part, const struct schema *schema, const struct plan *plan,
                 struct lathe_error *error);
/* The same of what only trees answer, `width` floats a row, a row a line. */
bool answer_open_asked(struct answer *answer, struct lathe_text *text, const struct part *trees,
                       size_t width, struct lathe_error *error);
bool answer_rows(struct answer *answer, const struct batch *batch, struct lathe_error *error);
bool answer_end(struct answer *answer, struct lathe_error *error);
void answer_close(struct answer *answer);

#endif
