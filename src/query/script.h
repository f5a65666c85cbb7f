/* script.h: a file of several statements: where each begins and ends, and its arguments. */
#ifndef LATHE_QUERY_SCRIPT_H
#define LATHE_QUERY_SCRIPT_H

#include "base/json.h"

struct query_statement {
    char *text; /* its arguments filled in, and in front of it as many lines and spaces as in its
                 * file, so that errors name their places there */
    unsigned line;
};

/* The statements of a file, which semicolons divide (not those in quotes and comments); what is
 * only comments is none. ${name} becomes the value of `--name` in the options (an object of texts):
 * a text in single quotes, and within quotes the value itself. struct query_statement, which the
 * array frees; NULL and an error that names the line: ERROR_INVALID_REQUEST. */
GPtrArray *query_split(const char *text, const json_t *options, GError **error);

#endif
