/* athena.h: asking Athena of the running lathe, for the verbs that show tables. */
#ifndef LATHE_CLI_ATHENA_H
#define LATHE_CLI_ATHENA_H

#include "base/json.h"

/* A query that has ended well. */
struct cli_query {
    char *id;
    char *output;   /* the address of its result */
    char *manifest; /* of what names the objects that it wrote, a line each; or NULL */
};
void cli_query_clear(struct cli_query *query);

/* Runs a statement to its end. output: where results go, "s3://bucket/prefix/"; NULL: a bucket that
 * is made for them. */
bool cli_query_run(struct cli_query *query, const char *sql, const char *database,
                   const char *output, GError **error);

/* The same with its rows as Parquet: the manifest names the objects. */
bool cli_query_unload(struct cli_query *query, const char *sql, const char *database,
                      GError **error);

/* An object's bytes, by its address. */
GBytes *cli_query_object(const char *uri, GError **error);

/* The next page of its result: the reply of GetQueryResults. *token is "" at first, and NULL when
 * there are no more. */
json_t *cli_query_page(const struct cli_query *query, char **token, GError **error);

/* All rows of a small result, without the header: a list of lists of texts and nulls. */
json_t *cli_query_rows(const char *sql, const char *database, GError **error);

#endif
