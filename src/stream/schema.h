/* schema.h: JSON records held against a table of the catalog, as Firehose's deserializers read
 * them: what fits becomes a line that the SQL engine reads without fail, of what does not is said
 * why. */
#ifndef LATHE_STREAM_SCHEMA_H
#define LATHE_STREAM_SCHEMA_H

#include "base/json.h"
#include "catalog/catalog.h"

/* What a delivery stream says of its conversion; counted with its configuration. */
struct conversion {
    char *database, *table, *version; /* version NULL: the newest */
    bool any_case;                    /* members are columns' whatever their case */
    bool dots;                        /* a dot in a member's name is an underscore */
    bool millis;                      /* numbers are milliseconds where times are wanted */
    json_t *mappings;                 /* a column's name -> the member's; or NULL */
    char *compression;                /* the engine's word: "snappy" */
};
void conversion_clear(struct conversion *conversion);

struct schema;

/* The table as it is now; its columns' types have to be Hive's that are known. */
struct schema *schema_open(struct catalog *catalog, const struct conversion *conversion,
                           GError **error);
void schema_free(struct schema *schema);
typedef struct schema schema_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(schema_auto, schema_free)

/* Adds the record as a line. False where it does not fit: *code is Firehose's, *why the reason
 * (g_free). */
bool schema_fit(const struct schema *schema, const void *bytes, size_t size, GString *lines,
                const char **code, char **why);

/* A request to the engine (table/engine.h) that makes a Parquet file of those lines. */
json_t *schema_request(const struct schema *schema, const char *lines, const char *folder,
                       const char *compression);

#endif
