/* engine_write_inside.h: between engine_write.c and its formats. */
#ifndef LATHE_TABLE_ENGINE_WRITE_INSIDE_H
#define LATHE_TABLE_ENGINE_WRITE_INSIDE_H

#include "table/engine_write.h"
#include "table/value.h"

struct writing {
    const struct duckdb_library *library;
    void *connection;
    const char *sql;
    const struct engine_answer_columns *columns;
    size_t width; /* of the columns that are written: the rest say the partition */
    const char *folder, *prefix, *compression, *scratch;
    char delimiter;
    const char *null_word;
    int64_t most;
    const json_t *buckets; /* their columns; NULL: none */
    int64_t bucket_count;
    json_t *files;
    guint written; /* files so far */
};

/* The name of the next file. g_free. */
char *writing_next_name(struct writing *writing, const char *ending);
/* Adds a file to the list; takes values, a list. bucket -1: none. */
void writing_add(struct writing *writing, const char *name, json_t *values, int64_t rows,
                 int64_t bytes, int64_t bucket);
bool writing_fail_partitions(const struct writing *writing, GError **error);
/* The bucket of a row of these values. */
int64_t writing_bucket(const struct writing *writing, const struct value_view *views, size_t row);

bool write_parquet(struct writing *writing, int64_t *rows, GError **error);
/* Adds a row without its newline. */
typedef void put_row(GString *out, const struct writing *writing, const struct value_view *views,
                     uint64_t row);
bool write_lines(struct writing *writing, put_row *put, int64_t *rows, GError **error);

#endif
