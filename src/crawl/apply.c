/* What was found, held against the catalog: what is new is added, what is other is changed as the
 * crawler's policies say, and nothing else is touched. */
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/error.h"
#include "crawl/crawl_inside.h"
#include "crawl/schema.h"

#define CRAWLER "UPDATED_BY_CRAWLER"
#define DEPRECATED "DEPRECATED_BY_CRAWLER"
#define PARTITIONS_AT_ONCE 1000

/* What is told of a table's files, and changes with each of them. */
static const char *const statistics[] = {"sizeKey",           "objectCount",     "recordCount",
                                         "averageRecordSize", "compressionType", NULL};

static const char *location_of(const json_t *table)
{
    const char *location = json_text_at(table, "StorageDescriptor.Location");
    return location ? location : "";
}

static bool is_same_location(const char *a, const char *b)
{
    size_t first = strlen(a), second = strlen(b);
    first -= first && a[first - 1] == '/';
    second -= second && b[second - 1] == '/';
    return first == second && memcmp(a, b, first) == 0;
}

static const char *parameter(const json_t *table, const char *name)
{
    return json_string_value(json_object_get(json_object_get(table, "Parameters"), name));
}

bool crawl_is_ours(const struct crawl_plan *plan, const json_t *table)
{
    return g_strcmp0(parameter(table, CRAWLER), plan->crawler) == 0;
}

/* ---- what is known ---- */

static bool add_folders(const struct crawl_plan *plan, const json_t *table, GHashTable *folders,
                        GError **error)
{
    struct catalog_partition_query query = {.database = plan->database,
                                            .table = json_text_at(table, "Name")};
    if (!json_array_size(json_object_get(table, "PartitionKeys"))) {
        g_hash_table_add(folders, g_strdup(location_of(table)));
        return true;
    }
    g_autoptr(GPtrArray) places = catalog_partition_places(plan->catalog, &query, error);
    for (guint i = 0; places && i < places->len; i++) {
        const struct catalog_place *place = places->pdata[i];
        if (place->location)
            g_hash_table_add(folders, g_strdup(place->location));
    }
    return places != NULL;
}

static bool make_database(const struct crawl_plan *plan, GError **error)
{
    g_autoptr(json_auto) there = catalog_database_get(plan->catalog, plan->database, NULL);
    g_autoptr(json_auto) input = json_pack("{ss}", "Name", plan->database);
    return there || catalog_database_create(plan->catalog, input, error);
}

bool crawl_known_read(const struct crawl_plan *plan, struct crawl_known *known, GError **error)
{
    struct catalog_table_query query = {.database = plan->database};
    size_t i;
    const json_t *table;
    known->folders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    known->tables =
        make_database(plan, error) ? catalog_table_list(plan->catalog, &query, error) : NULL;
    json_array_foreach(plan->new_folders_only ? known->tables : NULL, i, table)
    {
        if (crawl_is_ours(plan, table) && !add_folders(plan, table, known->folders, error))
            return false;
    }
    return known->tables != NULL;
}

void crawl_known_clear(struct crawl_known *known)
{
    json_decref(known->tables);
    if (known->folders)
        g_hash_table_unref(known->folders);
}

/* ---- a table's input ---- */

static void put_number(json_t *parameters, const char *name, gint64 number)
{
    json_object_set_new(parameters, name, json_sprintf("%lld", (long long)number));
}

static json_t *parameters_of(const struct crawl_plan *plan, const struct found_table *table)
{
    json_t *parameters = json_deep_copy(json_object_get(table->schema, "Parameters"));
    json_object_set(parameters, "classification", json_object_get(table->schema, "Classification"));
    json_object_set_new(parameters, CRAWLER, json_string(plan->crawler));
    json_object_set_new(parameters, "CrawlerSchemaSerializerVersion", json_string("1.0"));
    json_object_set_new(parameters, "CrawlerSchemaDeserializerVersion", json_string("1.0"));
    json_object_set_new(parameters, "typeOfData", json_string("file"));
    json_object_set_new(parameters, "compressionType", json_string(table->gzip ? "gzip" : "none"));
    if (json_array_size(table->keys))
        json_object_set_new(parameters, "partition_filtering.enabled", json_string("true"));
    put_number(parameters, "objectCount", table->files);
    put_number(parameters, "sizeKey", table->bytes);
    if (table->records) {
        put_number(parameters, "recordCount", table->records);
        put_number(parameters, "averageRecordSize", table->bytes / table->records);
    }
    return parameters;
}

static json_t *descriptor_of(const struct found_table *table)
{
    const json_t *schema = table->schema;
    return json_pack("{s:o, s:s, s:O, s:O, s:b, s:i, s:O, s:[], s:[], s:{}, s:b}", "Columns",
                     schema_columns(schema), "Location", table->location, "InputFormat",
                     json_object_get(schema, "InputFormat"), "OutputFormat",
                     json_object_get(schema, "OutputFormat"), "Compressed", table->gzip,
                     "NumberOfBuckets", -1, "SerdeInfo", json_object_get(schema, "Serde"),
                     "BucketColumns", "SortColumns", "Parameters", "StoredAsSubDirectories", 0);
}

static json_t *input_of(const struct crawl_plan *plan, const struct found_table *table,
                        const char *name)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:O, s:o, s:o}", "Name", name, "Owner", "owner",
                     "Retention", 0, "TableType", "EXTERNAL_TABLE", "PartitionKeys", table->keys,
                     "Parameters", parameters_of(plan, table), "StorageDescriptor",
                     descriptor_of(table));
}

/* ---- names ---- */

static json_t *table_named(const json_t *tables, const char *name)
{
    size_t i;
    json_t *table;
    json_array_foreach((json_t *)tables, i, table)
    {
        if (strcmp(json_text_at(table, "Name"), name) == 0)
            return table;
    }
    return NULL;
}

static json_t *table_at(const json_t *tables, const char *location)
{
    size_t i;
    json_t *table;
    json_array_foreach((json_t *)tables, i, table)
    {
        if (is_same_location(location_of(table), location))
            return table;
    }
    return NULL;
}

/* Letters, digits and underscores, in lower case; one that another table has gets an end that only
 * its place has. g_free. */
static char *name_for(const struct crawl_plan *plan, const struct crawl_known *known,
                      const struct found_table *table)
{
    g_autofree char *word =
        g_strconcat(plan->table_prefix ? plan->table_prefix : "", table->word, NULL);
    char *name = g_utf8_strdown(word, -1);
    for (char *at = name; *at; at++)
        if (!g_ascii_isalnum(*at) && !(*at & 0x80))
            *at = '_';
    if (!table_named(known->tables, name))
        return name;
    g_autofree char *digest =
        checksum_hex_of(CHECKSUM_MD5, table->location, strlen(table->location));
    g_autofree char *plain = name;
    return g_strdup_printf("%s_%.8s", plain, digest);
}

/* ---- differences ---- */

/* A table less what is told of its files. */
static json_t *core_of(const json_t *table)
{
    static const char *const members[] = {"PartitionKeys", "StorageDescriptor", NULL};
    json_t *core = json_object();
    json_copy_members(core, table, members);
    json_t *parameters = json_copy(json_object_get(table, "Parameters"));
    for (size_t i = 0; statistics[i]; i++)
        json_object_del(parameters, statistics[i]);
    json_object_set_new(core, "Parameters", parameters);
    json_t *descriptor = json_copy(json_object_get(core, "StorageDescriptor"));
    json_object_del(descriptor, "Compressed");
    json_object_set_new(core, "StorageDescriptor", descriptor);
    return core;
}

static bool is_other(const json_t *a, const json_t *b)
{
    g_autoptr(json_auto) first = core_of(a);
    g_autoptr(json_auto) second = core_of(b);
    return !json_equal(first, second);
}

/* MergeNewColumns: columns that are there stay, new ones are added. */
static json_t *merge_columns(const json_t *old, const json_t *found)
{
    json_t *columns = json_copy((json_t *)old);
    size_t i;
    json_t *column;
    json_array_foreach((json_t *)found, i, column)
    {
        if (!table_named(old, json_text_at(column, "Name")))
            json_array_append(columns, column);
    }
    return columns;
}

/* The table that is there, with what was found in its place. */
static json_t *updated(const struct crawl_plan *plan, const json_t *old, const json_t *found)
{
    static const char *const told[] = {"DatabaseName",
                                       "CreateTime",
                                       "UpdateTime",
                                       "VersionId",
                                       "CreatedBy",
                                       "IsRegisteredWithLakeFormation",
                                       NULL};
    json_t *input = json_deep_copy(old);
    for (size_t i = 0; told[i]; i++)
        json_object_del(input, told[i]);
    json_t *parameters = json_object_get(input, "Parameters");
    if (!parameters)
        json_object_set_new(input, "Parameters", parameters = json_object());
    json_object_del(parameters, DEPRECATED);
    json_object_del(parameters, "skip.header.line.count");
    json_object_update(parameters, json_object_get(found, "Parameters"));
    json_object_set(input, "PartitionKeys", json_object_get(found, "PartitionKeys"));
    json_t *descriptor = json_deep_copy(json_object_get(found, "StorageDescriptor"));
    if (json_at(plan->configuration, "CrawlerOutput.Tables.AddOrUpdateBehavior"))
        json_object_set_new(descriptor, "Columns",
                            merge_columns(json_at(old, "StorageDescriptor.Columns"),
                                          json_object_get(descriptor, "Columns")));
    json_object_set_new(input, "StorageDescriptor", descriptor);
    return input;
}

/* ---- tables ---- */

struct applying {
    const struct crawl_plan *plan;
    const struct crawl_known *known;
    struct crawl_result *result;
    GHashTable *seen; /* names of tables that were found */
};

static bool may_update(const struct crawl_plan *plan)
{
    return !plan->new_folders_only && g_strcmp0(plan->update_behavior, "LOG") != 0;
}

static bool create(struct applying *applying, const json_t *input, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    if (!catalog_table_create(plan->catalog, plan->database, input, plan->created_by, error))
        return false;
    applying->result->tables.created++;
    json_array_append(applying->known->tables, (json_t *)input); /* its name is taken */
    crawl_log(plan, "INFO : Created table %s in database %s", json_text_at(input, "Name"),
              plan->database);
    return true;
}

/* Other keys are other partitions: it begins anew. */
static bool replace(struct applying *applying, const json_t *input, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    return catalog_table_delete(plan->catalog, plan->database, json_text_at(input, "Name"),
                                error) &&
           catalog_table_create(plan->catalog, plan->database, input, plan->created_by, error);
}

static bool change(struct applying *applying, const json_t *old, const json_t *input,
                   GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    bool keys =
        json_equal(json_object_get(old, "PartitionKeys"), json_object_get(input, "PartitionKeys"));
    struct catalog_table_update options = {0};
    bool done = keys ? catalog_table_update(plan->catalog, plan->database, input, &options, error)
                     : replace(applying, input, error);
    applying->result->tables.updated += done;
    if (done)
        crawl_log(plan, "INFO : Updated table %s in database %s", json_text_at(input, "Name"),
                  plan->database);
    return done;
}

static bool meet(struct applying *applying, const json_t *old, const json_t *found, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    g_autoptr(json_auto) input = updated(plan, old, found);
    struct catalog_table_update quietly = {.skip_archive = true};
    if (is_other(old, input)) {
        if (may_update(plan))
            return change(applying, old, input, error);
        crawl_log(plan,
                  "INFO : The schema of table %s in database %s has changed; it stays as it is",
                  json_text_at(old, "Name"), plan->database);
        return true;
    }
    return json_equal(json_object_get(old, "Parameters"), json_object_get(input, "Parameters")) ||
           catalog_table_update(plan->catalog, plan->database, input, &quietly, error);
}

/* ---- partitions ---- */

/* Partitions that are to be put or removed. */
struct difference {
    json_t *added, *changed, *gone;
};

static json_t *descriptor_for(const json_t *table, const char *location)
{
    json_t *descriptor = json_copy(json_object_get(table, "StorageDescriptor"));
    json_object_set_new(descriptor, "Location", json_string(location));
    return descriptor;
}

static char *key_of_values(const json_t *values)
{
    return json_text_of(values);
}

static json_t *values_of(const struct catalog_place *place)
{
    json_t *values = json_array();
    for (size_t i = 0; place->values[i]; i++)
        json_array_append_new(values, json_string(place->values[i]));
    return values;
}

/* Whether a layout is what the table's partitions have now. */
static bool is_same_layout(const struct crawl_plan *plan, const json_t *table, gint64 layout,
                           GHashTable *judged)
{
    int known = GPOINTER_TO_INT(g_hash_table_lookup(judged, &layout));
    if (known)
        return known == 1;
    g_autoptr(json_auto) has = catalog_layout_get(plan->catalog, layout, NULL);
    g_autoptr(json_auto) wants = json_copy(json_object_get(table, "StorageDescriptor"));
    json_object_del(wants, "Location");
    json_object_del(wants, "Parameters");
    bool same = has && json_equal(has, wants);
    g_hash_table_insert(judged, g_memdup2(&layout, sizeof layout), GINT_TO_POINTER(same ? 1 : 2));
    return same;
}

static void compare_place(const struct applying *applying, const json_t *table,
                          const struct catalog_place *place, GHashTable *found, GHashTable *judged,
                          struct difference *difference)
{
    g_autoptr(json_auto) values = values_of(place);
    g_autofree char *key = key_of_values(values);
    const struct found_partition *partition = g_hash_table_lookup(found, key);
    if (!partition) {
        if (place->location)
            json_array_append(difference->gone, values);
        return;
    }
    if (g_strcmp0(partition->location, place->location) != 0 ||
        !is_same_layout(applying->plan, table, place->layout, judged))
        json_array_append_new(difference->changed,
                              json_pack("{sOso}", "Values", values, "StorageDescriptor",
                                        descriptor_for(table, partition->location)));
    g_hash_table_remove(found, key);
}

static void add_rest(const json_t *table, GHashTable *found, json_t *added)
{
    GHashTableIter iterator;
    void *value;
    g_hash_table_iter_init(&iterator, found);
    while (g_hash_table_iter_next(&iterator, NULL, &value)) {
        const struct found_partition *partition = value;
        json_array_append_new(added,
                              json_pack("{sOso}", "Values", partition->values, "StorageDescriptor",
                                        descriptor_for(table, partition->location)));
    }
}

static bool compare_partitions(const struct applying *applying, const json_t *table,
                               const GPtrArray *partitions, struct difference *difference,
                               GError **error)
{
    struct catalog_partition_query query = {.database = applying->plan->database,
                                            .table = json_text_at(table, "Name")};
    g_autoptr(GPtrArray) places = catalog_partition_places(applying->plan->catalog, &query, error);
    g_autoptr(GHashTable) found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) judged = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    for (guint i = 0; i < partitions->len; i++) {
        struct found_partition *partition = partitions->pdata[i];
        g_hash_table_insert(found, key_of_values(partition->values), partition);
    }
    for (guint i = 0; places && i < places->len; i++)
        compare_place(applying, table, places->pdata[i], found, judged, difference);
    add_rest(table, found, difference->added);
    return places != NULL;
}

/* A change of the store a thousand: nobody else waits long. */
static bool put_partitions(const struct crawl_plan *plan, const char *table, const json_t *inputs,
                           GError **error)
{
    for (size_t i = 0; i < json_array_size(inputs); i += PARTITIONS_AT_ONCE) {
        g_autoptr(json_auto) part = json_array();
        for (size_t j = i; j < MIN(i + PARTITIONS_AT_ONCE, json_array_size(inputs)); j++)
            json_array_append(part, json_array_get(inputs, j));
        if (crawl_is_cancelled(plan, error) ||
            !catalog_partition_put(plan->catalog, plan->database, table, part, CATALOG_REPLACE,
                                   NULL, NULL, error))
            return false;
    }
    return true;
}

static bool put_added(struct applying *applying, const char *table, const json_t *added,
                      GError **error)
{
    if (!json_array_size(added))
        return true;
    crawl_log(applying->plan, "INFO : Created partitions in table %s: %zu", table,
              json_array_size(added));
    applying->result->partitions.created += (unsigned)json_array_size(added);
    return put_partitions(applying->plan, table, added, error);
}

static bool put_changed(struct applying *applying, const char *table, const json_t *changed,
                        GError **error)
{
    if (!json_array_size(changed) || !may_update(applying->plan))
        return true;
    applying->result->partitions.updated += (unsigned)json_array_size(changed);
    return put_partitions(applying->plan, table, changed, error);
}

static bool deletes(const struct crawl_plan *plan)
{
    return !plan->new_folders_only && g_strcmp0(plan->delete_behavior, "DELETE_FROM_DATABASE") == 0;
}

static bool drop_gone(struct applying *applying, const char *table, const json_t *gone,
                      GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    g_autoptr(json_auto) failed = json_array();
    if (!json_array_size(gone) || plan->new_folders_only)
        return true;
    crawl_log(plan, "INFO : Partitions of table %s that hold no data any more: %zu%s", table,
              json_array_size(gone), deletes(plan) ? "; they are deleted" : "");
    if (!deletes(plan))
        return true;
    applying->result->partitions.deleted += (unsigned)json_array_size(gone);
    return catalog_partition_delete(plan->catalog, plan->database, table, gone, failed, error);
}

static bool apply_partitions(struct applying *applying, const char *name,
                             const struct found_table *found, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    if (!json_array_size(found->keys))
        return true;
    g_autoptr(json_auto) table = catalog_table_get(plan->catalog, plan->database, name, error);
    struct difference difference = {json_array(), json_array(), json_array()};
    bool done = table && json_array_size(json_object_get(table, "PartitionKeys")) ==
                             json_array_size(found->keys);
    if (done)
        done = compare_partitions(applying, table, found->partitions, &difference, error) &&
               put_added(applying, name, difference.added, error) &&
               put_changed(applying, name, difference.changed, error) &&
               drop_gone(applying, name, difference.gone, error);
    else
        done = table != NULL; /* it stays as it is, by the crawler's policy */
    json_decref(difference.added);
    json_decref(difference.changed);
    json_decref(difference.gone);
    return done;
}

/* ---- the whole ---- */

static bool apply_table(struct applying *applying, const struct found_table *found, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    const json_t *old = table_at(applying->known->tables, found->location);
    g_autofree char *name =
        old ? g_strdup(json_text_at(old, "Name")) : name_for(plan, applying->known, found);
    g_hash_table_add(applying->seen, g_strdup(name));
    if (found->schema) { /* else it is one that is there, with a new partition */
        g_autoptr(json_auto) input = input_of(plan, found, name);
        if (!(old ? meet(applying, old, input, error) : create(applying, input, error)))
            return false;
    }
    return apply_partitions(applying, name, found, error);
}

/* Whether a table lies in what was crawled. */
static bool is_in_targets(const struct crawl_plan *plan, const json_t *table)
{
    size_t i;
    const json_t *target;
    json_array_foreach((json_t *)plan->targets, i, target)
    {
        const char *path = json_text_at(target, "Path");
        g_autofree char *folder = g_strconcat(path, g_str_has_suffix(path, "/") ? "" : "/", NULL);
        if (g_str_has_prefix(location_of(table), folder) ||
            is_same_location(location_of(table), path))
            return true;
    }
    return false;
}

static bool deprecate(struct applying *applying, const json_t *table, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    if (parameter(table, DEPRECATED))
        return true;
    g_autoptr(json_auto) input = updated(plan, table, table);
    put_number(json_object_get(input, "Parameters"), DEPRECATED, (gint64)(clock_now() * 1000));
    applying->result->tables.updated++;
    return catalog_table_update(plan->catalog, plan->database, input,
                                &(struct catalog_table_update){0}, error);
}

static bool end_table(struct applying *applying, const json_t *table, GError **error)
{
    const struct crawl_plan *plan = applying->plan;
    const char *name = json_text_at(table, "Name");
    crawl_log(plan, "INFO : Table %s in database %s holds no data any more", name, plan->database);
    if (g_strcmp0(plan->delete_behavior, "LOG") == 0)
        return true;
    if (!deletes(plan))
        return deprecate(applying, table, error);
    applying->result->tables.deleted++;
    return catalog_table_delete(plan->catalog, plan->database, name, error);
}

static bool end_missing(struct applying *applying, GError **error)
{
    size_t i;
    const json_t *table;
    json_array_foreach(applying->plan->new_folders_only ? NULL : applying->known->tables, i, table)
    {
        if (!crawl_is_ours(applying->plan, table) || !is_in_targets(applying->plan, table) ||
            g_hash_table_contains(applying->seen, json_text_at(table, "Name")))
            continue;
        if (!end_table(applying, table, error))
            return false;
    }
    return true;
}

bool crawl_apply(const struct crawl_plan *plan, const struct crawl_known *known, GPtrArray *tables,
                 struct crawl_result *result, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct applying applying = {plan, known, result, seen};
    for (guint i = 0; i < tables->len; i++)
        if (crawl_is_cancelled(plan, error) || !apply_table(&applying, tables->pdata[i], error))
            return false;
    if (!end_missing(&applying, error))
        return false;
    crawl_log(plan, "BENCHMARK : Finished writing to Catalog");
    return true;
}
