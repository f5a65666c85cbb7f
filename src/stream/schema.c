#include "stream/schema.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "sql/type.h"
#include "table/sink.h"

#define MILLIS_FROM 1e11 /* a greater number is no seconds since 1970, but milliseconds */

struct column {
    const char *name, *hive; /* the table's */
    const struct sql_type *type;
};

struct schema {
    const struct conversion *conversion;
    json_t *table;
    struct arena arena;
    GArray *columns;       /* struct column */
    GHashTable *by_member; /* a member's name (lower case where any_case) -> number and one */
};

void conversion_clear(struct conversion *conversion)
{
    g_free(conversion->database);
    g_free(conversion->table);
    g_free(conversion->version);
    g_free(conversion->compression);
    json_decref(conversion->mappings);
}

/* ---- the table ---- */

static char *key_of(const struct schema *schema, const char *member)
{
    char *key = schema->conversion->any_case ? g_utf8_strdown(member, -1) : g_strdup(member);
    return schema->conversion->dots ? g_strdelimit(key, ".", '_') : key;
}

static bool add_column(struct schema *schema, const json_t *told, GError **error)
{
    struct column column = {.name = json_text_at(told, "Name"), .hive = json_text_at(told, "Type")};
    column.type = column.hive ? sql_type_of_hive(&schema->arena, column.hive) : NULL;
    if (!column.name || !column.type)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "the column %s of the table %s.%s has the type %s, which is none of "
                         "Hive's that are known here",
                         column.name, schema->conversion->database, schema->conversion->table,
                         column.hive ? column.hive : "(none)");
    g_array_append_val(schema->columns, column);
    const char *member =
        json_string_value(json_object_get(schema->conversion->mappings, column.name));
    g_hash_table_insert(schema->by_member, key_of(schema, member ? member : column.name),
                        GUINT_TO_POINTER(schema->columns->len));
    return true;
}

static bool add_columns(struct schema *schema, GError **error)
{
    const json_t *list = json_at(schema->table, "StorageDescriptor.Columns");
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!add_column(schema, json_array_get(list, i), error))
            return false;
    return schema->columns->len ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION, "the table %s.%s has no columns",
                     schema->conversion->database, schema->conversion->table);
}

struct schema *schema_open(struct catalog *catalog, const struct conversion *conversion,
                           GError **error)
{
    json_t *table = catalog_version_get(catalog, conversion->database, conversion->table,
                                        conversion->version, error);
    if (!table)
        return NULL;
    g_autoptr(schema_auto) schema = g_new0(struct schema, 1);
    schema->conversion = conversion;
    schema->table = table;
    schema->columns = g_array_new(FALSE, FALSE, sizeof(struct column));
    schema->by_member = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return add_columns(schema, error) ? g_steal_pointer(&schema) : NULL;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    json_decref(schema->table);
    g_hash_table_unref(schema->by_member);
    g_array_unref(schema->columns);
    arena_free(&schema->arena);
    g_free(schema);
}

/* ---- values ---- */

static json_t *fit(const struct schema *schema, const struct sql_type *type, const json_t *value);

/* A number as it is written with the fewest digits. */
static char *number_text(const json_t *value)
{
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    double number = json_real_value(value);
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    for (int digits = 15; digits <= 17; digits++) {
        g_autofree char *format = g_strdup_printf("%%.%dg", digits);
        g_ascii_formatd(text, sizeof text, format, number);
        if (g_ascii_strtod(text, NULL) == number)
            break;
    }
    return g_strdup(text);
}

/* Any value as a column of texts has it. */
static char *text_of(const json_t *value)
{
    if (json_is_string(value))
        return g_strdup(json_string_value(value));
    return json_is_number(value) ? number_text(value) : json_text_of(value);
}

static bool is_in_range(enum sql_type_kind kind, gint64 value)
{
    gint64 most = kind == SQL_TINYINT    ? G_MAXINT8
                  : kind == SQL_SMALLINT ? G_MAXINT16
                  : kind == SQL_INTEGER  ? G_MAXINT32
                                         : G_MAXINT64;
    return value >= -most - 1 && value <= most;
}

static bool is_real(const char *text)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    return *text && !*end && isfinite(number) && !g_ascii_isspace(*text) && !strpbrk(text, "xXpP");
}

/* A text of that type's plainest form. */
static bool is_of_type(const struct sql_type *type, const char *text)
{
    int64_t number;
    struct duckdb_huge digits;
    size_t size = strlen(text);
    switch (type->kind) {
    case SQL_BOOLEAN:
        return g_ascii_strcasecmp(text, "true") == 0 || g_ascii_strcasecmp(text, "false") == 0;
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
        return read_integer(text, size, &number) && is_in_range(type->kind, number);
    case SQL_REAL:
    case SQL_DOUBLE:
        return is_real(text);
    case SQL_DECIMAL:
        return read_decimal(text, size, type->precision, type->scale, &digits);
    case SQL_DATE:
        return read_date(text, size, &number);
    case SQL_TIMESTAMP:
        return read_timestamp(text, size, &number);
    default:
        return type->kind == SQL_VARCHAR || type->kind == SQL_CHAR;
    }
}

/* Seconds or milliseconds since 1970, as a time's text; NULL: neither. */
static char *time_of_number(const struct schema *schema, const char *text)
{
    if (!is_real(text))
        return NULL;
    double number = g_ascii_strtod(text, NULL);
    if (schema->conversion->millis || fabs(number) >= MILLIS_FROM)
        number /= 1000;
    if (fabs(number) >= MILLIS_FROM)
        return NULL;
    char *time = clock_iso(number);
    time[strlen(time) - 1] = '\0'; /* Z */
    return time;
}

static json_t *fit_scalar(const struct schema *schema, const struct sql_type *type,
                          const json_t *value)
{
    g_autofree char *text = text_of(value);
    bool plain = json_is_string(value) || json_is_number(value) || json_is_boolean(value);
    bool any = type->kind == SQL_VARCHAR || type->kind == SQL_CHAR;
    g_autofree char *time =
        plain && type->kind == SQL_TIMESTAMP ? time_of_number(schema, text) : NULL;
    if (time)
        return json_string(time);
    return (plain || any) && is_of_type(type, text) ? json_string(text) : NULL;
}

static json_t *fit_array(const struct schema *schema, const struct sql_type *type,
                         const json_t *value)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < json_array_size(value); i++) {
        json_t *element = fit(schema, type->parts[0], json_array_get(value, i));
        if (!element)
            g_clear_pointer(&list, json_decref);
        else
            json_array_append_new(list, element);
    }
    return list;
}

static json_t *fit_map(const struct schema *schema, const struct sql_type *type,
                       const json_t *value)
{
    json_t *map = json_object();
    const char *key;
    json_t *given;
    json_object_foreach((json_t *)value, key, given)
    {
        json_t *element =
            is_of_type(type->parts[0], key) ? fit(schema, type->parts[1], given) : NULL;
        if (element) {
            json_object_set_new(map, key, element);
            continue;
        }
        json_decref(map);
        return NULL;
    }
    return map;
}

static size_t field_named(const struct sql_type *type, const char *name)
{
    size_t i = 0;
    while (i < type->count && (!type->names[i] || g_ascii_strcasecmp(type->names[i], name) != 0))
        i++;
    return i;
}

/* Members that are no fields are passed over. */
static json_t *fit_row(const struct schema *schema, const struct sql_type *type,
                       const json_t *value)
{
    json_t *row = json_object();
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)value, name, given)
    {
        size_t i = field_named(type, name);
        json_t *field = i < type->count ? fit(schema, type->parts[i], given) : NULL;
        if (field) {
            json_object_set_new(row, type->names[i], field);
        } else if (i < type->count) {
            json_decref(row);
            return NULL;
        }
    }
    return row;
}

/* The value as the engine reads it; NULL where it does not fit. */
static json_t *fit(const struct schema *schema, const struct sql_type *type, const json_t *value)
{
    if (json_is_null(value))
        return json_null();
    if (type->kind == SQL_ARRAY)
        return json_is_array(value) ? fit_array(schema, type, value) : NULL;
    if (type->kind == SQL_MAP)
        return json_is_object(value) ? fit_map(schema, type, value) : NULL;
    if (type->kind == SQL_ROW)
        return json_is_object(value) ? fit_row(schema, type, value) : NULL;
    return fit_scalar(schema, type, value);
}

/* ---- records ---- */

static bool fit_members(const struct schema *schema, const json_t *record, json_t *line, char **why)
{
    const char *name;
    json_t *given;
    json_object_foreach((json_t *)record, name, given)
    {
        g_autofree char *key = key_of(schema, name);
        guint place = GPOINTER_TO_UINT(g_hash_table_lookup(schema->by_member, key));
        if (!place)
            continue;
        const struct column *column = &g_array_index(schema->columns, struct column, place - 1);
        json_t *value = fit(schema, column->type, given);
        if (!value) {
            g_autofree char *text = text_of(given);
            *why = g_strdup_printf("The data does not match the schema. The value %.200s of the "
                                   "column %s is no %s.",
                                   text, column->name, column->hive);
            return false;
        }
        json_object_set_new(line, column->name, value);
    }
    return true;
}

bool schema_fit(const struct schema *schema, const void *bytes, size_t size, GString *lines,
                const char **code, char **why)
{
    json_error_t cause;
    g_autoptr(json_auto) record = json_loadb(bytes, size, 0, &cause);
    g_autoptr(json_auto) line = json_object();
    if (!json_is_object(record)) {
        *code = "DataFormatConversion.ParseError";
        *why = g_strdup_printf("Encountered malformed JSON. %s",
                               record ? "A record has to be one object." : cause.text);
        return false;
    }
    *code = "DataFormatConversion.MalformedData";
    if (!fit_members(schema, record, line, why))
        return false;
    g_autofree char *text = json_text_of(line);
    g_string_append(lines, text);
    g_string_append_c(lines, '\n');
    return true;
}

/* ---- the engine ---- */

static char *quoted(const char *name)
{
    g_autoptr(GString) text = g_string_new(name);
    g_string_replace(text, "\"", "\"\"", 0);
    return g_strdup_printf("\"%s\"", text->str);
}

json_t *schema_request(const struct schema *schema, const char *lines, const char *folder,
                       const char *compression)
{
    g_autoptr(GString) sql = g_string_new("SELECT ");
    struct arena arena = {0};
    json_t *given = json_array(), *wanted = json_array();
    for (guint i = 0; i < schema->columns->len; i++) {
        const struct column *column = &g_array_index(schema->columns, struct column, i);
        g_autofree char *name = quoted(column->name);
        g_string_append_printf(sql, "%s%s", i ? ", " : "", name);
        json_array_append_new(given,
                              json_pack("{ssss}", "Name", column->name, "Type", column->hive));
        json_array_append_new(wanted, json_pack("{ssss}", "Name", column->name, "Type",
                                                sql_type_write(&arena, column->type)));
    }
    arena_free(&arena);
    g_string_append(sql, " FROM r1");
    return json_pack("{sssos[{sssssos[]s{}s[{sssss[]}]}]s{ssssssssss}}", "Sql", sql->str, "Columns",
                     wanted, "Relations", "Name", "r1", "Format", "json", "Columns", given,
                     "Partitions", "Options", "Files", "Path", lines, "Uri", lines, "Values",
                     "Result", "Form", "write", "Folder", folder, "Prefix", "part", "Format",
                     "parquet", "Compression", compression);
}
