/* Rows of text into files: one for each partition and bucket, all open until the end. */
#include "table/engine_write_inside.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

struct line_file {
    char *name, *path;
    json_t *values;
    int64_t rows, bucket;
    struct archive *archive;
    GString *text;
};

struct lines {
    struct writing *writing;
    put_row *put;
    GHashTable *files; /* the partition's values joined, and the bucket, to a struct line_file */
    GString *key;
    int64_t *rows;
};

/* ---- files ---- */

static const struct {
    const char *name, *ending;
    int (*add)(struct archive *archive);
} compressions[] = {
    {"none", "", archive_write_add_filter_none},
    {"gzip", ".gz", archive_write_add_filter_gzip},
    {"zstd", ".zst", archive_write_add_filter_zstd},
    {"bzip2", ".bz2", archive_write_add_filter_bzip2},
};

static size_t compression_of(const struct writing *writing)
{
    size_t i = 0;
    while (i < G_N_ELEMENTS(compressions) &&
           g_ascii_strcasecmp(writing->compression, compressions[i].name) != 0)
        i++;
    return i;
}

static bool fail_writing(const struct line_file *file, GError **error)
{
    return error_set(error, ERROR_INTERNAL, "writing %s: %s", file->path,
                     archive_error_string(file->archive));
}

static bool begin_file(struct writing *writing, struct line_file *file, GError **error)
{
    size_t compression = compression_of(writing);
    file->name = writing_next_name(writing, compressions[compression].ending);
    file->path = g_build_filename(writing->folder, file->name, NULL);
    file->archive = archive_write_new();
    file->text = g_string_new(NULL);
    archive_write_set_format_raw(file->archive);
    compressions[compression].add(file->archive);
    /* What is behind the end of a file's last block would be zeros of a tape. */
    archive_write_set_bytes_in_last_block(file->archive, 1);
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, "rows");
    archive_entry_set_filetype(entry, AE_IFREG);
    bool good = archive_write_open_filename(file->archive, file->path) == ARCHIVE_OK &&
                archive_write_header(file->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return good || fail_writing(file, error);
}

static bool flush_file(struct line_file *file, size_t least, GError **error)
{
    if (file->text->len < least || !file->text->len)
        return true;
    la_ssize_t n = archive_write_data(file->archive, file->text->str, file->text->len);
    bool good = n == (la_ssize_t)file->text->len;
    g_string_truncate(file->text, 0);
    return good || fail_writing(file, error);
}

static void free_file(void *data)
{
    struct line_file *file = data;
    if (file->archive)
        archive_write_free(file->archive);
    g_string_free(file->text, TRUE);
    json_decref(file->values);
    g_free(file->name);
    g_free(file->path);
    g_free(file);
}

static bool end_file(struct writing *writing, struct line_file *file, GError **error)
{
    struct stat status;
    if (!flush_file(file, 0, error))
        return false;
    if (archive_write_close(file->archive) != ARCHIVE_OK || stat(file->path, &status) != 0)
        return fail_writing(file, error);
    writing_add(writing, file->name, json_incref(file->values), file->rows, (int64_t)status.st_size,
                file->bucket);
    return true;
}

/* ---- rows ---- */

static json_t *values_of(const struct writing *writing, const struct value_view *views,
                         uint64_t row)
{
    json_t *values = json_array();
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = writing->width; i < writing->columns->count; i++) {
        g_string_truncate(text, 0);
        if (!value_is_null(&views[i], row))
            value_put_scalar(text, writing->columns->types[i], &views[i], row);
        json_array_append_new(values, value_is_null(&views[i], row)
                                          ? json_null()
                                          : json_stringn(text->str, text->len));
    }
    return values;
}

static void put_key(struct lines *lines, const struct value_view *views, uint64_t row,
                    int64_t bucket)
{
    const struct writing *writing = lines->writing;
    g_string_printf(lines->key, "%d", (int)bucket);
    for (size_t i = writing->width; i < writing->columns->count; i++) {
        g_string_append_c(lines->key, 1);
        if (value_is_null(&views[i], row))
            continue;
        g_string_append_c(lines->key, '=');
        value_put_scalar(lines->key, writing->columns->types[i], &views[i], row);
    }
}

static struct line_file *file_for(struct lines *lines, const struct value_view *views, uint64_t row,
                                  GError **error)
{
    struct writing *writing = lines->writing;
    int64_t bucket = writing->buckets ? writing_bucket(writing, views, row) : -1;
    put_key(lines, views, row, bucket);
    struct line_file *file = g_hash_table_lookup(lines->files, lines->key->str);
    if (file)
        return file;
    if ((int64_t)g_hash_table_size(lines->files) >= writing->most) {
        writing_fail_partitions(writing, error);
        return NULL;
    }
    file = g_new0(struct line_file, 1);
    file->values = values_of(writing, views, row);
    file->bucket = bucket;
    bool begun = begin_file(writing, file, error);
    g_hash_table_insert(lines->files, g_strdup(lines->key->str), file);
    return begun ? file : NULL;
}

static bool take_rows(const struct engine_answer_columns *columns, const struct value_view *views,
                      uint64_t rows, void *data, GError **error)
{
    struct lines *lines = data;
    struct line_file *file = NULL;
    bool one = columns->count == lines->writing->width && !lines->writing->buckets;
    for (uint64_t row = 0; row < rows; row++) {
        if (!file || !one)
            file = file_for(lines, views, row, error);
        if (!file)
            return false;
        lines->put(file->text, lines->writing, views, row);
        g_string_append_c(file->text, '\n');
        file->rows++;
        ++*lines->rows;
        if (!flush_file(file, 1 << 18, error))
            return false;
    }
    return true;
}

bool write_lines(struct writing *writing, put_row *put, int64_t *rows, GError **error)
{
    if (compression_of(writing) == G_N_ELEMENTS(compressions))
        return error_set(error, ERROR_VALIDATION,
                         "NOT_SUPPORTED: text cannot be written with the compression %s",
                         writing->compression);
    struct lines lines = {
        .writing = writing,
        .put = put,
        .files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_file),
        .key = g_string_new(NULL),
        .rows = rows,
    };
    bool good = engine_answer_run(writing->library, writing->connection, writing->sql,
                                  writing->columns, take_rows, &lines, error);
    GHashTableIter iter;
    gpointer file;
    g_hash_table_iter_init(&iter, lines.files);
    while (good && g_hash_table_iter_next(&iter, NULL, &file))
        good = end_file(writing, file, error);
    g_hash_table_unref(lines.files);
    g_string_free(lines.key, TRUE);
    return good;
}
