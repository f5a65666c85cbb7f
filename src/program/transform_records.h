/* transform_records.h: what becomes of records in a batch transform: a model is asked, and what it
 * answers put beside the records, as a TransformInput, a TransformOutput and a DataProcessing say.
 */
#ifndef LATHE_PROGRAM_TRANSFORM_RECORDS_H
#define LATHE_PROGRAM_TRANSFORM_RECORDS_H

#include "base/json.h"
#include "base/json_path.h"
#include "container/model.h"
#include "rows/rows.h"

enum transform_media { TRANSFORM_CSV, TRANSFORM_JSON, TRANSFORM_OTHER };

struct transform {
    struct served_model *model;
    const char *content_type, *accept; /* NULL: none is told */
    enum transform_media media;        /* of the content type */
    enum rows_split split;
    bool single;                      /* a record is a payload */
    bool ends_lines;                  /* AssembleWith: Line */
    bool joins, ids;                  /* JoinSource: Input, GenerateInferenceId */
    struct json_path *input, *output; /* filters; of no steps: all */
    unsigned retries;
};

/* Of a request to create a transform job; the model and the retries are the caller's to set. */
bool transform_read(struct transform *transform, const json_t *request, GError **error);
void transform_clear(struct transform *transform);

/* As struct rows_records_options's work, data a struct transform: the payloads that the records
 * make, one after the other. An error's code is ERROR_MODEL where the model refuses with a status
 * of 500 and more (or none), else the client's (ERROR_VALIDATION). */
void transform_work(void *data, const char *records, size_t size, struct rows_outcome *outcome);

/* "text/csv; charset=utf-8" -> TRANSFORM_CSV. */
enum transform_media transform_media(const char *content_type);

#endif
