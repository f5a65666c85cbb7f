/* json_path.h: the JSONPath of SageMaker's batch transforms: a dollar sign, and steps from there.
 *
 *     $                the whole
 *     .name ['name']   a member
 *     ['a','b']        several of an object, as an object
 *     [0] [-1]         an element, counted from the end where it is negative
 *     [0,2]            several, as an array
 *     [1:3] [1:] [:-1] those from one up to another
 *     [*] .*           all of them */
#ifndef LATHE_BASE_JSON_PATH_H
#define LATHE_BASE_JSON_PATH_H

#include <glib.h>
#include <stdbool.h>

enum json_path_choice { JSON_PATH_NAMES, JSON_PATH_INDEXES, JSON_PATH_SLICE, JSON_PATH_ALL };

struct json_path_step {
    enum json_path_choice choice;
    GPtrArray *names; /* char * */
    GArray *indexes;  /* gint64 */
    gint64 from, to;  /* of a slice; G_MININT64, G_MAXINT64 where it is open there */
};

struct json_path {
    char *text;
    GPtrArray *steps; /* struct json_path_step *; none: the whole */
};

/* NULL and ERROR_VALIDATION, with the place, where it is none of these. */
struct json_path *json_path_parse(const char *text, GError **error);
void json_path_free(struct json_path *path);

/* Whether a step may choose but one: what it chooses is then not put into an array or object. */
bool json_path_is_single(const struct json_path_step *step);

#endif
