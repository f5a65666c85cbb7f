/* Parquet by DuckDB's own writer, which cuts partitions into folders key=value; the files are moved
 * out of them under names of ours. */
#include "table/engine_write_inside.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/logical.h"

/* Columns as they are called; those of the partition and the bucket by their places. */
static void put_names(const struct writing *writing, GString *sql)
{
    for (size_t i = 0; i < writing->columns->count; i++) {
        g_string_append(sql, i ? ", " : "");
        if (i < writing->width)
            logical_put_name(sql, writing->columns->names[i]);
        else
            g_string_append_printf(sql, "\"p%zu\"", i - writing->width);
    }
}

static void put_bucket(const struct writing *writing, GString *sql)
{
    if (!writing->buckets)
        return;
    g_string_append_printf(sql, ", trino_hive_bucket(%d", (int)writing->bucket_count);
    for (size_t i = 0; i < json_array_size(writing->buckets); i++) {
        g_string_append(sql, ", ");
        logical_put_name(sql, json_string_value(json_array_get(writing->buckets, i)));
    }
    g_string_append(sql, ") AS \"p_bucket\"");
}

static void put_partitions(const struct writing *writing, GString *sql)
{
    size_t count = writing->columns->count - writing->width;
    if (!count && !writing->buckets)
        return;
    g_string_append(sql, ", PARTITION_BY (");
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(sql, "%s\"p%zu\"", i ? ", " : "", i);
    if (writing->buckets)
        g_string_append(sql, count ? ", \"p_bucket\"" : "\"p_bucket\"");
    g_string_append_c(sql, ')');
}

static char *copy_statement(const struct writing *writing, const char *to)
{
    GString *sql = g_string_new("COPY (SELECT *");
    put_bucket(writing, sql);
    g_string_append_printf(sql, " FROM (%s) AS t(", writing->sql);
    put_names(writing, sql);
    g_string_append(sql, ")) TO ");
    logical_put_text(sql, to);
    g_string_append(sql, " (FORMAT parquet, RETURN_STATS true, COMPRESSION ");
    logical_put_text(sql, g_ascii_strcasecmp(writing->compression, "none") == 0
                              ? "uncompressed"
                              : writing->compression);
    put_partitions(writing, sql);
    g_string_append_c(sql, ')');
    return g_string_free(sql, FALSE);
}

/* ---- what was written ---- */

/* "p0=a%2Fb" and such between scratch and the file's name. */
static json_t *values_of(const char *path, int64_t *bucket)
{
    json_t *values = json_array();
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    for (char **part = parts; *part && part[1]; part++) {
        const char *equal = strchr(*part, '=');
        g_autofree char *value = equal ? g_uri_unescape_string(equal + 1, NULL) : NULL;
        if (g_str_has_prefix(*part, "p_bucket="))
            *bucket = value ? g_ascii_strtoll(value, NULL, 10) : 0;
        else if (value && strcmp(value, "__HIVE_DEFAULT_PARTITION__") != 0)
            json_array_append_new(values, json_string(value));
        else if (equal)
            json_array_append_new(values, json_null());
    }
    return values;
}

static bool move_file(const char *from, const char *to, GError **error)
{
    if (rename(from, to) == 0)
        return true;
    return errno == EXDEV ? file_copy(from, to, 0600, error)
                          : error_set_errno(error, errno, "moving %s to %s", from, to);
}

struct moving {
    struct writing *writing;
    int64_t *rows;
};

/* A row of COPY's answer: the file's name, its rows, its size. */
static bool take_file(struct moving *moving, const char *path, int64_t rows, int64_t bytes,
                      GError **error)
{
    struct writing *writing = moving->writing;
    int64_t bucket = -1;
    if (!rows)
        return true;
    if ((int64_t)writing->written >= writing->most)
        return writing_fail_partitions(writing, error);
    json_t *values = values_of(path + strlen(writing->scratch), &bucket);
    g_autofree char *name = writing_next_name(writing, "");
    g_autofree char *to = g_build_filename(writing->folder, name, NULL);
    writing_add(writing, name, values, rows, bytes, bucket);
    *moving->rows += rows;
    return move_file(path, to, error);
}

static bool take_files(const struct engine_answer_columns *columns, const struct value_view *views,
                       uint64_t count, void *data, GError **error)
{
    (void)columns;
    for (uint64_t row = 0; row < count; row++) {
        size_t size;
        const char *bytes = value_bytes(&views[0], row, &size);
        g_autofree char *path = g_strndup(bytes, size);
        if (!take_file(data, path, (int64_t)value_integer(&views[1], row),
                       (int64_t)value_integer(&views[2], row), error))
            return false;
    }
    return true;
}

/* Of the statistics the first three are looked at; the rest is of types of their own. */
static const struct sql_type any = {.kind = SQL_VARCHAR};
static const struct sql_type *const types[] = {&any, &any, &any, &any, &any, &any};
static const char *const names[] = {"filename", "count", "file_size_bytes", "", "", ""};

bool write_parquet(struct writing *writing, int64_t *rows, GError **error)
{
    if (!file_make_folders(writing->scratch, error))
        return false;
    bool cut = writing->buckets || writing->width < writing->columns->count;
    g_autofree char *to =
        cut ? g_strdup(writing->scratch) : g_build_filename(writing->scratch, "file", NULL);
    g_autofree char *sql = copy_statement(writing, to);
    struct engine_answer_columns columns = {.names = (const char **)(void *)names,
                                            .types = (const struct sql_type **)(void *)types,
                                            .count = G_N_ELEMENTS(types)};
    struct moving moving = {writing, rows};
    *rows = 0;
    return engine_answer_run(writing->library, writing->connection, sql, &columns, take_files,
                             &moving, error);
}
