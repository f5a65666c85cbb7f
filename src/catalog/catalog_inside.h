/* catalog_inside.h: between the files of this room. */
#ifndef LATHE_CATALOG_CATALOG_INSIDE_H
#define LATHE_CATALOG_CATALOG_INSIDE_H

#include "catalog/catalog.h"

struct catalog {
    struct store *store;
};

/* What a piece of work of the store's is given: its arguments, and where its result goes. */
struct catalog_work {
    const char *database, *table, *name;
    const json_t *input, *values;
    const void *options;
    json_t **found; /* or NULL */
    json_t *failed;
    size_t *added;
};
/* Reads; the result, or NULL. Sets work->found. */
json_t *catalog_read(struct catalog *catalog, store_work *run, struct catalog_work *work,
                     GError **error);

/* A name as it is kept; g_free. */
char *catalog_fold(const char *name);

/* ERROR_ENTITY_NOT_FOUND where there is none. */
bool database_check(struct store_connection *connection, const char *name, GError **error);

/* A table as it is kept. */
struct table_row {
    gint64 id;
    gint64 version;
    json_t *body; /* a TableInput */
    char *created_by;
    double created, updated;
};
bool table_find(struct store_connection *connection, const char *database, const char *name,
                struct table_row *row, GError **error);
void table_row_clear(struct table_row *row);
typedef struct table_row table_row_auto;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(table_row_auto, table_row_clear)
/* As Glue tells it; takes the body. */
json_t *table_describe(const char *database, const char *name, struct table_row *row);
/* Its partitions, layouts and statistics go. */
bool table_clear(struct store_connection *connection, gint64 id, GError **error);

/* The key of a partition in a table of that row, from a list of values; g_free. NULL and an error
 * where they do not fit the table's keys. */
char *table_partition_key(const struct table_row *row, const json_t *values, GError **error);

json_t *catalog_parse(const char *text); /* what the store holds */

#endif
