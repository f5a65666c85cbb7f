#include "crawl/schema.h"

#include <string.h>

#include "crawl/type.h"

#define SIMILAR 0.7

static bool same_member(const json_t *a, const json_t *b, const char *path)
{
    return g_strcmp0(json_text_at(a, path), json_text_at(b, path)) == 0;
}

static bool is_positional(const json_t *schema)
{
    return json_true_at(schema, "Positional");
}

static bool has_header(const json_t *schema)
{
    return json_object_get(json_object_get(schema, "Parameters"), "skip.header.line.count") != NULL;
}

static struct type *type_of_column(const json_t *column)
{
    const char *text = json_text_at(column, "Type");
    return text ? type_parse(text) : type_new(TYPE_NONE);
}

static bool is_like(const json_t *a, const json_t *b)
{
    g_autoptr(type_auto) first = type_of_column(a);
    g_autoptr(type_auto) second = type_of_column(b);
    return type_is_like(first, second);
}

static const char *name_of(const json_t *column)
{
    return json_text_at(column, "Name");
}

/* ---- headers that cannot be told ---- */

static bool names_are(const json_t *columns, const json_t *names)
{
    size_t i;
    const json_t *column;
    if (!names || json_array_size(columns) != json_array_size(names))
        return false;
    json_array_foreach((json_t *)columns, i, column)
    {
        if (strcmp(name_of(column), json_string_value(json_array_get(names, i))) != 0)
            return false;
    }
    return true;
}

/* A schema without a header, whose first record says the names that `other` has, in its form. */
static json_t *adopt_header(const json_t *schema, const json_t *other)
{
    const json_t *names = json_object_get(schema, "First");
    const json_t *columns = json_object_get(other, "Columns");
    if (has_header(schema) || !has_header(other) || !names_are(columns, names))
        return json_incref((json_t *)schema);
    json_t *adopted = json_deep_copy(other);
    size_t i;
    json_t *column;
    json_array_foreach(json_object_get(adopted, "Columns"), i, column)
        json_object_del(column, "Type"); /* what it has there, texts alone, no one can tell */
    return adopted;
}

/* ---- likeness ---- */

static double like_by_place(const json_t *a, const json_t *b)
{
    double alike = 0;
    for (size_t i = 0; i < MIN(json_array_size(a), json_array_size(b)); i++) {
        const json_t *first = json_array_get(a, i), *second = json_array_get(b, i);
        bool same = strcmp(name_of(first), name_of(second)) == 0;
        bool made_up = g_str_has_prefix(name_of(first), "col");
        if (same)
            alike += is_like(first, second) ? 1 : made_up ? 0 : 0.5;
    }
    return alike;
}

static double like_by_name(const json_t *a, const json_t *b)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    double alike = 0;
    size_t i;
    json_t *column;
    json_array_foreach((json_t *)a, i, column)
        g_hash_table_insert(names, (char *)name_of(column), column);
    json_array_foreach((json_t *)b, i, column)
    {
        const json_t *other = g_hash_table_lookup(names, name_of(column));
        if (other)
            alike += is_like(column, other) ? 1 : 0.5;
    }
    return alike;
}

/* The columns that both have are told by the same names. */
static bool names_agree(const json_t *a, const json_t *b)
{
    for (size_t i = 0; i < MIN(json_array_size(a), json_array_size(b)); i++)
        if (strcmp(name_of(json_array_get(a, i)), name_of(json_array_get(b, i))) != 0)
            return false;
    return true;
}

static bool is_read_alike(const json_t *a, const json_t *b)
{
    return same_member(a, b, "Classification") &&
           g_strcmp0(
               json_string_value(json_object_get(json_object_get(a, "Parameters"), "delimiter")),
               json_string_value(json_object_get(json_object_get(b, "Parameters"), "delimiter"))) ==
               0 &&
           has_header(a) == has_header(b);
}

bool schema_is_similar(const json_t *a, const json_t *b, bool combine)
{
    g_autoptr(json_auto) first = adopt_header(a, b);
    g_autoptr(json_auto) second = adopt_header(b, a);
    const json_t *ours = json_object_get(first, "Columns");
    const json_t *theirs = json_object_get(second, "Columns");
    size_t most = MAX(json_array_size(ours), json_array_size(theirs));
    if (!is_read_alike(first, second))
        return false;
    if (combine)
        return !is_positional(first) || names_agree(ours, theirs);
    if (is_positional(first) && !names_agree(ours, theirs))
        return false;
    double alike = is_positional(first) ? like_by_place(ours, theirs) : like_by_name(ours, theirs);
    return alike >= SIMILAR * (double)most;
}

/* ---- merging ---- */

static void merge_column(json_t *column, const json_t *other)
{
    struct type *type = type_merge(type_of_column(column), type_of_column(other));
    g_autofree char *text = type->kind == TYPE_NONE ? NULL : type_text(type);
    type_free(type);
    if (text)
        json_object_set_new(column, "Type", json_string(text));
    if (json_true_at(other, "Nulls"))
        json_object_set_new(column, "Nulls", json_true());
}

static json_t *column_named(const json_t *columns, const char *name)
{
    size_t i;
    json_t *column;
    json_array_foreach((json_t *)columns, i, column)
    {
        if (strcmp(name_of(column), name) == 0)
            return column;
    }
    return NULL;
}

static void merge_columns(json_t *columns, const json_t *others, bool positional)
{
    size_t i;
    json_t *other;
    json_array_foreach((json_t *)others, i, other)
    {
        json_t *column =
            positional ? json_array_get(columns, i) : column_named(columns, name_of(other));
        if (column)
            merge_column(column, other);
        else
            json_array_append_new(columns, json_deep_copy(other));
    }
}

static bool reads_quotes(const json_t *schema)
{
    const char *library = json_text_at(schema, "Serde.SerializationLibrary");
    return library && g_str_has_suffix(library, "OpenCSVSerde");
}

/* Where some files have quotes, all are read as those are: an empty field is then a text. */
static void read_as_quoted(json_t *schema)
{
    size_t i;
    json_t *column;
    json_array_foreach(json_object_get(schema, "Columns"), i, column)
    {
        if (json_true_at(column, "Nulls") && json_object_get(column, "Type"))
            json_object_set_new(column, "Type", json_string("string"));
    }
}

/* The members of a JSON document are the paths of all. */
static void merge_paths(json_t *schema, const json_t *other)
{
    json_t *parameters = json_at(schema, "Serde.Parameters");
    const char *ours = json_text_at(schema, "Serde.Parameters.paths");
    const char *theirs = json_text_at(other, "Serde.Parameters.paths");
    if (!ours || !theirs || strcmp(ours, theirs) == 0)
        return;
    g_auto(GStrv) have = g_strsplit(ours, ",", -1), further = g_strsplit(theirs, ",", -1);
    g_autoptr(GString) all = g_string_new(ours);
    for (size_t i = 0; further[i]; i++)
        if (!g_strv_contains((const char *const *)have, further[i]))
            g_string_append_printf(all, ",%s", further[i]);
    json_object_set_new(parameters, "paths", json_string(all->str));
}

json_t *schema_merge(const json_t *a, const json_t *b)
{
    g_autoptr(json_auto) first = adopt_header(a, b);
    g_autoptr(json_auto) second = adopt_header(b, a);
    bool quoted = reads_quotes(first) != reads_quotes(second);
    json_t *merged = json_deep_copy(quoted && reads_quotes(second) ? second : first);
    const json_t *other = quoted && reads_quotes(second) ? first : second;
    merge_columns(json_object_get(merged, "Columns"), json_object_get(other, "Columns"),
                  is_positional(first));
    if (quoted)
        read_as_quoted(merged);
    merge_paths(merged, other);
    json_object_del(merged, "First");
    return merged;
}

json_t *schema_columns(const json_t *schema)
{
    json_t *columns = json_array();
    size_t i;
    const json_t *column;
    json_array_foreach(json_object_get(schema, "Columns"), i, column)
    {
        const char *type = json_text_at(column, "Type");
        json_array_append_new(
            columns, json_pack("{ssss}", "Name", name_of(column), "Type", type ? type : "string"));
    }
    return columns;
}
