/* places.h: the partitions that a statement reads, and where they lie. */
#ifndef LATHE_QUERY_PLACES_H
#define LATHE_QUERY_PLACES_H

#include "query/query_inside.h"
#include "sql/sql.h"

/* Of struct catalog_place, which the array frees: the partitions of a table that may hold rows for
 * the reference. NULL and an error. */
GPtrArray *places_find(struct query_run *run, const struct sql_reference *reference,
                       const json_t *table, GError **error);

/* Whether a table's partitions are not in the catalog, but said by its properties. */
bool projection_is(const json_t *table);
/* Those that its properties say: where `equal` (an object of keys and texts) has a key, of that
 * value alone. */
GPtrArray *projection_places(const json_t *table, const json_t *equal, double now, GError **error);

/* Runs a request in the engine, and ends it when the statement is cancelled: the reply, to be
 * freed; NULL and an error, Athena's where the statement is at fault. */
json_t *query_ask_engine(struct query_run *run, const json_t *request, GError **error);

/* A reference as the engine is asked for it: its files, linked into the statement's folder. *bytes
 * grows by their sizes. */
json_t *relation_of(struct query_run *run, const struct sql_reference *reference,
                    const json_t *table, gint64 *bytes, GError **error);

#endif
