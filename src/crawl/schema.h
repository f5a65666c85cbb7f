/* schema.h: what schemas (classify.h) have in common. */
#ifndef LATHE_CRAWL_SCHEMA_H
#define LATHE_CRAWL_SCHEMA_H

#include "base/json.h"

/* Whether files of both fit one table. By default seven tenths of the columns have to be alike;
 * `combine`: those that are there in both have to be. */
bool schema_is_similar(const json_t *a, const json_t *b, bool combine);

/* One that reads both; a new reference. */
json_t *schema_merge(const json_t *a, const json_t *b);

/* Its columns as a table has them: [{"Name", "Type"}]. */
json_t *schema_columns(const json_t *schema);

#endif
