/* CAST, explicit and implicit: rows of which kind becomes which, and how DuckDB says it. */
#include "sql/coerce.h"

#include "sql/type_kinds.h"

#include <string.h>

/* In the text: $ is the value, @ DuckDB's type to come to, # the precision or length to come to,
 * % the one to come from, & Trino's name of the type in capitals. */
struct cast_row {
    enum sql_type_kind from, to;
    const char *text;
};

static const char PLAIN[] = "CAST($ AS @)";

static const struct cast_row CASTS[] = {
    {SQL_REAL, SQL_DOUBLE, PLAIN},
    {SQL_DOUBLE, SQL_REAL, PLAIN},
    {SQL_DECIMAL, SQL_DECIMAL, PLAIN},
    {SQL_DECIMAL, SQL_REAL, PLAIN},
    {SQL_DECIMAL, SQL_DOUBLE, PLAIN},
    {SQL_REAL, SQL_DECIMAL, "CAST(trino_double_decimal($, '&') AS @)"},
    {SQL_DOUBLE, SQL_DECIMAL, "CAST(trino_double_decimal($, '&') AS @)"},
    {SQL_DECIMAL, SQL_BOOLEAN, "($ <> 0)"},
    {SQL_REAL, SQL_BOOLEAN, "($ <> 0)"},
    {SQL_DOUBLE, SQL_BOOLEAN, "($ <> 0)"},
    {SQL_BOOLEAN, SQL_REAL, PLAIN},
    {SQL_BOOLEAN, SQL_DOUBLE, PLAIN},
    {SQL_BOOLEAN, SQL_DECIMAL, "CAST(CAST($ AS INTEGER) AS @)"},
    {SQL_BOOLEAN, SQL_VARCHAR, "CAST($ AS VARCHAR)"},
    {SQL_DECIMAL, SQL_VARCHAR, "regexp_replace(CAST($ AS VARCHAR), '^(-?)[.]', '\\10.')"},
    {SQL_REAL, SQL_VARCHAR, "trino_real_varchar($)"},
    {SQL_DOUBLE, SQL_VARCHAR, "trino_double_varchar($)"},
    {SQL_DATE, SQL_VARCHAR, "trino_date_varchar($)"},
    {SQL_TIME, SQL_VARCHAR, "trino_time_varchar($, %)"},
    {SQL_TIME_ZONED, SQL_VARCHAR, "trino_timetz_varchar($, %)"},
    {SQL_TIMESTAMP, SQL_VARCHAR, "trino_timestamp_varchar($, %)"},
    {SQL_TIMESTAMP_ZONED, SQL_VARCHAR, "trino_timestamptz_varchar($, %)"},
    {SQL_INTERVAL_MONTHS, SQL_VARCHAR, "trino_months_varchar($)"},
    {SQL_INTERVAL_DAYS, SQL_VARCHAR, "trino_days_varchar($)"},
    {SQL_UUID, SQL_VARCHAR, "$"},
    {SQL_IPADDRESS, SQL_VARCHAR, "$"},
    {SQL_VARCHAR, SQL_BOOLEAN, "trino_varchar_boolean($)"},
    {SQL_VARCHAR, SQL_TINYINT, "trino_varchar_tinyint($)"},
    {SQL_VARCHAR, SQL_SMALLINT, "trino_varchar_smallint($)"},
    {SQL_VARCHAR, SQL_INTEGER, "trino_varchar_integer($)"},
    {SQL_VARCHAR, SQL_BIGINT, "trino_varchar_bigint($)"},
    {SQL_VARCHAR, SQL_REAL, "trino_varchar_real($)"},
    {SQL_VARCHAR, SQL_DOUBLE, "trino_varchar_double($)"},
    {SQL_VARCHAR, SQL_DECIMAL, "CAST(trino_varchar_decimal($, '&') AS @)"},
    {SQL_VARCHAR, SQL_DATE, "trino_varchar_date($)"},
    {SQL_VARCHAR, SQL_TIME, "trino_varchar_time($, #)"},
    {SQL_VARCHAR, SQL_TIME_ZONED, "trino_varchar_timetz($, #)"},
    {SQL_VARCHAR, SQL_TIMESTAMP, "trino_varchar_timestamp($, #)"},
    {SQL_VARCHAR, SQL_TIMESTAMP_ZONED, "trino_varchar_timestamptz($, #)"},
    {SQL_VARCHAR, SQL_VARBINARY, "encode($)"},
    {SQL_VARCHAR, SQL_UUID, "trino_varchar_uuid($)"},
    {SQL_VARCHAR, SQL_IPADDRESS, "trino_varchar_ipaddress($)"},
    {SQL_VARCHAR, SQL_REGEXP, "$"},
    {SQL_VARCHAR, SQL_JSONPATH, "$"},
    {SQL_CHAR, SQL_REGEXP, "rpad($, %, ' ')"},
    {SQL_CHAR, SQL_JSONPATH, "rpad($, %, ' ')"},
    {SQL_VARCHAR, SQL_CHAR, "rtrim(left($, #), ' ')"},
    {SQL_CHAR, SQL_CHAR, "rtrim(left($, #), ' ')"},
    {SQL_DATE, SQL_TIMESTAMP, "CAST($ AS TIMESTAMP)"},
    {SQL_DATE, SQL_TIMESTAMP_ZONED, "trino_timestamp_zone(CAST($ AS TIMESTAMP))"},
    {SQL_TIME, SQL_TIME, "trino_time_round($, #)"},
    {SQL_TIME, SQL_TIME_ZONED, "{'clock': trino_time_round($, #), 'shift': 0}"},
    {SQL_TIME_ZONED, SQL_TIME_ZONED, "trino_timetz_round($, #)"},
    {SQL_TIME_ZONED, SQL_TIME, "trino_time_round(struct_extract($, 'clock'), #)"},
    {SQL_TIMESTAMP, SQL_DATE, "CAST($ AS DATE)"},
    {SQL_TIMESTAMP, SQL_TIME, "trino_time_round(CAST($ AS TIME), #)"},
    {SQL_TIMESTAMP, SQL_TIMESTAMP, "trino_timestamp_round($, #)"},
    {SQL_TIMESTAMP, SQL_TIMESTAMP_ZONED, "trino_timestamp_zone(trino_timestamp_round($, #))"},
    {SQL_TIMESTAMP_ZONED, SQL_DATE, "CAST(trino_local($) AS DATE)"},
    {SQL_TIMESTAMP_ZONED, SQL_TIME, "trino_time_round(CAST(trino_local($) AS TIME), #)"},
    {SQL_TIMESTAMP_ZONED, SQL_TIMESTAMP, "trino_timestamp_round(trino_local($), #)"},
    {SQL_TIMESTAMP_ZONED, SQL_TIMESTAMP_ZONED, "trino_timestamptz_round($, #)"},
    {SQL_UUID, SQL_VARBINARY, "unhex(replace($, '-', ''))"},
    {SQL_JSON, SQL_VARCHAR, "trino_json_varchar($)"},
    {SQL_JSON, SQL_BOOLEAN, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_TINYINT, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_SMALLINT, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_INTEGER, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_BIGINT, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_REAL, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_DOUBLE, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_JSON, SQL_DECIMAL, "CAST(trino_json_scalar($, '&') AS @)"},
    {SQL_VARCHAR, SQL_JSON, "trino_varchar_json($)"},
    {SQL_BOOLEAN, SQL_JSON, "CAST($ AS VARCHAR)"},
    {SQL_DECIMAL, SQL_JSON, "regexp_replace(CAST($ AS VARCHAR), '^(-?)[.]', '\\10.')"},
    {SQL_REAL, SQL_JSON, "trino_double_json(CAST(CAST($ AS VARCHAR) AS DOUBLE))"},
    {SQL_DOUBLE, SQL_JSON, "trino_double_json($)"},
    {SQL_DATE, SQL_JSON, "('\"' || trino_date_varchar($) || '\"')"},
    {SQL_TIMESTAMP, SQL_JSON, "('\"' || trino_timestamp_varchar($, %) || '\"')"},
    {SQL_TIMESTAMP_ZONED, SQL_JSON, "('\"' || trino_timestamptz_varchar($, %) || '\"')"},
};

/* Casts among integers and to and from them are alike for all four. */
static const char *integral_cast(enum sql_type_kind from, enum sql_type_kind to, bool to_integer)
{
    enum sql_type_kind other = to_integer ? from : to;
    switch (other) {
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
    case SQL_BOOLEAN:
    case SQL_DECIMAL:
        return PLAIN;
    case SQL_REAL:
    case SQL_DOUBLE:
        return to_integer ? "CAST(round($) AS @)" : PLAIN;
    case SQL_JSON:
        return to_integer ? NULL : "CAST($ AS VARCHAR)";
    case SQL_VARCHAR:
        return to_integer ? NULL : "CAST($ AS VARCHAR)";
    default:
        return NULL;
    }
}

static bool integral(enum sql_type_kind kind)
{
    return kind >= SQL_TINYINT && kind <= SQL_BIGINT;
}

static const char *cast_row(enum sql_type_kind from, enum sql_type_kind to)
{
    for (size_t i = 0; i < sizeof CASTS / sizeof *CASTS; i++)
        if (CASTS[i].from == from && CASTS[i].to == to)
            return CASTS[i].text;
    if (integral(to))
        return integral_cast(from, to, true);
    return integral(from) ? integral_cast(from, to, false) : NULL;
}

static bool castable_parts(const struct sql_type *from, const struct sql_type *to)
{
    if (from->count != to->count)
        return false;
    for (size_t i = 0; i < from->count; i++)
        if (!sql_castable(from->parts[i], to->parts[i]))
            return false;
    return true;
}

static bool castable_json(const struct sql_type *other)
{
    for (size_t i = 0; i < other->count; i++)
        if (!(other->kind == SQL_MAP && i == 0 && other->parts[0]->kind == SQL_VARCHAR) &&
            !sql_castable(other->parts[i], sql_type_plain(SQL_JSON)))
            return false;
    return true;
}

bool sql_castable(const struct sql_type *from, const struct sql_type *to)
{
    if (sql_type_same(from, to) || from->kind == SQL_UNKNOWN)
        return true;
    if (from->kind == to->kind && from->count)
        return castable_parts(from, to);
    if ((from->kind == SQL_JSON && to->count) || (to->kind == SQL_JSON && from->count))
        return castable_json(from->count ? from : to);
    if (from->kind == to->kind)
        return true;
    if (from->kind == SQL_CHAR)
        return to->kind == SQL_VARCHAR || cast_row(SQL_CHAR, to->kind) ||
               cast_row(SQL_VARCHAR, to->kind);
    return cast_row(from->kind, to->kind);
}

/* --- the text --- */

static const char *loud_type(struct sql_compiler *c, const struct sql_type *type)
{
    if (type->kind == SQL_DECIMAL)
        return sql_printf(&c->arena, "DECIMAL(%d, %d)", type->precision, type->scale);
    return sql_type_kinds[type->kind].name;
}

static const char *fill(struct sql_compiler *c, const char *form, const struct sql_value *value,
                        const struct sql_type *to)
{
    struct sql_text text = {.arena = &c->arena};
    for (; *form; form++) {
        if (*form == '$')
            sql_text_put(&text, value->text);
        else if (*form == '@')
            sql_text_put(&text, sql_type_duckdb(&c->arena, to));
        else if (*form == '#')
            sql_text_printf(&text, "%d", to->precision);
        else if (*form == '%')
            sql_text_printf(&text, "%d", value->type->precision);
        else if (*form == '&')
            sql_text_put(&text, loud_type(c, to));
        else
            sql_text_add(&text, form, 1);
    }
    return sql_text_end(&text);
}

static const char *cast_text(struct sql_compiler *c, struct sql_value value,
                             const struct sql_type *to);

static const char *element_lambda(struct sql_compiler *c, const struct sql_type *from,
                                  const struct sql_type *to)
{
    const char *name = sql_printf(&c->arena, "l%zu", ++c->names);
    struct sql_value element = {.text = name, .type = from};
    return sql_printf(&c->arena, "lambda %s: %s", name, cast_text(c, element, to));
}

static const char *cast_row_value(struct sql_compiler *c, struct sql_value value,
                                  const struct sql_type *to)
{
    struct sql_text text = {.arena = &c->arena};
    sql_text_printf(&text, "CASE WHEN (%s) IS NOT NULL THEN struct_pack(", value.text);
    for (size_t i = 0; i < to->count; i++) {
        const char *name = sql_type_field(&c->arena, value.type, i);
        struct sql_value field = {.type = value.type->parts[i]};
        field.text = sql_printf(&c->arena, "struct_extract(%s, %s)", value.text,
                                sql_quoted(&c->arena, name, '\''));
        sql_text_put(&text, i ? ", " : "");
        sql_text_quote(&text, sql_type_field(&c->arena, to, i), '"');
        sql_text_printf(&text, " := %s", cast_text(c, field, to->parts[i]));
    }
    sql_text_put(&text, ") END");
    return sql_printf(&c->arena, "(%s)", sql_text_end(&text));
}

static const char *cast_map(struct sql_compiler *c, struct sql_value value,
                            const struct sql_type *to)
{
    const char *keys = element_lambda(c, value.type->parts[0], to->parts[0]);
    const char *values = element_lambda(c, value.type->parts[1], to->parts[1]);
    return sql_printf(&c->arena,
                      "map(list_transform(map_keys(%s), %s), list_transform(map_values(%s), %s))",
                      value.text, keys, value.text, values);
}

static const char *cast_parts(struct sql_compiler *c, struct sql_value value,
                              const struct sql_type *to)
{
    if (strcmp(sql_type_duckdb(&c->arena, value.type), sql_type_duckdb(&c->arena, to)) == 0 &&
        to->kind != SQL_ROW)
        return value.text;
    if (to->kind == SQL_ROW)
        return cast_row_value(c, value, to);
    if (to->kind == SQL_MAP)
        return cast_map(c, value, to);
    return sql_printf(&c->arena, "list_transform(%s, %s)", value.text,
                      element_lambda(c, value.type->parts[0], to->parts[0]));
}

/* varchar(n): cut where it may be longer; what an integer needs more places for is an error. */
static const char *limit_varchar(struct sql_compiler *c, struct sql_value value, const char *text,
                                 const struct sql_type *to)
{
    bool texts = value.type->kind == SQL_VARCHAR || value.type->kind == SQL_CHAR ||
                 value.type->kind == SQL_JSON;
    if (to->kind != SQL_VARCHAR || to->precision == SQL_UNBOUNDED ||
        (texts && value.type->kind != SQL_JSON && value.type->precision <= to->precision))
        return text;
    if (texts)
        return sql_printf(&c->arena, "left(%s, %d)", text, to->precision);
    return sql_printf(&c->arena, "trino_varchar_fits(%s, %d)", text, to->precision);
}

static const char *json_cast(struct sql_compiler *c, struct sql_value value,
                             const struct sql_type *to);

static const char *wrap_json(struct sql_compiler *c, struct sql_value element)
{
    return sql_printf(&c->arena, "coalesce(%s, 'null')",
                      cast_text(c, element, sql_type_plain(SQL_JSON)));
}

static const char *list_to_json(struct sql_compiler *c, struct sql_value value)
{
    const char *name = sql_printf(&c->arena, "l%zu", ++c->names);
    struct sql_value element = {.text = name, .type = value.type->parts[0]};
    return sql_printf(&c->arena,
                      "('[' || array_to_string(list_transform(%s, lambda %s: %s), ',') || ']')",
                      value.text, name, wrap_json(c, element));
}

/* Trino makes a row a JSON object; one without names has empty keys... it is told by its fields. */
static const char *row_to_json(struct sql_compiler *c, struct sql_value value)
{
    struct sql_text text = {.arena = &c->arena};
    sql_text_printf(&text, "(CASE WHEN (%s) IS NOT NULL THEN '{'", value.text);
    for (size_t i = 0; i < value.type->count; i++) {
        const char *name = value.type->names[i] ? value.type->names[i] : "";
        const char *key = sql_printf(&c->arena, "%s\"%s\":", i ? "," : "", name);
        const char *field = sql_type_field(&c->arena, value.type, i);
        struct sql_value part = {.type = value.type->parts[i]};
        part.text = sql_printf(&c->arena, "struct_extract(%s, %s)", value.text,
                               sql_quoted(&c->arena, field, '\''));
        sql_text_printf(&text, " || %s || %s", sql_quoted(&c->arena, key, '\''),
                        wrap_json(c, part));
    }
    sql_text_put(&text, " || '}' END)");
    return sql_text_end(&text);
}

/* Keys in order, as Trino writes them. */
static const char *map_to_json(struct sql_compiler *c, struct sql_value value)
{
    const char *name = sql_printf(&c->arena, "l%zu", ++c->names);
    struct sql_value key = {.text = sql_printf(&c->arena, "%s.key", name),
                            .type = value.type->parts[0]};
    struct sql_value part = {.text = sql_printf(&c->arena, "%s.value", name),
                             .type = value.type->parts[1]};
    const char *key_text = cast_text(c, key, sql_type_plain(SQL_VARCHAR));
    return sql_printf(&c->arena,
                      "('{' || array_to_string(list_transform(list_sort(map_entries(%s)), lambda "
                      "%s: trino_varchar_json(%s) || ':' || %s), ',') || '}')",
                      value.text, name, key_text, wrap_json(c, part));
}

static const char *from_json_list(struct sql_compiler *c, struct sql_value value,
                                  const struct sql_type *to)
{
    struct sql_value list = {.text = sql_printf(&c->arena, "trino_json_list(%s)", value.text)};
    struct sql_type from = {.kind = SQL_ARRAY, .count = 1};
    const struct sql_type *json = sql_type_plain(SQL_JSON);
    from.parts = &json;
    list.type = sql_type_of_parts(&c->arena, SQL_ARRAY, 1, from.parts, NULL);
    return sql_printf(&c->arena, "list_transform(%s, %s)", list.text,
                      element_lambda(c, json, to->parts[0]));
}

static const char *from_json_map(struct sql_compiler *c, struct sql_value value,
                                 const struct sql_type *to)
{
    const struct sql_type *json = sql_type_plain(SQL_JSON);
    const char *keys = element_lambda(c, sql_type_plain(SQL_VARCHAR), to->parts[0]);
    const char *values = element_lambda(c, json, to->parts[1]);
    return sql_printf(&c->arena,
                      "map(list_transform(trino_json_keys(%s), %s), "
                      "list_transform(trino_json_values(%s), %s))",
                      value.text, keys, value.text, values);
}

static const char *from_json_row(struct sql_compiler *c, struct sql_value value,
                                 const struct sql_type *to)
{
    struct sql_text text = {.arena = &c->arena};
    sql_text_printf(&text, "(CASE WHEN trino_json_present(%s) THEN struct_pack(", value.text);
    for (size_t i = 0; i < to->count; i++) {
        struct sql_value part = {.type = sql_type_plain(SQL_JSON)};
        const char *name = to->names[i] ? to->names[i] : "";
        part.text = sql_printf(&c->arena, "trino_json_field(%s, %s, %zu)", value.text,
                               sql_quoted(&c->arena, name, '\''), i);
        sql_text_put(&text, i ? ", " : "");
        sql_text_quote(&text, sql_type_field(&c->arena, to, i), '"');
        sql_text_printf(&text, " := %s", cast_text(c, part, to->parts[i]));
    }
    sql_text_put(&text, ") END)");
    return sql_text_end(&text);
}

static const char *json_cast(struct sql_compiler *c, struct sql_value value,
                             const struct sql_type *to)
{
    if (to->kind == SQL_JSON)
        return value.type->kind == SQL_ARRAY ? list_to_json(c, value)
               : value.type->kind == SQL_MAP ? map_to_json(c, value)
                                             : row_to_json(c, value);
    return to->kind == SQL_ARRAY ? from_json_list(c, value, to)
           : to->kind == SQL_MAP ? from_json_map(c, value, to)
                                 : from_json_row(c, value, to);
}

static const char *cast_scalar(struct sql_compiler *c, struct sql_value value,
                               const struct sql_type *to)
{
    const struct sql_type *from = value.type;
    if (from->kind == SQL_CHAR && to->kind != SQL_CHAR && !cast_row(SQL_CHAR, to->kind)) {
        value.text = sql_printf(&c->arena, "rpad(%s, %d, ' ')", value.text, from->precision);
        value.type = sql_type_sized(&c->arena, SQL_VARCHAR, from->precision, 0);
        return cast_text(c, value, to);
    }
    if (from->kind == SQL_VARCHAR && to->kind == SQL_VARCHAR)
        return limit_varchar(c, value, value.text, to);
    if (from->kind == to->kind && from->kind >= SQL_TIME && from->kind <= SQL_TIMESTAMP_ZONED &&
        to->precision >= from->precision)
        return value.text;
    const char *form = cast_row(from->kind, to->kind);
    return limit_varchar(c, value, form ? fill(c, form, &value, to) : value.text, to);
}

static const char *cast_text(struct sql_compiler *c, struct sql_value value,
                             const struct sql_type *to)
{
    const struct sql_type *from = value.type;
    if (sql_type_same(from, to))
        return value.text;
    if (from->kind == SQL_UNKNOWN)
        return sql_printf(&c->arena, "CAST(%s AS %s)", value.text, sql_type_duckdb(&c->arena, to));
    if (from->kind == to->kind && from->count)
        return cast_parts(c, value, to);
    if (from->count || to->count)
        return json_cast(c, value, to);
    return cast_scalar(c, value, to);
}

struct sql_value sql_cast(struct sql_compiler *compiler, struct sql_value value,
                          const struct sql_type *to)
{
    struct sql_value result = value;
    if (value.unknown && !compiler->wanted[value.unknown - 1] && to->kind != SQL_UNKNOWN)
        compiler->wanted[value.unknown - 1] = to;
    result.unknown = 0;
    result.text = cast_text(compiler, value, to);
    result.type = to;
    return result;
}
