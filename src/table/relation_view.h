/* relation_view.h: a relation as a view of DuckDB's. */
#ifndef LATHE_TABLE_RELATION_VIEW_H
#define LATHE_TABLE_RELATION_VIEW_H

#include "table/relation.h"

/* Adds the statement that makes the view of the relation, which is number `number` of those that
 * text_scan knows. Parquet files get links below `folder`, the only place where DuckDB may read. */
bool relation_view(const struct relation *relation, size_t number, const char *folder, GString *sql,
                   GError **error);

#endif
