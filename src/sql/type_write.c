/* A type as text: Trino's typeof, its client protocol's, and the catalog's. */
#include "sql/text.h"
#include "sql/type_kinds.h"

#include <string.h>

/* What the tongues differ in. */
struct tongue {
    const char *comma; /* between a decimal's numbers */
    bool loud;         /* INTERVAL DAY TO SECOND */
    bool quoted;       /* row("a" integer) */
};

static const struct tongue TYPEOF = {",", false, false}, COLUMN = {", ", true, false};

static void write_type(struct sql_text *text, const struct sql_type *type, const struct tongue *as);

static void write_parts(struct sql_text *text, const struct sql_type *type, const struct tongue *as)
{
    sql_text_printf(text, "%s(", sql_type_kinds[type->kind].name);
    for (size_t i = 0; i < type->count; i++) {
        sql_text_put(text, i ? (type->kind == SQL_FUNCTION ? "," : ", ") : "");
        if (type->kind == SQL_ROW && type->names[i])
            sql_text_printf(text, "%s ", type->names[i]);
        write_type(text, type->parts[i], as);
    }
    sql_text_put(text, ")");
}

static void write_interval(struct sql_text *text, const struct sql_type *type, bool loud)
{
    bool months = type->kind == SQL_INTERVAL_MONTHS;
    if (loud)
        sql_text_put(text, months ? "INTERVAL YEAR TO MONTH" : "INTERVAL DAY TO SECOND");
    else
        sql_text_put(text, sql_type_kinds[type->kind].name);
}

static void write_type(struct sql_text *text, const struct sql_type *type, const struct tongue *as)
{
    const char *name = sql_type_kinds[type->kind].name;
    if (type->count || type->kind == SQL_ROW)
        write_parts(text, type, as);
    else if (type->kind == SQL_DECIMAL)
        sql_text_printf(text, "decimal(%d%s%d)", type->precision, as->comma, type->scale);
    else if (type->kind == SQL_CHAR ||
             (type->kind == SQL_VARCHAR && type->precision != SQL_UNBOUNDED) ||
             type->kind == SQL_TIME || type->kind == SQL_TIMESTAMP)
        sql_text_printf(text, "%s(%d)", name, type->precision);
    else if (type->kind == SQL_TIME_ZONED || type->kind == SQL_TIMESTAMP_ZONED)
        sql_text_printf(text, "%s(%d) with time zone", name, type->precision);
    else
        write_interval(text, type,
                       as->loud &&
                           (type->kind == SQL_INTERVAL_MONTHS || type->kind == SQL_INTERVAL_DAYS));
}

const char *sql_type_write(struct arena *arena, const struct sql_type *type)
{
    struct sql_text text = {.arena = arena};
    write_type(&text, type, &TYPEOF);
    return sql_text_end(&text);
}

const char *sql_type_write_column(struct arena *arena, const struct sql_type *type)
{
    struct sql_text text = {.arena = arena};
    write_type(&text, type, &COLUMN);
    return sql_text_end(&text);
}

static void write_hive_parts(struct sql_text *text, const struct sql_type *type)
{
    sql_text_printf(text, "%s<", sql_type_kinds[type->kind].hive);
    for (size_t i = 0; i < type->count; i++) {
        sql_text_put(text, i ? "," : "");
        if (type->kind == SQL_ROW)
            sql_text_printf(text, "%s:", sql_type_field(text->arena, type, i));
        sql_text_put(text, sql_type_to_hive(text->arena, type->parts[i]));
    }
    sql_text_put(text, ">");
}

const char *sql_type_to_hive(struct arena *arena, const struct sql_type *type)
{
    struct sql_text text = {.arena = arena};
    const char *name = sql_type_kinds[type->kind].hive;
    if (!name)
        return "string";
    if (type->count)
        write_hive_parts(&text, type);
    else if (type->kind == SQL_DECIMAL)
        sql_text_printf(&text, "decimal(%d,%d)", type->precision, type->scale);
    else if (type->kind == SQL_VARCHAR && type->precision == SQL_UNBOUNDED)
        sql_text_put(&text, "string");
    else if (type->kind == SQL_VARCHAR || type->kind == SQL_CHAR)
        sql_text_printf(&text, "%s(%d)", name, type->precision);
    else
        sql_text_put(&text, name);
    return sql_text_end(&text);
}
