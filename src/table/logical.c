#include "table/logical.h"

static const enum duckdb_kind kinds[] = {
    [SQL_UNKNOWN] = DUCKDB_INTEGER,
    [SQL_BOOLEAN] = DUCKDB_BOOLEAN,
    [SQL_TINYINT] = DUCKDB_TINYINT,
    [SQL_SMALLINT] = DUCKDB_SMALLINT,
    [SQL_INTEGER] = DUCKDB_INTEGER,
    [SQL_BIGINT] = DUCKDB_BIGINT,
    [SQL_REAL] = DUCKDB_FLOAT,
    [SQL_DOUBLE] = DUCKDB_DOUBLE,
    [SQL_VARCHAR] = DUCKDB_VARCHAR,
    [SQL_CHAR] = DUCKDB_VARCHAR,
    [SQL_VARBINARY] = DUCKDB_BLOB,
    [SQL_DATE] = DUCKDB_DATE,
    [SQL_TIME] = DUCKDB_TIME,
    [SQL_TIMESTAMP] = DUCKDB_TIMESTAMP,
    [SQL_INTERVAL_MONTHS] = DUCKDB_BIGINT,
    [SQL_INTERVAL_DAYS] = DUCKDB_BIGINT,
    [SQL_JSON] = DUCKDB_VARCHAR,
    [SQL_UUID] = DUCKDB_VARCHAR,
    [SQL_IPADDRESS] = DUCKDB_VARCHAR,
    [SQL_REGEXP] = DUCKDB_VARCHAR,
    [SQL_JSONPATH] = DUCKDB_VARCHAR,
};

static void *struct_of(const struct duckdb_library *library, void **members, const char **names,
                       size_t count)
{
    void *logical = library->create_struct_type(members, names, count);
    for (size_t i = 0; i < count; i++)
        library->destroy_logical_type(&members[i]);
    return logical;
}

static void *row_of(const struct duckdb_library *library, const struct sql_type *type)
{
    struct arena arena = {0};
    void **members = g_new(void *, type->count);
    const char **names = g_new(const char *, type->count);
    for (size_t i = 0; i < type->count; i++) {
        members[i] = logical_of(library, type->parts[i]);
        names[i] = sql_type_field(&arena, type, i);
    }
    void *logical = struct_of(library, members, names, type->count);
    g_free(members);
    g_free(names);
    arena_free(&arena);
    return logical;
}

static void *zoned(const struct duckdb_library *library, enum duckdb_kind first, const char *name,
                   enum duckdb_kind second, const char *other)
{
    void *members[] = {library->create_logical_type((int)first),
                       library->create_logical_type((int)second)};
    const char *names[] = {name, other};
    return struct_of(library, members, names, 2);
}

static void *list_of(const struct duckdb_library *library, const struct sql_type *type)
{
    void *first = logical_of(library, type->parts[0]);
    void *second = type->kind == SQL_MAP ? logical_of(library, type->parts[1]) : NULL;
    void *logical =
        second ? library->create_map_type(first, second) : library->create_list_type(first);
    library->destroy_logical_type(&first);
    if (second)
        library->destroy_logical_type(&second);
    return logical;
}

void *logical_of(const struct duckdb_library *library, const struct sql_type *type)
{
    switch (type->kind) {
    case SQL_DECIMAL:
        return library->create_decimal_type((uint8_t)type->precision, (uint8_t)type->scale);
    case SQL_TIME_ZONED:
        return zoned(library, DUCKDB_TIME, "clock", DUCKDB_INTEGER, "shift");
    case SQL_TIMESTAMP_ZONED:
        return zoned(library, DUCKDB_TIMESTAMP, "instant", DUCKDB_VARCHAR, "zone");
    case SQL_ARRAY:
    case SQL_MAP:
        return list_of(library, type);
    case SQL_ROW:
        return row_of(library, type);
    default:
        return library->create_logical_type((int)kinds[type->kind]);
    }
}

static void put_quoted(GString *sql, const char *text, char quote)
{
    g_string_append_c(sql, quote);
    for (; *text; text++) {
        if (*text == quote)
            g_string_append_c(sql, quote);
        g_string_append_c(sql, *text);
    }
    g_string_append_c(sql, quote);
}

void logical_put_name(GString *sql, const char *name)
{
    put_quoted(sql, name, '"');
}

void logical_put_text(GString *sql, const char *text)
{
    put_quoted(sql, text, '\'');
}
