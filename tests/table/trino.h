/* trino.h: statements of Trino's, compiled and run in an engine whose process is this very program.
 */
#ifndef TESTS_TABLE_TRINO_H
#define TESTS_TABLE_TRINO_H

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sql/sql.h"
#include "table/engine.h"

static bool trino_has_schema(void *data, const char *catalog, const char *schema)
{
    (void)data;
    return strcmp(catalog, "awsdatacatalog") == 0 && strcmp(schema, "default") == 0;
}

static bool trino_find(void *data, const char *catalog, const char *schema, const char *table,
                       struct sql_table *found, struct sql_error *error)
{
    (void)data, (void)catalog, (void)schema, (void)table, (void)found, (void)error;
    return false;
}

static const struct sql_catalog trino_catalog = {.find = trino_find,
                                                 .has_schema = trino_has_schema,
                                                 .name = "awsdatacatalog",
                                                 .schema = "default",
                                                 .zone = "UTC",
                                                 .user = "reference",
                                                 .now = 1780000000.123};

/* What a statement answered. */
struct trino_answer {
    json_t *columns, *rows; /* NULL where it failed */
    char *name, *message;   /* the error's */
    char *text;             /* DuckDB's, or NULL */
};

static inline void trino_clear(struct trino_answer *answer)
{
    json_decref(answer->columns);
    json_decref(answer->rows);
    g_free(answer->name);
    g_free(answer->message);
    g_free(answer->text);
    *answer = (struct trino_answer){0};
}

/* As the engine is told them, or as Trino's client protocol says them. */
static inline json_t *trino_columns(const struct sql_statement *statement, bool said)
{
    struct arena arena = {0};
    json_t *columns = json_array();
    for (size_t i = 0; i < statement->count; i++) {
        const struct sql_type *type = statement->columns[i].type;
        const char *text =
            said ? sql_type_write_column(&arena, type) : sql_type_write(&arena, type);
        json_array_append_new(columns,
                              json_pack("{s:s, s:s}", said ? "name" : "Name",
                                        statement->columns[i].name, said ? "type" : "Type", text));
    }
    arena_free(&arena);
    return columns;
}

static inline void trino_run(struct engine *engine, const struct sql_statement *statement,
                             struct trino_answer *answer)
{
    GError *error = NULL;
    g_autoptr(json_auto) request =
        json_pack("{s:s, s:o, s:{s:s}}", "Sql", statement->text, "Columns",
                  trino_columns(statement, false), "Result", "Form", "rows");
    g_autoptr(json_auto) reply = engine_call(engine, request, &error);
    if (!reply) {
        answer->name = g_strdup("(engine)");
        answer->message = g_strdup(error->message);
        g_clear_error(&error);
    } else if (json_text_at(reply, "Error.Name")) {
        answer->name = g_strdup(json_text_at(reply, "Error.Name"));
        answer->message = g_strdup(json_text_at(reply, "Error.Message"));
    } else {
        answer->columns = trino_columns(statement, true);
        answer->rows = json_incref(json_object_get(reply, "Rows"));
    }
}

static inline void trino_ask(struct engine *engine, const char *sql, struct trino_answer *answer)
{
    struct sql_error error = {0};
    struct sql_statement *statement = sql_compile(sql, &trino_catalog, &error);
    *answer = (struct trino_answer){0};
    if (!statement || !statement->text) {
        answer->name = g_strdup(statement ? "(no text)" : error.name);
        answer->message =
            error.line ? g_strdup_printf("line %d:%d: %s", error.line, error.column, error.message)
                       : g_strdup(error.message);
    } else {
        answer->text = g_strdup(statement->text);
        trino_run(engine, statement, answer);
    }
    if (statement)
        sql_statement_free(statement);
}

/* Processes that are started as this program with four arguments end here. */
static inline bool trino_is_process(int argc, char **argv, int *status)
{
    if (argc != 5 || strcmp(argv[1], "engine") != 0)
        return false;
    *status = engine_serve(argv[2], (size_t)atoll(argv[3]), (unsigned)atoi(argv[4]));
    return true;
}

static inline struct engine *trino_open(const char *folder, GError **error)
{
    static char program[] = "/proc/self/exe", verb[] = "engine", memory[] = "536870912",
                threads[] = "1";
    g_autofree char *own = g_strdup(folder);
    char *const argv[] = {program, verb, own, memory, threads, NULL};
    struct engine_plan plan = {.argv = argv, .folder = own, .count = 1, .warm = true};
    return engine_open(&plan, error);
}

#endif
