/* predict_inside.h: a request of text on its way; between predict.c and predict_trees.c. */
#ifndef LATHE_MODEL_PREDICT_INSIDE_H
#define LATHE_MODEL_PREDICT_INSIDE_H

#include "csv/json_rows.h"
#include "model/answer.h"
#include "model/predict.h"

struct request {
    const struct lathe_predictor *predictor;
    enum lathe_answer what;
    float *asked; /* room for ask_batch rows of what trees are asked */
    enum lathe_row_format format;
    const char *text;
    size_t size;
    struct answer answer;
    struct run run;
    struct lathe_error *error;
    const struct predict_place *place;

    /* Where transformers come first: what a row is, by the request or by the predictor. */
    const struct schema *schema;
    const struct plan *plan;
};

/* The numbers, in the file, of the text's first line and row. */
size_t request_first_line(const struct request *request);
size_t request_first_row(const struct request *request);

/* Takes a batch through the predictor to the answer; first_row is its first one's number. */
bool request_batch(struct request *request, const struct batch *batch, size_t first_row);

bool request_fail_empty(struct lathe_error *error);

/* The text as JSON, or lines of it. */
struct json_rows request_json(const struct request *request);

/* All rows of a request whose first part are trees: of libsvm, or of the other formats. */
bool predict_libsvm(struct request *request);
bool predict_numbers(struct request *request);

#endif
