/* Names into tables: the catalog's own, views, and what is made up of the catalog itself
 * (information_schema, "t$partitions"), which are views of values. */
#include "query/resolve.h"

#include <string.h>

#include "base/error.h"
#include "catalog/catalog.h"
#include "query/query_inside.h"

#define OWN_CATALOG "awsdatacatalog"
#define INFORMATION_SCHEMA "information_schema"
#define PARTITIONS_SUFFIX "$partitions"
#define NEW_SUFFIX "$new"

struct resolver {
    struct catalog *catalog;
    bool has_new;
    struct arena arena;
    GHashTable *tables; /* "schema.table" -> struct found */
};

struct found {
    json_t *table; /* NULL for what is made up */
    struct sql_table told;
};

static void free_found(void *data)
{
    struct found *found = data;
    json_decref(found->table);
    g_free(found);
}

struct resolver *resolver_new(struct catalog *catalog, bool has_new)
{
    struct resolver *resolver = g_new0(struct resolver, 1);
    resolver->catalog = catalog;
    resolver->has_new = has_new;
    resolver->tables = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_found);
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    g_hash_table_unref(resolver->tables);
    arena_free(&resolver->arena);
    g_free(resolver);
}

static const char *copy(struct resolver *resolver, const char *text)
{
    return arena_copy(&resolver->arena, text, strlen(text));
}

static bool fail(struct sql_error *error, const char *name, const char *message)
{
    g_strlcpy(error->name, name, sizeof error->name);
    g_strlcpy(error->message, message, sizeof error->message);
    error->line = error->column = 0;
    return false;
}

/* ---- columns ---- */

static bool fail_type(struct sql_error *error, const json_t *table, const json_t *column)
{
    g_autofree char *message =
        g_strdup_printf("The column %s of the table %s.%s has the type %s, which is not supported",
                        json_text_at(column, "Name"), json_text_at(table, "DatabaseName"),
                        json_text_at(table, "Name"), json_text_at(column, "Type"));
    return fail(error, "NOT_SUPPORTED", message);
}

static bool tell_columns(struct resolver *resolver, struct found *found, struct sql_error *error)
{
    const json_t *lists[] = {json_at(found->table, "StorageDescriptor.Columns"),
                             json_object_get(found->table, "PartitionKeys")};
    size_t count = json_array_size(lists[0]) + json_array_size(lists[1]), at = 0;
    struct sql_column *columns = arena_take(&resolver->arena, count + 1, sizeof *columns);
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        for (size_t j = 0; j < json_array_size(lists[i]); j++) {
            const json_t *column = json_array_get(lists[i], j);
            const char *type = json_text_at(column, "Type");
            columns[at].name = copy(resolver, json_text_at(column, "Name"));
            columns[at].type = sql_type_of_hive(&resolver->arena, type ? type : "string");
            columns[at].partition = i == 1;
            if (!columns[at++].type)
                return fail_type(error, found->table, column);
        }
    found->told.columns = columns;
    found->told.count = count;
    return true;
}

/* ---- views ---- */

static bool tell_view(struct resolver *resolver, struct found *found, struct sql_error *error)
{
    GError *cause = NULL;
    g_autoptr(json_auto) view = view_definition(found->table, &cause);
    if (!view) {
        fail(error, "INVALID_VIEW", cause->message);
        g_error_free(cause);
        return false;
    }
    const char *schema = json_text_at(view, "schema");
    found->told.view = copy(resolver, json_text_at(view, "originalSql"));
    found->told.view_catalog = OWN_CATALOG;
    found->told.view_schema =
        copy(resolver, schema ? schema : json_text_at(found->table, "DatabaseName"));
    return true;
}

/* ---- views of values ---- */

static void add_literal(GString *text, const char *value)
{
    if (!value) {
        g_string_append(text, "CAST(NULL AS varchar)");
        return;
    }
    g_string_append_c(text, '\'');
    for (; *value; value++)
        g_string_append_printf(text, *value == '\'' ? "''" : "%c", *value);
    g_string_append_c(text, '\'');
}

/* Rows of texts under these names; what they are cast to stands before. */
struct values {
    GString *rows;
    const char *const *names; /* ends with NULL */
    const char *const *types; /* NULL: varchar all */
};

static void add_row(struct values *values, const char *const *row, size_t count)
{
    g_string_append(values->rows, values->rows->len ? ", (" : "(");
    for (size_t i = 0; i < count; i++) {
        g_string_append(values->rows, i ? ", " : "");
        add_literal(values->rows, row[i]);
    }
    g_string_append_c(values->rows, ')');
}

static void add_name(GString *text, const char *name)
{
    g_string_append_c(text, '"');
    for (; *name; name++)
        g_string_append_printf(text, *name == '"' ? "\"\"" : "%c", *name);
    g_string_append_c(text, '"');
}

static char *values_view(const struct values *values)
{
    GString *text = g_string_new("SELECT ");
    g_autoptr(GString) names = g_string_new(NULL);
    g_autoptr(GString) nothing = g_string_new("(");
    for (size_t i = 0; values->names[i]; i++) {
        g_string_append(text, i ? ", CAST(" : "CAST(");
        add_name(text, values->names[i]);
        g_string_append_printf(text, " AS %s) AS ", values->types ? values->types[i] : "varchar");
        add_name(text, values->names[i]);
        g_string_append(names, i ? ", " : "");
        add_name(names, values->names[i]);
        g_string_append(nothing, i ? ", ''" : "''");
    }
    g_string_append_printf(text, " FROM (VALUES %s%s) AS t (%s)%s",
                           values->rows->len ? values->rows->str : nothing->str,
                           values->rows->len ? "" : ")", names->str,
                           values->rows->len ? "" : " WHERE false");
    return g_string_free(text, FALSE);
}

static bool tell_values(struct resolver *resolver, struct found *found, const struct values *values)
{
    g_autofree char *text = values_view(values);
    found->told.view = copy(resolver, text);
    found->told.view_catalog = OWN_CATALOG;
    found->told.view_schema = "default";
    return true;
}

/* ---- information_schema ---- */

typedef void tell_table(struct values *values, const json_t *table);

static void tell_a_table(struct values *values, const json_t *table)
{
    const char *row[] = {OWN_CATALOG, json_text_at(table, "DatabaseName"),
                         json_text_at(table, "Name"), view_is(table) ? "VIEW" : "BASE TABLE"};
    add_row(values, row, G_N_ELEMENTS(row));
}

static void tell_a_view(struct values *values, const json_t *table)
{
    if (!view_is(table))
        return;
    g_autoptr(json_auto) view = view_definition(table, NULL);
    const char *row[] = {OWN_CATALOG, json_text_at(table, "DatabaseName"),
                         json_text_at(table, "Name"), json_text_at(view, "originalSql")};
    add_row(values, row, G_N_ELEMENTS(row));
}

static const char *trino_type(struct arena *arena, const char *hive)
{
    const struct sql_type *type = sql_type_of_hive(arena, hive ? hive : "string");
    return type ? sql_type_write(arena, type) : hive;
}

static void tell_its_columns(struct values *values, const json_t *table)
{
    struct arena arena = {0};
    const json_t *lists[] = {json_at(table, "StorageDescriptor.Columns"),
                             json_object_get(table, "PartitionKeys")};
    unsigned place = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
        for (size_t j = 0; j < json_array_size(lists[i]); j++) {
            const json_t *column = json_array_get(lists[i], j);
            g_autofree char *number = g_strdup_printf("%u", ++place);
            const char *row[] = {OWN_CATALOG,
                                 json_text_at(table, "DatabaseName"),
                                 json_text_at(table, "Name"),
                                 json_text_at(column, "Name"),
                                 number,
                                 NULL,
                                 "YES",
                                 trino_type(&arena, json_text_at(column, "Type")),
                                 json_text_at(column, "Comment"),
                                 i == 1 ? "partition key" : NULL};
            add_row(values, row, G_N_ELEMENTS(row));
        }
    arena_free(&arena);
}

static const struct information {
    const char *name;
    const char *names[11], *types[11];
    tell_table *tell; /* NULL: of databases */
} informations[] = {
    {"schemata", {"catalog_name", "schema_name", NULL}, {"varchar", "varchar"}, NULL},
    {"tables",
     {"table_catalog", "table_schema", "table_name", "table_type", NULL},
     {"varchar", "varchar", "varchar", "varchar"},
     tell_a_table},
    {"views",
     {"table_catalog", "table_schema", "table_name", "view_definition", NULL},
     {"varchar", "varchar", "varchar", "varchar"},
     tell_a_view},
    {"columns",
     {"table_catalog", "table_schema", "table_name", "column_name", "ordinal_position",
      "column_default", "is_nullable", "data_type", "comment", "extra_info", NULL},
     {"varchar", "varchar", "varchar", "varchar", "bigint", "varchar", "varchar", "varchar",
      "varchar", "varchar"},
     tell_its_columns},
};

static bool tell_tables_of(struct resolver *resolver, const struct information *information,
                           struct values *values, const char *database, GError **error)
{
    struct catalog_table_query query = {.database = database};
    g_autoptr(json_auto) tables = catalog_table_list(resolver->catalog, &query, error);
    size_t i;
    const json_t *each;
    json_array_foreach(tables, i, each) information->tell(values, each);
    return tables != NULL;
}

static bool tell_all(struct resolver *resolver, const struct information *information,
                     struct values *values, GError **error)
{
    g_autoptr(json_auto) databases = catalog_database_list(resolver->catalog, error);
    size_t i;
    const json_t *each;
    json_array_foreach(databases, i, each)
    {
        const char *name = json_text_at(each, "Name");
        const char *row[] = {OWN_CATALOG, name};
        if (!information->tell)
            add_row(values, row, G_N_ELEMENTS(row));
        else if (!tell_tables_of(resolver, information, values, name, error))
            return false;
    }
    return databases != NULL;
}

static bool fail_with(struct sql_error *error, GError *cause)
{
    fail(error, "GENERIC_INTERNAL_ERROR", cause->message);
    g_error_free(cause);
    return false;
}

static bool find_information(struct resolver *resolver, const char *name, struct found *found,
                             struct sql_error *error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(informations); i++) {
        if (strcmp(informations[i].name, name) != 0)
            continue;
        GError *cause = NULL;
        g_autoptr(GString) rows = g_string_new(NULL);
        struct values values = {rows, informations[i].names, informations[i].types};
        return tell_all(resolver, &informations[i], &values, &cause)
                   ? tell_values(resolver, found, &values)
                   : fail_with(error, cause);
    }
    return false;
}

/* ---- "t$partitions" ---- */

static bool find_partitions(struct resolver *resolver, const char *schema, const char *name,
                            struct found *found, struct sql_error *error)
{
    GError *cause = NULL;
    g_autofree char *table = g_strndup(name, strlen(name) - strlen(PARTITIONS_SUFFIX));
    g_autoptr(json_auto) there = catalog_table_get(resolver->catalog, schema, table, NULL);
    const json_t *keys = json_object_get(there, "PartitionKeys");
    if (!json_array_size(keys))
        return false;
    struct catalog_partition_query query = {.database = schema, .table = table};
    g_autoptr(GPtrArray) places = catalog_partition_places(resolver->catalog, &query, &cause);
    if (!places)
        return fail_with(error, cause);
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autoptr(GPtrArray) types = g_ptr_array_new();
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const json_t *key = json_array_get(keys, i);
        g_ptr_array_add(names, (void *)json_text_at(key, "Name"));
        g_ptr_array_add(types, (void *)trino_type(&resolver->arena, json_text_at(key, "Type")));
    }
    g_ptr_array_add(names, NULL);
    g_autoptr(GString) rows = g_string_new(NULL);
    struct values values = {rows, (const char *const *)names->pdata,
                            (const char *const *)types->pdata};
    for (guint i = 0; i < places->len; i++)
        add_row(&values, (const char *const *)((struct catalog_place *)places->pdata[i])->values,
                json_array_size(keys));
    return tell_values(resolver, found, &values);
}

/* ---- finding ---- */

static bool find_kept(struct resolver *resolver, const char *schema, const char *name,
                      struct found *found, struct sql_error *error)
{
    GError *cause = NULL;
    found->table = catalog_table_get(resolver->catalog, schema, name, &cause);
    if (found->table)
        return view_is(found->table) ? tell_view(resolver, found, error)
                                     : tell_columns(resolver, found, error);
    if (!g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND))
        return fail_with(error, cause);
    g_error_free(cause);
    return false;
}

char *new_table_of(const char *name)
{
    return g_str_has_suffix(name, NEW_SUFFIX) ? g_strndup(name, strlen(name) - strlen(NEW_SUFFIX))
                                              : NULL;
}

static bool find_new(struct resolver *resolver, const char *schema, const char *name,
                     struct found *found, struct sql_error *error)
{
    g_autofree char *table = new_table_of(name);
    if (!find_kept(resolver, schema, table, found, error))
        return false;
    return !found->told.view ||
           fail(error, "NOT_SUPPORTED", "Views have no new objects: name the table that they read");
}

static bool find_anew(struct resolver *resolver, const char *schema, const char *name,
                      struct found *found, struct sql_error *error)
{
    if (strcmp(schema, INFORMATION_SCHEMA) == 0)
        return find_information(resolver, name, found, error);
    if (g_str_has_suffix(name, PARTITIONS_SUFFIX))
        return find_partitions(resolver, schema, name, found, error);
    if (resolver->has_new && g_str_has_suffix(name, NEW_SUFFIX))
        return find_new(resolver, schema, name, found, error);
    return find_kept(resolver, schema, name, found, error);
}

static bool find(void *data, const char *catalog, const char *schema, const char *name,
                 struct sql_table *told, struct sql_error *error)
{
    (void)catalog;
    struct resolver *resolver = data;
    g_autofree char *key = g_strdup_printf("%s.%s", schema, name);
    struct found *found = g_hash_table_lookup(resolver->tables, key);
    if (!found) {
        found = g_new0(struct found, 1);
        if (!find_anew(resolver, schema, name, found, error)) {
            free_found(found);
            return false;
        }
        g_hash_table_insert(resolver->tables, g_steal_pointer(&key), found);
    }
    *told = found->told;
    return true;
}

static bool has_catalog(void *data, const char *catalog)
{
    (void)data;
    return strcmp(catalog, OWN_CATALOG) == 0;
}

static bool has_schema(void *data, const char *catalog, const char *schema)
{
    (void)catalog;
    struct resolver *resolver = data;
    if (strcmp(schema, INFORMATION_SCHEMA) == 0)
        return true;
    g_autoptr(json_auto) database = catalog_database_get(resolver->catalog, schema, NULL);
    return database != NULL;
}

void resolver_offer(struct resolver *resolver, struct sql_catalog *into)
{
    into->find = find;
    into->has_catalog = has_catalog;
    into->has_schema = has_schema;
    into->data = resolver;
    into->name = OWN_CATALOG;
}

const json_t *resolver_table(const struct resolver *resolver, const char *schema, const char *name)
{
    g_autofree char *key = g_strdup_printf("%s.%s", schema, name);
    const struct found *found = g_hash_table_lookup(resolver->tables, key);
    return found ? found->table : NULL;
}
