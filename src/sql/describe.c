/* What is known of statements and functions, as SELECTs of Trino's: as Trino answers it, too. */
#include "sql/function.h"
#include "sql/sql.h"
#include "sql/text.h"

#include <stdlib.h>
#include <string.h>

/* A text of its own; the arena's goes. */
static char *finish(struct sql_text *text)
{
    const char *made = sql_text_end(text);
    char *copy = malloc(strlen(made) + 1);
    if (copy)
        strcpy(copy, made);
    arena_free(text->arena);
    return copy;
}

static void put_quoted(struct sql_text *text, const char *value)
{
    sql_text_quote(text, value ? value : "", '\'');
}

/* ---- DESCRIBE INPUT ---- */

static const char *base_of(struct arena *arena, const struct sql_type *type)
{
    const char *text = type ? sql_type_write(arena, type) : "unknown";
    char *end = strchr(text, '(');
    return end ? arena_copy(arena, text, (size_t)(end - text)) : text;
}

char *sql_describe_input(const struct sql_statement *described)
{
    struct arena arena = {0};
    struct sql_text text = {.arena = &arena};
    sql_text_put(&text, "SELECT * FROM (VALUES ");
    for (size_t i = 0; i < described->parameter_count; i++) {
        const struct sql_type *const *types = described->parameter_types;
        sql_text_printf(&text, "%s(BIGINT '%zu', ", i ? ", " : "", i);
        put_quoted(&text, base_of(&arena, types ? types[i] : NULL));
        sql_text_put(&text, ")");
    }
    if (!described->parameter_count)
        sql_text_put(&text, "(CAST(NULL AS bigint), CAST(NULL AS varchar))");
    sql_text_put(&text, ") AS t(\"Position\", \"Type\")");
    sql_text_put(&text, described->parameter_count ? " ORDER BY \"Position\"" : " WHERE false");
    return finish(&text);
}

/* ---- DESCRIBE OUTPUT ---- */

/* Bytes of a value in Trino's memory; 0 where they differ. */
static int size_of(const struct sql_type *type)
{
    static const int SIZES[] = {
        [SQL_UNKNOWN] = 1,  [SQL_BOOLEAN] = 1,         [SQL_TINYINT] = 1,
        [SQL_SMALLINT] = 2, [SQL_INTEGER] = 4,         [SQL_BIGINT] = 8,
        [SQL_REAL] = 4,     [SQL_DOUBLE] = 8,          [SQL_DATE] = 4,
        [SQL_TIME] = 8,     [SQL_INTERVAL_MONTHS] = 4, [SQL_INTERVAL_DAYS] = 8,
        [SQL_UUID] = 16,    [SQL_IPADDRESS] = 16,      [SQL_FUNCTION] = 0};
    if (type->kind == SQL_DECIMAL)
        return type->precision > 18 ? 16 : 8;
    if (type->kind == SQL_TIMESTAMP)
        return type->precision > 6 ? 12 : 8;
    if (type->kind == SQL_TIMESTAMP_ZONED)
        return type->precision > 3 ? 12 : 8;
    if (type->kind == SQL_TIME_ZONED)
        return type->precision > 9 ? 12 : 8;
    return SIZES[type->kind];
}

static void put_column(struct sql_text *text, const struct sql_statement *described, size_t i)
{
    const struct sql_origin none = {0};
    const struct sql_origin *origin = described->origins ? &described->origins[i] : &none;
    const struct sql_type *type = described->columns[i].type;
    const char *const texts[] = {described->columns[i].name, origin->catalog, origin->schema,
                                 origin->table, sql_type_write(text->arena, type)};
    sql_text_put(text, i ? ", (" : "(");
    for (size_t j = 0; j < sizeof texts / sizeof *texts; j++) {
        put_quoted(text, texts[j]);
        sql_text_put(text, ", ");
    }
    sql_text_printf(text, "BIGINT '%d', %s)", size_of(type),
                    described->aliased && described->aliased[i] ? "true" : "false");
}

/* What changes tables gives the number of rows. */
static bool is_write(const struct sql_statement *described)
{
    return described->kind == SQL_CREATE_TABLE_AS || described->kind == SQL_INSERT ||
           described->kind == SQL_UNLOAD;
}

char *sql_describe_output(const struct sql_statement *described)
{
    struct arena arena = {0};
    struct sql_text text = {.arena = &arena};
    bool rows = is_write(described), none = !rows && !described->count;
    sql_text_put(&text, "SELECT * FROM (VALUES ");
    if (rows || none)
        sql_text_put(&text, "('rows', '', '', '', 'bigint', BIGINT '8', false)");
    for (size_t i = 0; !rows && i < described->count; i++)
        put_column(&text, described, i);
    sql_text_put(&text, ") AS t(\"Column Name\", \"Catalog\", \"Schema\", \"Table\", \"Type\", "
                        "\"Type Size\", \"Aliased\")");
    if (none)
        sql_text_put(&text, " WHERE false");
    return finish(&text);
}

/* ---- SHOW FUNCTIONS ---- */

/* "<T>(array(T), bigint...) -> T where ...": what it takes and gives, both quoted. */
static void put_signature(struct sql_text *text, const char *signature)
{
    const char *start = strchr(signature, '('), *arrow = strstr(signature, ") -> ");
    for (const char *more = arrow; more; more = strstr(more + 1, ") -> "))
        arrow = more;
    if (!start || !arrow)
        return;
    const char *result = arrow + strlen(") -> "), *end = strstr(result, " where ");
    size_t size = end ? (size_t)(end - result) : strlen(result);
    put_quoted(text, arena_copy(text->arena, result, size));
    char *arguments = arena_copy(text->arena, start + 1, (size_t)(arrow - start - 1));
    size_t length = strlen(arguments);
    if (length > 3 && strcmp(arguments + length - 3, "...") == 0)
        arguments[length - 3] = '\0';
    sql_text_put(text, ", ");
    put_quoted(text, arguments);
}

static void put_function(struct sql_text *text, const struct sql_function *function)
{
    static const char *const KINDS[] = {
        [SQL_SCALAR] = "scalar", [SQL_AGGREGATE] = "aggregate", [SQL_WINDOW] = "window"};
    sql_text_put(text, text->size ? ", (" : "(");
    put_quoted(text, function->name);
    sql_text_put(text, ", ");
    put_signature(text, function->signature);
    sql_text_printf(text, ", '%s', %s, '')", KINDS[function->kind],
                    function->flags & SQL_RANDOM ? "false" : "true");
}

static void put_like(struct sql_text *text, const struct sql_statement *show)
{
    if (!show->pattern)
        return;
    sql_text_put(text, " WHERE \"Function\" LIKE ");
    put_quoted(text, show->pattern);
    if (!show->escape)
        return;
    sql_text_put(text, " ESCAPE ");
    put_quoted(text, show->escape);
}

char *sql_show_functions(const struct sql_statement *show)
{
    struct arena arena = {0};
    struct sql_text rows = {.arena = &arena}, text = {.arena = &arena};
    for (size_t i = 0; sql_function_families[i]; i++)
        for (const struct sql_function *each = sql_function_families[i]; each->name; each++)
            if (each->text && !(each->flags & (SQL_HIDDEN | SQL_FLOATING | SQL_UNNAMED)))
                put_function(&rows, each);
    sql_text_printf(&text,
                    "SELECT * FROM (VALUES %s) AS functions(\"Function\", \"Return Type\", "
                    "\"Argument Types\", \"Function Type\", \"Deterministic\", "
                    "\"Description\")",
                    sql_text_end(&rows));
    put_like(&text, show);
    sql_text_put(&text, " ORDER BY lower(\"Function\"), \"Return Type\", \"Argument Types\", "
                        "\"Function Type\"");
    return finish(&text);
}
