/* Hive's statements, done: each looks at the catalog, and says what it shows or changes. */
#include <string.h>

#include "catalog/catalog.h"
#include "query/query_inside.h"

static struct catalog *catalog_of(const struct definition *definition)
{
    return definition->run->queries->catalog;
}

static bool refuse(GError **error, const char *text, const struct definition *definition)
{
    return error_set(error, ERROR_INVALID_REQUEST, "FAILED: %s %s.%s", text, definition->database,
                     definition->hive->name);
}

/* Whether there is such a table; it is kept where there is. */
static bool look_for_table(struct definition *definition, GError **error)
{
    GError *cause = NULL;
    definition->table = catalog_table_get(catalog_of(definition), definition->database,
                                          definition->hive->name, &cause);
    if (cause && !g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_clear_error(&cause);
    return true;
}

bool definition_find_table(struct definition *definition, GError **error)
{
    return look_for_table(definition, error) &&
           (definition->table ||
            refuse(error, "SemanticException [Error 10001]: Table not found", definition));
}

/* ---- databases ---- */

static bool create_database(struct definition *definition, GError **error)
{
    json_t *input = definition->hive->input;
    json_object_set_new(input, "Name", json_string(definition->hive->database));
    GError *cause = NULL;
    if (catalog_database_create(catalog_of(definition), input, &cause))
        return true;
    bool taken = g_error_matches(cause, LATHE_ERROR, ERROR_ALREADY_EXISTS);
    if (taken)
        g_clear_error(&cause);
    if (taken && !definition->hive->maybe)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "FAILED: Execution Error, return code 1 from "
                         "org.apache.hadoop.hive.ql.exec.DDLTask. Database %s already exists",
                         definition->hive->database);
    return taken || (g_propagate_error(error, cause), false);
}

static bool is_empty(struct definition *definition, GError **error)
{
    struct catalog_table_query query = {.database = definition->database, .limit = 1};
    g_autoptr(json_auto) tables = catalog_table_list(catalog_of(definition), &query, error);
    if (!tables || json_array_size(tables) == 0)
        return tables != NULL;
    return error_set(error, ERROR_INVALID_REQUEST,
                     "FAILED: Execution Error, return code 1 from "
                     "org.apache.hadoop.hive.ql.exec.DDLTask. "
                     "InvalidOperationException(message:Database %s is not empty. One or more "
                     "tables exist.)",
                     definition->database);
}

/* Whether the database is there; false without an error where it is not and need not be. */
static bool find_database(struct definition *definition, GError **error)
{
    GError *cause = NULL;
    g_autoptr(json_auto) database =
        catalog_database_get(catalog_of(definition), definition->database, &cause);
    if (database)
        return true;
    bool missing = g_error_matches(cause, LATHE_ERROR, ERROR_ENTITY_NOT_FOUND);
    if (!missing)
        g_propagate_error(error, g_steal_pointer(&cause));
    else if (!definition->hive->maybe)
        error_set(error, ERROR_INVALID_REQUEST,
                  "FAILED: SemanticException [Error 10072]: Database does not exist: %s",
                  definition->database);
    g_clear_error(&cause);
    return false;
}

static bool drop_database(struct definition *definition, GError **error)
{
    GError *cause = NULL;
    bool found = find_database(definition, &cause);
    if (!found && !cause)
        return true;
    bool done = found && (definition->hive->cascade || is_empty(definition, &cause)) &&
                catalog_database_delete(catalog_of(definition), definition->database, &cause);
    if (!done)
        g_propagate_error(error, cause);
    return done;
}

static bool set_database_properties(struct definition *definition, GError **error)
{
    if (!find_database(definition, error))
        return false;
    g_autoptr(json_auto) input =
        catalog_database_get(catalog_of(definition), definition->database, error);
    if (!input)
        return false;
    static const char *const kept[] = {"Name", "Description", "LocationUri", "Parameters", NULL};
    g_autoptr(json_auto) update = json_object();
    json_copy_members(update, input, kept);
    json_t *parameters = json_object();
    json_object_update(parameters, json_object_get(input, "Parameters"));
    json_object_update(parameters, definition->hive->input);
    json_object_set_new(update, "Parameters", parameters);
    return catalog_database_update(catalog_of(definition), definition->database, update, error);
}

/* ---- tables ---- */

static bool make_table(struct store_connection *connection, struct definition *definition,
                       GError **error)
{
    return catalog_table_create_within(connection, definition->database, definition->input, NULL,
                                       error);
}

static bool create_table(struct definition *definition, GError **error)
{
    GError *cause = NULL;
    if (!find_database(definition, &cause) || !look_for_table(definition, &cause)) {
        if (!cause)
            error_set(&cause, ERROR_INVALID_REQUEST,
                      "FAILED: SemanticException [Error 10072]: Database does not exist: %s",
                      definition->database);
        g_propagate_error(error, cause);
        return false;
    }
    if (definition->table)
        return definition->hive->maybe ||
               refuse(error, "AlreadyExistsException: Table exists:", definition);
    definition->input = json_incref(definition->hive->input);
    json_object_set_new(definition->input, "Name", json_string(definition->hive->name));
    definition->change = make_table;
    return true;
}

static bool remove_table(struct store_connection *connection, struct definition *definition,
                         GError **error)
{
    return catalog_table_delete_within(connection, definition->database, definition->hive->name,
                                       error);
}

static bool drop_one(struct definition *definition, bool view, GError **error)
{
    if (!look_for_table(definition, error))
        return false;
    if (!definition->table)
        return definition->hive->maybe ||
               refuse(error, "SemanticException [Error 10001]: Table not found", definition);
    if (view_is(definition->table) != view)
        return refuse(error,
                      view ? "SemanticException: DROP TABLE drops what is no view:"
                           : "SemanticException: DROP VIEW drops a view:",
                      definition);
    definition->change = remove_table;
    return true;
}

static bool drop_table(struct definition *definition, GError **error)
{
    return drop_one(definition, false, error);
}

static bool drop_view(struct definition *definition, GError **error)
{
    return drop_one(definition, true, error);
}

static bool replace_table(struct store_connection *connection, struct definition *definition,
                          GError **error)
{
    struct catalog_table_update update = {0};
    return catalog_table_update_within(connection, definition->database, definition->input, &update,
                                       error);
}

/* The table as an input that a change may edit. */
static bool edit_table(struct definition *definition, GError **error)
{
    static const char *const members[] = {"Name",
                                          "Description",
                                          "Owner",
                                          "Retention",
                                          "StorageDescriptor",
                                          "PartitionKeys",
                                          "TableType",
                                          "Parameters",
                                          "ViewOriginalText",
                                          "ViewExpandedText",
                                          NULL};
    if (!definition_find_table(definition, error))
        return false;
    definition->input = json_object();
    json_copy_members(definition->input, definition->table, members);
    definition->change = replace_table;
    return true;
}

static bool has_column(const json_t *columns, const char *name)
{
    size_t i;
    const json_t *each;
    json_array_foreach(columns, i,
                       each) if (strcmp(json_text_at(each, "Name"), name) == 0) return true;
    return false;
}

static bool check_new(const json_t *there, const json_t *added, GError **error)
{
    size_t i;
    const json_t *each;
    json_array_foreach(
        added, i,
        each) if (has_column(there,
                             json_text_at(
                                 each,
                                 "Name"))) return error_set(error, ERROR_INVALID_REQUEST,
                                                            "FAILED: SemanticException [Error "
                                                            "10036]: Duplicate column name: %s",
                                                            json_text_at(each, "Name"));
    return true;
}

/* The columns of what a change edits, as a copy of its own that is edited. */
static json_t *edit_columns(json_t *input)
{
    json_t *descriptor = json_deep_copy(json_object_get(input, "StorageDescriptor"));
    json_object_set_new(input, "StorageDescriptor", descriptor);
    return json_object_get(descriptor, "Columns");
}

static bool change_columns(struct definition *definition, bool keep, GError **error)
{
    if (!edit_table(definition, error))
        return false;
    const json_t *old = json_at(definition->input, "StorageDescriptor.Columns");
    if (!check_new(json_object_get(definition->input, "PartitionKeys"), definition->hive->input,
                   error) ||
        (keep && !check_new(old, definition->hive->input, error)))
        return false;
    json_t *descriptor = json_deep_copy(json_object_get(definition->input, "StorageDescriptor"));
    json_object_set_new(definition->input, "StorageDescriptor", descriptor);
    json_t *columns = keep ? json_copy((json_t *)old) : json_array();
    json_array_extend(columns, definition->hive->input);
    json_object_set_new(descriptor, "Columns", columns);
    return true;
}

static bool add_partition_columns(struct definition *definition, GError **error);

static bool add_columns(struct definition *definition, GError **error)
{
    return definition->hive->partitions ? add_partition_columns(definition, error)
                                        : change_columns(definition, true, error);
}

static bool no_column(const struct definition *definition, const char *name, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST,
                     "FAILED: SemanticException [Error 10002]: Invalid column reference %s: the "
                     "table %s.%s has no such column that is no partition key",
                     name, definition->database, definition->hive->name);
}

/* Where a column is; or where there is none the number of columns. */
static size_t place_of_column(const json_t *columns, const char *name)
{
    size_t i = 0;
    while (i < json_array_size(columns) &&
           strcmp(json_text_at(json_array_get(columns, i), "Name"), name) != 0)
        i++;
    return i;
}

/* Puts the changed column where the statement says, the others as they were. */
static bool place_column(struct definition *definition, json_t *columns, size_t place,
                         GError **error)
{
    const struct hive_statement *hive = definition->hive;
    if (hive->first)
        place = 0;
    if (hive->after) {
        place = place_of_column(columns, hive->after) + 1;
        if (place > json_array_size(columns))
            return no_column(definition, hive->after, error);
    }
    json_array_insert(columns, place, json_array_get(hive->input, 0));
    return true;
}

static bool change_column(struct definition *definition, GError **error)
{
    const struct hive_statement *hive = definition->hive;
    if (!edit_table(definition, error))
        return false;
    json_t *columns = edit_columns(definition->input);
    size_t place = place_of_column(columns, hive->column);
    if (place == json_array_size(columns))
        return no_column(definition, hive->column, error);
    json_array_remove(columns, place);
    return check_new(columns, hive->input, error) &&
           check_new(json_object_get(definition->input, "PartitionKeys"), hive->input, error) &&
           place_column(definition, columns, place, error);
}

static bool replace_columns(struct definition *definition, GError **error)
{
    return change_columns(definition, false, error);
}

static bool set_table_properties(struct definition *definition, GError **error)
{
    if (!edit_table(definition, error))
        return false;
    json_t *parameters = json_object();
    json_object_update(parameters, json_object_get(definition->input, "Parameters"));
    json_object_update(parameters, definition->hive->input);
    json_object_set_new(definition->input, "Parameters", parameters);
    return true;
}

/* ---- partitions ---- */

static bool put_partitions(struct store_connection *connection, struct definition *definition,
                           GError **error)
{
    bool changes = definition->hive->verb != HIVE_ADD_PARTITIONS;
    enum catalog_put put = changes                   ? CATALOG_REPLACE
                           : definition->hive->maybe ? CATALOG_ADD
                                                     : CATALOG_CREATE;
    return catalog_partition_put_within(connection, definition->database, definition->hive->name,
                                        definition->input, put, NULL, NULL, error);
}

static json_t *input_of(const struct definition *definition, const json_t *partition,
                        GError **error)
{
    g_autoptr(json_auto) values =
        definition_values(definition, json_object_get(partition, "Spec"), false, error);
    const char *place = json_text_at(partition, "Location");
    return values ? partition_input(definition->table, values, place) : NULL;
}

static bool add_partitions(struct definition *definition, GError **error)
{
    if (!definition_find_table(definition, error))
        return false;
    definition->input = json_array();
    definition->change = put_partitions;
    size_t i;
    const json_t *each;
    json_array_foreach(definition->hive->partitions, i, each)
    {
        json_t *input = input_of(definition, each, error);
        if (!input)
            return false;
        json_array_append_new(definition->input, input);
    }
    return true;
}

static bool remove_partitions(struct store_connection *connection, struct definition *definition,
                              GError **error)
{
    return catalog_partition_delete_within(connection, definition->database, definition->hive->name,
                                           definition->input, NULL, error);
}

/* Adds to the list the values of all partitions that a Spec, which may leave keys out, names. */
static bool add_named(struct definition *definition, const json_t *spec, GError **error)
{
    g_autoptr(json_auto) values = definition_values(definition, spec, true, error);
    if (!values)
        return false;
    g_autoptr(json_auto) equal = json_object();
    size_t i;
    const json_t *each;
    json_array_foreach(spec, i, each)
        json_object_set(equal, json_text_at(each, "Name"), json_object_get(each, "Value"));
    struct catalog_partition_query query = {
        .database = definition->database, .table = definition->hive->name, .equal = equal};
    g_autoptr(GPtrArray) places = catalog_partition_places(catalog_of(definition), &query, error);
    for (guint j = 0; places && j < places->len; j++) {
        const struct catalog_place *place = places->pdata[j];
        json_t *found = json_array();
        for (size_t k = 0; place->values[k]; k++)
            json_array_append_new(found, json_string(place->values[k]));
        json_array_append_new(definition->input, found);
    }
    return places &&
           (places->len || definition->hive->maybe ||
            refuse(error, "SemanticException [Error 10006]: Partition not found in", definition));
}

static bool drop_partitions(struct definition *definition, GError **error)
{
    if (!definition_find_table(definition, error))
        return false;
    definition->input = json_array();
    definition->change = remove_partitions;
    size_t i;
    const json_t *each;
    json_array_foreach(
        definition->hive->partitions, i,
        each) if (!add_named(definition, json_object_get(each, "Spec"), error)) return false;
    return true;
}

/* The one that a statement names, as the catalog has it. */
static json_t *named_partition(struct definition *definition, GError **error)
{
    const json_t *spec = json_at(definition->hive->partitions, "[0].Spec");
    g_autoptr(json_auto) values = definition_values(definition, spec, false, error);
    return values ? catalog_partition_get(catalog_of(definition), definition->database,
                                          definition->hive->name, values, error)
                  : NULL;
}

static bool add_partition_columns(struct definition *definition, GError **error)
{
    static const char *const members[] = {"Values", "StorageDescriptor", "Parameters", NULL};
    const json_t *added = definition->hive->input;
    g_autoptr(json_auto) old =
        definition_find_table(definition, error) ? named_partition(definition, error) : NULL;
    if (!old)
        return false;
    json_t *input = json_object();
    json_copy_members(input, old, members);
    definition->input = json_pack("[o]", input);
    definition->change = put_partitions;
    json_t *columns = edit_columns(input);
    return check_new(columns, added, error) &&
           check_new(json_object_get(definition->table, "PartitionKeys"), added, error) &&
           json_array_extend(columns, (json_t *)added) == 0;
}

static bool move_partition(struct store_connection *connection, struct definition *definition,
                           GError **error)
{
    const json_t *old = json_array_get(definition->input, 0);
    g_autoptr(json_auto) list = json_pack("[O]", json_object_get(old, "Values"));
    g_autoptr(json_auto) added = json_pack("[O]", json_array_get(definition->input, 1));
    return catalog_partition_delete_within(connection, definition->database, definition->hive->name,
                                           list, NULL, error) &&
           catalog_partition_put_within(connection, definition->database, definition->hive->name,
                                        added, CATALOG_CREATE, NULL, NULL, error);
}

static bool rename_partition(struct definition *definition, GError **error)
{
    g_autoptr(json_auto) old =
        definition_find_table(definition, error) ? named_partition(definition, error) : NULL;
    const json_t *spec = json_at(definition->hive->partitions, "[1].Spec");
    g_autoptr(json_auto) values = old ? definition_values(definition, spec, false, error) : NULL;
    if (!values)
        return false;
    const char *place = json_text_at(old, "StorageDescriptor.Location");
    definition->input = json_pack("[Oo]", old, partition_input(definition->table, values, place));
    definition->change = move_partition;
    return true;
}

static bool set_partition_location(struct definition *definition, GError **error)
{
    g_autoptr(json_auto) partition = named_partition(definition, error);
    if (!partition)
        return false;
    definition->input =
        json_pack("[o]", partition_input(definition->table, json_object_get(partition, "Values"),
                                         definition->hive->location));
    definition->change = put_partitions;
    return true;
}

static bool set_location(struct definition *definition, GError **error)
{
    if (!edit_table(definition, error))
        return false;
    if (definition->hive->partitions) {
        json_decref(g_steal_pointer(&definition->input));
        return set_partition_location(definition, error);
    }
    json_t *descriptor = json_deep_copy(json_object_get(definition->input, "StorageDescriptor"));
    json_object_set_new(descriptor, "Location", json_string(definition->hive->location));
    json_object_set_new(definition->input, "StorageDescriptor", descriptor);
    return true;
}

/* ---- all of them ---- */

definition_verb *const definition_verbs[] = {
    [HIVE_CREATE_DATABASE] = create_database,
    [HIVE_DROP_DATABASE] = drop_database,
    [HIVE_SET_DATABASE_PROPERTIES] = set_database_properties,
    [HIVE_CREATE_TABLE] = create_table,
    [HIVE_DROP_TABLE] = drop_table,
    [HIVE_DROP_VIEW] = drop_view,
    [HIVE_ADD_PARTITIONS] = add_partitions,
    [HIVE_DROP_PARTITIONS] = drop_partitions,
    [HIVE_RENAME_PARTITION] = rename_partition,
    [HIVE_ADD_COLUMNS] = add_columns,
    [HIVE_REPLACE_COLUMNS] = replace_columns,
    [HIVE_CHANGE_COLUMN] = change_column,
    [HIVE_SET_LOCATION] = set_location,
    [HIVE_SET_TABLE_PROPERTIES] = set_table_properties,
    [HIVE_REPAIR] = repair_table,
    [HIVE_SHOW_DATABASES] = show_databases,
    [HIVE_SHOW_TABLES] = show_tables,
    [HIVE_SHOW_VIEWS] = show_views,
    [HIVE_SHOW_COLUMNS] = show_columns,
    [HIVE_SHOW_PARTITIONS] = show_partitions,
    [HIVE_SHOW_TABLE_PROPERTIES] = show_table_properties,
    [HIVE_SHOW_CREATE_TABLE] = show_create_table,
    [HIVE_SHOW_CREATE_VIEW] = show_create_view,
    [HIVE_DESCRIBE] = show_description,
    [HIVE_DESCRIBE_VIEW] = show_description,
};

struct ending {
    struct definition *definition;
    store_work *finish;
    void *data;
};

static bool end_with_change(struct store_connection *connection, void *data, GError **error)
{
    struct ending *ending = data;
    struct definition *definition = ending->definition;
    return (!definition->change || definition->change(connection, definition, error)) &&
           ending->finish(connection, ending->data, error);
}

static bool store_lines(struct definition *definition, store_work *finish, void *data,
                        GError **error)
{
    struct query_run *run = definition->run;
    struct ending ending = {definition, finish, data};
    g_autoptr(lake_batch_auto) batch = lake_batch_new(run->queries->lake);
    return query_add_text(run, batch, run->end->output, definition->lines, error) &&
           lake_batch_commit_with(batch, end_with_change, &ending, error);
}

bool query_define(struct query_run *run, store_work *finish, void *data, GError **error)
{
    g_autoptr(hive_statement_auto) hive = hive_parse(run->request->text, error);
    if (!hive)
        return false;
    g_autoptr(GString) lines = g_string_new(NULL);
    struct definition definition = {
        .run = run,
        .hive = hive,
        .database = hive->database ? hive->database : run->request->database,
        .lines = lines,
    };
    g_autofree char *name = g_strconcat(run->request->id, ".txt", NULL);
    run->end->output = query_output(run, name);
    bool done = definition_verbs[hive->verb](&definition, error) &&
                store_lines(&definition, finish, data, error);
    json_decref(definition.table);
    json_decref(definition.input);
    return done;
}
