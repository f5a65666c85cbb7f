/* group.h: GROUP BY as a query of its own, below the SELECT that uses its keys and aggregates. */
#ifndef LATHE_SQL_GROUP_H
#define LATHE_SQL_GROUP_H

#include "sql/scope.h"

struct sql_grouped {
    struct sql_aggregation aggregation;
    size_t **sets; /* the keys of each, by number */
    size_t *sizes;
    size_t count;
};

/* Reads GROUP BY; items are what ordinals mean. */
struct sql_grouped *sql_group(struct sql_context *source, struct sql_body *body,
                              struct sql_node *const *items, size_t item_count);
/* DuckDB's text of it, once all aggregates are known: "(SELECT ... GROUP BY ...) AS g1". */
const char *sql_group_text(struct sql_context *source, const struct sql_grouped *grouped,
                           const char *from);

#endif
