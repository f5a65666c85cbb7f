/* engine_answer.h: a result of DuckDB's, chunk by chunk, into a reply or a file. */
#ifndef LATHE_TABLE_ENGINE_ANSWER_H
#define LATHE_TABLE_ENGINE_ANSWER_H

#include "base/json.h"
#include "sql/type.h"
#include "table/value.h"

/* The columns of a result, as the request names them. */
struct engine_answer_columns {
    struct arena arena;
    const char **names;
    const struct sql_type **types;
    size_t count;
};
bool engine_answer_columns_read(struct engine_answer_columns *columns, const json_t *list,
                                GError **error);
void engine_answer_columns_free(struct engine_answer_columns *columns);

/* An error of DuckDB's, as a GError whose text begins with Trino's name of it: "NAME: text". */
bool engine_answer_fail(const struct duckdb_library *library, const char *text, int kind,
                        GError **error);

/* What takes the rows of a chunk: a view of each column. */
typedef bool engine_answer_take(const struct engine_answer_columns *columns,
                                const struct value_view *views, uint64_t rows, void *data,
                                GError **error);
/* Runs the statement and gives its rows away, chunk by chunk. */
bool engine_answer_run(const struct duckdb_library *library, void *connection, const char *sql,
                       const struct engine_answer_columns *columns, engine_answer_take *take,
                       void *data, GError **error);

/* Runs the statement and adds its rows to text, as members of a JSON list, at most so many. */
bool engine_answer_rows(const struct duckdb_library *library, void *connection, const char *sql,
                        const struct engine_answer_columns *columns, int64_t most, GString *text,
                        int64_t *rows, GError **error);
/* Runs it and writes Athena's CSV. */
bool engine_answer_csv(const struct duckdb_library *library, void *connection, const char *sql,
                       const struct engine_answer_columns *columns, const char *path, int64_t *rows,
                       GError **error);

#endif
