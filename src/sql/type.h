/* type.h: Trino's types: as values, as text, and what DuckDB keeps them in.
 *
 *   boolean tinyint smallint integer bigint real double decimal(p,s)   DuckDB's own, FLOAT for real
 *   varchar(n), json, uuid, ipaddress, regular expressions, JSON paths  VARCHAR
 *   char(n)                       VARCHAR without its trailing spaces: padded when it is read out
 *   varbinary                     BLOB
 *   date, time(p), timestamp(p)   DATE, TIME, TIMESTAMP; p of 7 to 12 is refused
 *   timestamp(p) with time zone   STRUCT(instant TIMESTAMP, zone VARCHAR), the instant in UTC
 *   time(p) with time zone        STRUCT(clock TIME, shift INTEGER), the local clock, minutes of
 * offset interval year to month        BIGINT of months interval day to second        BIGINT of
 * milliseconds array, map                    LIST, MAP row                           STRUCT; a
 * field has its name in lower case, or f1, f2, ... by place unknown (the type of NULL)    INTEGER
 */
#ifndef LATHE_SQL_TYPE_H
#define LATHE_SQL_TYPE_H

#include "parse/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum sql_type_kind {
    SQL_UNKNOWN,
    SQL_BOOLEAN,
    SQL_TINYINT,
    SQL_SMALLINT,
    SQL_INTEGER,
    SQL_BIGINT,
    SQL_REAL,
    SQL_DOUBLE,
    SQL_DECIMAL,
    SQL_VARCHAR,
    SQL_CHAR,
    SQL_VARBINARY,
    SQL_DATE,
    SQL_TIME,
    SQL_TIME_ZONED,
    SQL_TIMESTAMP,
    SQL_TIMESTAMP_ZONED,
    SQL_INTERVAL_MONTHS,
    SQL_INTERVAL_DAYS,
    SQL_JSON,
    SQL_UUID,
    SQL_IPADDRESS,
    SQL_REGEXP,   /* joniregexp */
    SQL_JSONPATH, /* a path of json_extract */
    SQL_ARRAY,
    SQL_MAP,
    SQL_ROW,
    SQL_FUNCTION /* a lambda: its parameters, then its result */
};

/* varchar without a length. */
enum { SQL_UNBOUNDED = 2147483647, SQL_PRECISION_MOST = 38 };

struct sql_type {
    enum sql_type_kind kind;
    int precision; /* decimal; varchar's and char's length; time's and timestamp's digits */
    int scale;     /* decimal */
    size_t count;  /* element; key and value; fields */
    const struct sql_type *const *parts;
    const char *const *names; /* a row's fields: NULL where one has none */
};

/* Reads Trino's spelling, aliases too ("int", "row(a bigint, b array(varchar(3)))"). NULL: it is
 * none. */
const struct sql_type *sql_type_read(struct arena *arena, const char *text);
/* The catalog's spelling: "array<struct<a:int>>", "decimal(10,2)", "string". NULL: it is none. */
const struct sql_type *sql_type_of_hive(struct arena *arena, const char *text);

/* As typeof() says it: decimal(2,1), row(a integer, b varchar). */
const char *sql_type_write(struct arena *arena, const struct sql_type *type);
/* As Trino's client protocol says it in a result's columns: decimal(2, 1). */
const char *sql_type_write_column(struct arena *arena, const struct sql_type *type);
const char *sql_type_to_hive(struct arena *arena, const struct sql_type *type);
/* DuckDB's type that holds it. */
const char *sql_type_duckdb(struct arena *arena, const struct sql_type *type);
/* The name that field number `index` has in DuckDB's STRUCT. */
const char *sql_type_field(struct arena *arena, const struct sql_type *row, size_t index);

bool sql_type_same(const struct sql_type *a, const struct sql_type *b);

#endif
