/* select.h: what the files of queries share. */
#ifndef LATHE_SQL_SELECT_H
#define LATHE_SQL_SELECT_H

#include "sql/scope.h"

struct sql_order_key {
    const char *text; /* over the output's columns */
    bool descending, nulls_first;
};

struct sql_output sql_select_output(struct sql_context *x, struct sql_body *body,
                                    struct sql_query *query);
/* ORDER BY, OFFSET and LIMIT around the text of an output, which may have columns x1, x2, ... more
 * than it shows. */
const char *sql_ordered(struct sql_context *x, const struct sql_query *query,
                        struct sql_output output, const struct sql_order_key *keys, bool more);
/* The text with each row once, where DISTINCT alone would not do; NULL where it does. */
const char *sql_distinct_text(struct sql_context *x, const char *text,
                              const struct sql_fields *fields);
/* partition.c: the conjuncts of WHERE that are about partition columns alone. */
void sql_partition_filter(struct sql_context *x, const struct sql_body *body);

#endif
