/* resolve.h: the catalog as the compiler asks for it. */
#ifndef LATHE_QUERY_RESOLVE_H
#define LATHE_QUERY_RESOLVE_H

#include "base/json.h"
#include "sql/sql.h"

struct catalog;

/* Tables that one statement named, with their columns' types: what the compiler was told lives as
 * long as this. has_new: "t$new" is a table where t is (struct query_news). */
struct resolver;
struct resolver *resolver_new(struct catalog *catalog, bool has_new);
void resolver_free(struct resolver *resolver);
typedef struct resolver resolver_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(resolver_auto, resolver_free)

/* Callbacks and their data, for sql_compile. */
void resolver_offer(struct resolver *resolver, struct sql_catalog *into);

/* A table that was found, as the catalog has it; NULL where none of that name was. Borrowed. */
const json_t *resolver_table(const struct resolver *resolver, const char *schema, const char *name);

/* The name without what makes it a table of new objects, g_free; NULL: it is not such a one. */
char *new_table_of(const char *name);

#endif
