#include "table/relation_view.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/logical.h"
#include "table/sink.h"

/* ---- links: r1/2.15.parquet is file 15, of partition 2 of those that differ ---- */

static bool check_values(const struct relation *relation, const struct relation_file *file,
                         GError **error)
{
    char space[64];
    for (size_t i = 0; i < relation->partition_count; i++) {
        const struct sql_type *type = relation->partitions[i].type;
        const char *value = file->values[i];
        struct sink sink = {.type = type, .data = space};
        bool is_text = type->kind == SQL_VARCHAR || type->kind == SQL_CHAR;
        if (value && !is_text && !sink_parse(&sink, 0, value, strlen(value)))
            return relation_fail_value(relation, i, value, error);
    }
    return true;
}

/* The partitions that differ, by what their values are together. */
struct partitions {
    GHashTable *numbers; /* the values joined, to a number and one */
    GPtrArray *first;    /* struct relation_file: the first file of each */
};

static guint number_of(struct partitions *partitions, const struct relation *relation,
                       const struct relation_file *file)
{
    g_autoptr(GString) key = g_string_new(NULL);
    for (size_t i = 0; i < relation->partition_count; i++)
        g_string_append_printf(key, "%s%s%c", file->values[i] ? "=" : "",
                               file->values[i] ? file->values[i] : "", 1);
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(partitions->numbers, key->str));
    if (known)
        return known - 1;
    g_ptr_array_add(partitions->first, (void *)file);
    g_hash_table_insert(partitions->numbers, g_strdup(key->str),
                        GUINT_TO_POINTER(partitions->first->len));
    return partitions->first->len - 1;
}

/* A link that is no symbolic one: DuckDB follows those before it asks whether it may read. */
static bool link_file(const char *from, const char *to, GError **error)
{
    if (link(from, to) == 0)
        return true;
    if (errno == ENOENT)
        return error_set_errno(error, errno, "HIVE_CANNOT_OPEN_SPLIT: opening %s", from);
    return file_copy(from, to, 0600, error);
}

static bool make_links(const struct relation *relation, const char *folder,
                       struct partitions *partitions, GError **error)
{
    if (mkdir(folder, 0700) != 0)
        return error_set_errno(error, errno, "making the folder %s", folder);
    for (size_t i = 0; i < relation->file_count; i++) {
        const struct relation_file *file = &relation->files[i];
        guint number = number_of(partitions, relation, file);
        g_autofree char *path = g_strdup_printf("%s/%u.%zu.parquet", folder, number, i);
        if (!check_values(relation, file, error) || !link_file(file->path, path, error))
            return false;
    }
    return true;
}

/* ---- views ---- */

static void put_type(GString *sql, const struct sql_type *type)
{
    struct arena arena = {0};
    g_string_append(sql, sql_type_duckdb(&arena, type));
    arena_free(&arena);
}

static void put_schema(GString *sql, const struct relation *relation)
{
    g_string_append(sql, ", schema = MAP {");
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct relation_column *column = &relation->columns[i];
        g_autoptr(GString) type = g_string_new(NULL);
        put_type(type, column->type);
        g_string_append(sql, i ? ", " : "");
        logical_put_text(sql, column->name);
        g_string_append(sql, ": {name: ");
        logical_put_text(sql, column->name);
        g_string_append(sql, ", type: ");
        logical_put_text(sql, type->str);
        g_string_append(sql, ", default_value: NULL}");
    }
    g_string_append_c(sql, '}');
}

/* A column that is the file's, from the list of what it may be. DuckDB computes such once a file's
 * chunk, not a row. */
static void put_choice(GString *sql, const char *values, size_t count, int part)
{
    if (count == 1)
        g_string_append_printf(sql, "%s[1]", values);
    else
        g_string_append_printf(
            sql, "%s[CAST(split_part(parse_filename(filename), '.', %d) AS INTEGER) + 1]", values,
            part);
}

static void put_partition(GString *sql, const struct relation *relation,
                          const struct partitions *partitions, size_t column)
{
    g_autoptr(GString) values = g_string_new("CAST([");
    for (guint i = 0; i < partitions->first->len; i++) {
        const struct relation_file *file = partitions->first->pdata[i];
        g_string_append(values, i ? ", " : "");
        if (file->values[column])
            logical_put_text(values, file->values[column]);
        else
            g_string_append(values, "NULL");
    }
    g_string_append(values, "] AS ");
    put_type(values, relation->partitions[column].type);
    g_string_append(values, "[])");
    put_choice(sql, values->str, partitions->first->len, 1);
}

/* parquet.column.index.access: columns are the file's by their places, whatever they are called. */
static bool by_place(const struct relation *relation)
{
    const char *option = relation_option(relation, "parquet.column.index.access", "");
    return g_ascii_strcasecmp(option, "true") == 0;
}

static void put_columns(GString *sql, const struct relation *relation,
                        const struct partitions *partitions)
{
    for (size_t i = 0; i < relation->column_count; i++) {
        const struct relation_column *column = &relation->columns[i];
        g_string_append(sql, by_place(relation) ? "CAST(" : "");
        logical_put_name(sql, column->name);
        if (by_place(relation)) {
            g_string_append(sql, " AS ");
            put_type(sql, column->type);
            g_string_append(sql, ") AS ");
            logical_put_name(sql, column->name);
        }
        g_string_append(sql, ", ");
    }
    for (size_t i = 0; i < relation->partition_count; i++) {
        put_partition(sql, relation, partitions, i);
        g_string_append(sql, " AS ");
        logical_put_name(sql, relation->partitions[i].name);
        g_string_append(sql, ", ");
    }
}

static void put_path(GString *sql, const struct relation *relation)
{
    g_autoptr(GString) uris = g_string_new("[");
    for (size_t i = 0; i < relation->file_count; i++) {
        g_string_append(uris, i ? ", " : "");
        logical_put_text(uris, relation->files[i].uri);
    }
    g_string_append_c(uris, ']');
    put_choice(sql, uris->str, relation->file_count, 2);
    g_string_append(sql, " AS \"$path\"");
}

static void put_places(GString *sql, const struct relation *relation, const char *files)
{
    g_string_append(sql, " FROM (SELECT filename, * FROM read_parquet(");
    logical_put_text(sql, files);
    g_string_append(sql, ", hive_partitioning = false)) AS t(filename");
    for (size_t i = 0; i < relation->column_count; i++) {
        g_string_append(sql, ", ");
        logical_put_name(sql, relation->columns[i].name);
    }
    g_string_append_c(sql, ')');
}

static void put_parquet(GString *sql, const struct relation *relation,
                        const struct partitions *partitions, const char *links)
{
    g_autofree char *files = g_build_filename(links, "*.parquet", NULL);
    put_columns(sql, relation, partitions);
    put_path(sql, relation);
    if (by_place(relation)) {
        put_places(sql, relation, files);
        return;
    }
    g_string_append(sql, " FROM read_parquet(");
    logical_put_text(sql, files);
    put_schema(sql, relation);
    g_string_append(sql, ", hive_partitioning = false)");
}

static bool view_parquet(const struct relation *relation, const char *folder, GString *sql,
                         GError **error)
{
    g_autofree char *links = g_build_filename(folder, relation->name, NULL);
    struct partitions partitions = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                                    g_ptr_array_new()};
    bool good = make_links(relation, links, &partitions, error);
    if (good)
        put_parquet(sql, relation, &partitions, links);
    g_hash_table_unref(partitions.numbers);
    g_ptr_array_unref(partitions.first);
    return good;
}

static void view_nothing(const struct relation *relation, GString *sql)
{
    for (size_t i = 0; i < relation->column_count + relation->partition_count; i++) {
        const struct relation_column *column =
            i < relation->column_count ? &relation->columns[i]
                                       : &relation->partitions[i - relation->column_count];
        g_string_append(sql, "CAST(NULL AS ");
        put_type(sql, column->type);
        g_string_append(sql, ") AS ");
        logical_put_name(sql, column->name);
        g_string_append(sql, ", ");
    }
    g_string_append(sql, "CAST(NULL AS VARCHAR) AS \"$path\" WHERE false");
}

bool relation_view(const struct relation *relation, size_t number, const char *folder, GString *sql,
                   GError **error)
{
    g_string_append(sql, "CREATE OR REPLACE TEMP VIEW ");
    logical_put_name(sql, relation->name);
    g_string_append(sql, " AS SELECT ");
    if (relation->format != RELATION_PARQUET)
        g_string_append_printf(sql, "* FROM text_scan(%zu)", number);
    else if (!relation->file_count)
        view_nothing(relation, sql);
    else if (!view_parquet(relation, folder, sql, error))
        return false;
    g_string_append(sql, ";\n");
    return true;
}
