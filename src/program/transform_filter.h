/* transform_filter.h: what a JSONPath chooses of a record, as it is written there: numbers keep
 * their digits, texts their escapes. */
#ifndef LATHE_PROGRAM_TRANSFORM_FILTER_H
#define LATHE_PROGRAM_TRANSFORM_FILTER_H

#include "base/json_path.h"

/* Appends what it chooses of a JSON value. An error says what the record lacks. */
bool filter_json(const struct json_path *path, const char *json, size_t size, GString *out,
                 GError **error);

/* The same of a row of CSV, which is an array of its fields; out gets a row, without a line end. */
bool filter_csv(const struct json_path *path, const char *row, size_t size, GString *out,
                GError **error);

/* A row of JSON and what was answered, joined as SageMaker does: an object gets a member
 * SageMakerOutput, anything else becomes one, beside the output, of a new object. */
bool join_json(const char *json, size_t size, const char *answer, size_t answer_size, GString *out,
               GError **error);

/* Adds members ("\"a\": 1") to a JSON object; what is none becomes its member SageMakerOutput. */
bool join_members(const char *json, size_t size, const char *members, GString *out, GError **error);

#endif
