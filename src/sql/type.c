#include "sql/type.h"

#include "sql/text.h"
#include "sql/type_kinds.h"

#include <string.h>

const struct sql_type_kind_row sql_type_kinds[] = {
    [SQL_UNKNOWN] = {"unknown", NULL, "INTEGER", true, true},
    [SQL_BOOLEAN] = {"boolean", "boolean", "BOOLEAN", true, true},
    [SQL_TINYINT] = {"tinyint", "tinyint", "TINYINT", true, true},
    [SQL_SMALLINT] = {"smallint", "smallint", "SMALLINT", true, true},
    [SQL_INTEGER] = {"integer", "int", "INTEGER", true, true},
    [SQL_BIGINT] = {"bigint", "bigint", "BIGINT", true, true},
    [SQL_REAL] = {"real", "float", "FLOAT", true, true},
    [SQL_DOUBLE] = {"double", "double", "DOUBLE", true, true},
    [SQL_DECIMAL] = {"decimal", "decimal", NULL, true, true},
    [SQL_VARCHAR] = {"varchar", "varchar", "VARCHAR", true, true},
    [SQL_CHAR] = {"char", "char", "VARCHAR", true, true},
    [SQL_VARBINARY] = {"varbinary", "binary", "BLOB", true, true},
    [SQL_DATE] = {"date", "date", "DATE", true, true},
    [SQL_TIME] = {"time", NULL, "TIME", true, true},
    [SQL_TIME_ZONED] = {"time", NULL, "STRUCT(clock TIME, shift INTEGER)", true, true},
    [SQL_TIMESTAMP] = {"timestamp", "timestamp", "TIMESTAMP", true, true},
    [SQL_TIMESTAMP_ZONED] = {"timestamp", NULL, "STRUCT(instant TIMESTAMP, zone VARCHAR)", true,
                             true},
    [SQL_INTERVAL_MONTHS] = {"interval year to month", NULL, "BIGINT", true, true},
    [SQL_INTERVAL_DAYS] = {"interval day to second", NULL, "BIGINT", true, true},
    [SQL_JSON] = {"json", NULL, "VARCHAR", true, false},
    [SQL_UUID] = {"uuid", NULL, "VARCHAR", true, true},
    [SQL_IPADDRESS] = {"ipaddress", NULL, "VARCHAR", true, true},
    [SQL_REGEXP] = {"joniregexp", NULL, "VARCHAR", false, false},
    [SQL_JSONPATH] = {"jsonpath", NULL, "VARCHAR", false, false},
    [SQL_ARRAY] = {"array", "array", NULL, true, true},
    [SQL_MAP] = {"map", "map", NULL, true, false},
    [SQL_ROW] = {"row", "struct", NULL, true, true},
    [SQL_FUNCTION] = {"function", NULL, NULL, false, false},
};

const struct sql_type *sql_type_plain(enum sql_type_kind kind)
{
    static const struct sql_type plain[SQL_FUNCTION + 1] = {
#define PLAIN(kind) [kind] = {kind, 0, 0, 0, NULL, NULL}
        PLAIN(SQL_UNKNOWN),
        PLAIN(SQL_BOOLEAN),
        PLAIN(SQL_TINYINT),
        PLAIN(SQL_SMALLINT),
        PLAIN(SQL_INTEGER),
        PLAIN(SQL_BIGINT),
        PLAIN(SQL_REAL),
        PLAIN(SQL_DOUBLE),
        PLAIN(SQL_VARBINARY),
        PLAIN(SQL_DATE),
        PLAIN(SQL_INTERVAL_MONTHS),
        PLAIN(SQL_INTERVAL_DAYS),
        PLAIN(SQL_JSON),
        PLAIN(SQL_UUID),
        PLAIN(SQL_IPADDRESS),
        PLAIN(SQL_REGEXP),
        PLAIN(SQL_JSONPATH),
#undef PLAIN
        [SQL_VARCHAR] = {SQL_VARCHAR, SQL_UNBOUNDED, 0, 0, NULL, NULL},
        [SQL_CHAR] = {SQL_CHAR, 1, 0, 0, NULL, NULL},
        [SQL_DECIMAL] = {SQL_DECIMAL, SQL_PRECISION_MOST, 0, 0, NULL, NULL},
        [SQL_TIME] = {SQL_TIME, 3, 0, 0, NULL, NULL},
        [SQL_TIME_ZONED] = {SQL_TIME_ZONED, 3, 0, 0, NULL, NULL},
        [SQL_TIMESTAMP] = {SQL_TIMESTAMP, 3, 0, 0, NULL, NULL},
        [SQL_TIMESTAMP_ZONED] = {SQL_TIMESTAMP_ZONED, 3, 0, 0, NULL, NULL},
    };
    return &plain[kind];
}

const struct sql_type *sql_type_sized(struct arena *arena, enum sql_type_kind kind, int precision,
                                      int scale)
{
    struct sql_type *type = arena_take(arena, 1, sizeof *type);
    if (!type)
        return sql_type_plain(kind);
    *type = (struct sql_type){.kind = kind, .precision = precision, .scale = scale};
    return type;
}

const struct sql_type *sql_type_of_parts(struct arena *arena, enum sql_type_kind kind, size_t count,
                                         const struct sql_type *const *parts,
                                         const char *const *names)
{
    struct sql_type *type = arena_take(arena, 1, sizeof *type);
    const struct sql_type **kept = arena_take(arena, count + 1, sizeof *kept);
    const char **kept_names = arena_take(arena, count + 1, sizeof *kept_names);
    if (!type || !kept || !kept_names)
        return sql_type_plain(SQL_UNKNOWN);
    memcpy(kept, parts, count * sizeof *parts);
    if (names)
        memcpy(kept_names, names, count * sizeof *names);
    *type = (struct sql_type){.kind = kind, .count = count, .parts = kept, .names = kept_names};
    return type;
}

static bool all_parts(const struct sql_type *type, bool (*holds)(const struct sql_type *))
{
    for (size_t i = 0; i < type->count; i++)
        if (!holds(type->parts[i]))
            return false;
    return true;
}

bool sql_type_comparable(const struct sql_type *type)
{
    return sql_type_kinds[type->kind].comparable && all_parts(type, sql_type_comparable);
}

bool sql_type_orderable(const struct sql_type *type)
{
    return sql_type_kinds[type->kind].orderable && all_parts(type, sql_type_orderable);
}

bool sql_type_integral(const struct sql_type *type)
{
    return type->kind >= SQL_TINYINT && type->kind <= SQL_BIGINT;
}

static bool same_names(const struct sql_type *a, const struct sql_type *b)
{
    for (size_t i = 0; i < a->count && a->kind == SQL_ROW; i++) {
        const char *x = a->names[i] ? a->names[i] : "", *y = b->names[i] ? b->names[i] : "";
        if (!sql_same_word(x, y))
            return false;
    }
    return true;
}

bool sql_type_same(const struct sql_type *a, const struct sql_type *b)
{
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!sql_type_same(a->parts[i], b->parts[i]))
            return false;
    return same_names(a, b);
}

const char *sql_type_field(struct arena *arena, const struct sql_type *row, size_t index)
{
    const char *name = row->names ? row->names[index] : NULL;
    bool twice = !name || !*name;
    for (size_t i = 0; i < row->count && !twice; i++)
        twice = i != index && row->names[i] && sql_same_word(row->names[i], name);
    return twice ? sql_printf(arena, "f%zu", index + 1) : sql_lower(arena, name);
}

static void write_duckdb_row(struct sql_text *text, const struct sql_type *type)
{
    sql_text_put(text, "STRUCT(");
    for (size_t i = 0; i < type->count; i++) {
        sql_text_put(text, i ? ", " : "");
        sql_text_quote(text, sql_type_field(text->arena, type, i), '"');
        sql_text_printf(text, " %s", sql_type_duckdb(text->arena, type->parts[i]));
    }
    sql_text_put(text, ")");
}

const char *sql_type_duckdb(struct arena *arena, const struct sql_type *type)
{
    struct sql_text text = {.arena = arena};
    if (type->kind == SQL_DECIMAL)
        sql_text_printf(&text, "DECIMAL(%d,%d)", type->precision, type->scale);
    else if (type->kind == SQL_ARRAY)
        sql_text_printf(&text, "%s[]", sql_type_duckdb(arena, type->parts[0]));
    else if (type->kind == SQL_MAP)
        sql_text_printf(&text, "MAP(%s, %s)", sql_type_duckdb(arena, type->parts[0]),
                        sql_type_duckdb(arena, type->parts[1]));
    else if (type->kind == SQL_ROW)
        write_duckdb_row(&text, type);
    else
        return sql_type_kinds[type->kind].duckdb ? sql_type_kinds[type->kind].duckdb : "INTEGER";
    return sql_text_end(&text);
}
