/* record.h: what the catalog records beside tables and partitions, for those who ask for it again:
 * statistics of columns, partition indexes, functions; and the search over tables. Bodies and
 * errors as in catalog.h. */
#ifndef LATHE_CATALOG_RECORD_H
#define LATHE_CATALOG_RECORD_H

#include "catalog/catalog.h"

/* Statistics of columns, of a table or (with the values of one) a partition: a ColumnStatistics
 * each. */
struct catalog_column_set {
    const char *database, *table;
    const json_t *values; /* of a partition; NULL: the table's own */
};
bool catalog_statistics_put(struct catalog *catalog, const struct catalog_column_set *set,
                            const json_t *list, GError **error);
/* Those of the columns named that are there; the names of the others are added to missing. */
json_t *catalog_statistics_get(struct catalog *catalog, const struct catalog_column_set *set,
                               const json_t *names, json_t *missing, GError **error);
bool catalog_statistics_delete(struct catalog *catalog, const struct catalog_column_set *set,
                               const char *name, GError **error);

/* Partition indexes of a table, each {"IndexName", "Keys": [name]}. Whatever is filtered by, keys
 * are read from one index, so they change nothing. */
json_t *catalog_index_list(struct catalog *catalog, const char *database, const char *table,
                           GError **error);
bool catalog_index_create(struct catalog *catalog, const char *database, const char *table,
                          const json_t *index, GError **error);
bool catalog_index_delete(struct catalog *catalog, const char *database, const char *table,
                          const char *name, GError **error);

/* Functions of a database: a UserDefinedFunction each. */
bool catalog_function_create(struct catalog *catalog, const char *database, const json_t *input,
                             GError **error);
bool catalog_function_update(struct catalog *catalog, const char *database, const char *name,
                             const json_t *input, GError **error);
json_t *catalog_function_get(struct catalog *catalog, const char *database, const char *name,
                             GError **error);
bool catalog_function_delete(struct catalog *catalog, const char *database, const char *name,
                             GError **error);
/* In order of their names; database NULL: of all. */
json_t *catalog_function_list(struct catalog *catalog, const char *database, const char *pattern,
                              GError **error);

/* Tables of all databases that have every word of `text` (NULL or "": any) somewhere in their
 * names, descriptions, columns or parameters (in quotes: the text as it is), and that every filter
 * lets through: a list of {"Key", "Value", "Comparator"}, or NULL. sort: {"FieldName", "Sort"}, or
 * NULL. */
json_t *catalog_search(struct catalog *catalog, const char *text, const json_t *filters,
                       const json_t *sort, GError **error);

#endif
