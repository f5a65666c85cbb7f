/* avro_inside.h: Avro's schemas, and its values into columns. */
#ifndef LATHE_TABLE_AVRO_INSIDE_H
#define LATHE_TABLE_AVRO_INSIDE_H

#include "base/json.h"
#include "table/sink.h"

enum avro_kind {
    AVRO_NULL,
    AVRO_BOOLEAN,
    AVRO_INT,
    AVRO_LONG,
    AVRO_FLOAT,
    AVRO_DOUBLE,
    AVRO_BYTES,
    AVRO_STRING,
    AVRO_FIXED,
    AVRO_ENUM,
    AVRO_ARRAY,
    AVRO_MAP,
    AVRO_RECORD,
    AVRO_UNION,
};

enum avro_logical { AVRO_PLAIN, AVRO_DATE, AVRO_MILLIS, AVRO_MICROS, AVRO_NANOS, AVRO_DECIMAL };

struct avro_type {
    enum avro_kind kind;
    enum avro_logical logical;
    int scale;                /* of a decimal */
    int64_t size;             /* of a fixed */
    size_t count;             /* parts, or an enumeration's names */
    struct avro_type **parts; /* a record's fields, a union's branches, what is in a list or map */
    const char **names;       /* of fields, or the words of an enumeration */
};

/* A file's schema; a record may hold itself. */
struct avro_schema;
struct avro_schema *avro_schema_read(const char *text, size_t size, GError **error);
const struct avro_type *avro_schema_type(const struct avro_schema *schema);
void avro_schema_free(struct avro_schema *schema);
/* Avro's own word for a type. */
const char *avro_kind_name(enum avro_kind kind);

/* A block's values, from `at` on. */
struct avro_values {
    const unsigned char *at, *end;
    int depth;
};

/* Sets a value in a row, or passes it over where there is no sink. An error's text is to be
 * preceded by the file's name. */
bool avro_take(struct avro_values *values, const struct avro_type *type, struct sink *sink,
               uint64_t row, GError **error);
/* The same of a default that a schema says. */
bool avro_set_default(const json_t *value, struct sink *sink, uint64_t row, GError **error);

/* What a codec packed, into a buffer that grows. */
bool avro_unpack(const char *codec, const unsigned char *bytes, size_t size, GByteArray *plain,
                 GError **error);
/* Whether there is such a codec. */
bool avro_codec_is(const char *codec);

#endif
