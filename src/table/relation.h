/* relation.h: what a statement reads under one name: files of one format with columns of known
 * types, and the values of the partitions that they belong to. engine.h says how a request writes
 * it. */
#ifndef LATHE_TABLE_RELATION_H
#define LATHE_TABLE_RELATION_H

#include "base/json.h"
#include "sql/type.h"

enum relation_format {
    RELATION_DELIMITED, /* LazySimpleSerDe */
    RELATION_CSV,       /* OpenCSVSerde */
    RELATION_REGEX,     /* RegexSerDe */
    RELATION_GROK,      /* GrokSerDe */
    RELATION_JSON,      /* Hive's and OpenX's JsonSerDe */
    RELATION_PARQUET,
    RELATION_AVRO,
};

struct relation_column {
    const char *name;
    const struct sql_type *type;
};

struct relation_file {
    const char *path;          /* where its bytes are */
    const char *uri;           /* what it is called: $path */
    const char *const *values; /* a partition column each, NULL for null */
    int64_t size;
    double modified; /* seconds since 1970 */
};

struct relation {
    struct arena arena; /* of all that hangs from it */
    const char *name;
    enum relation_format format;
    struct relation_column *columns, *partitions;
    size_t column_count, partition_count;
    struct relation_file *files;
    size_t file_count;
    json_t *options; /* the SerDe's and the table's parameters; borrowed from the request */
};

/* NULL and an error for what cannot be read. The request has to outlive it. */
struct relation *relation_read(const json_t *request, GError **error);
void relation_free(struct relation *relation);

/* An option as text, or the fallback. */
const char *relation_option(const struct relation *relation, const char *name,
                            const char *fallback);

/* Says that a partition's value is none of its column's type. */
bool relation_fail_value(const struct relation *relation, size_t partition, const char *value,
                         GError **error);

#endif
