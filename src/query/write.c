/* CREATE TABLE AS, INSERT INTO, UNLOAD: the engine writes files into the statement's folder; then
 * they become objects, the table and its partitions are made, and the statement ends, in one
 * change. */
#include <string.h>

#include "base/error.h"
#include "base/s3_uri.h"
#include "catalog/catalog.h"
#include "query/places.h"
#include "query/select.h"

/* What is written, and what the change does beside. */
struct writing {
    struct selection *selection;
    const char *place;         /* "s3://bucket/prefix/" */
    const char *schema, *name; /* of the table; NULL: there is none (UNLOAD) */
    json_t *table;             /* a TableInput to be made, or the Table that is there */
    bool make;
    json_t *partitions; /* PartitionInputs */
};

/* ---- properties ---- */

static const struct sql_property *property(const struct sql_statement *statement, const char *name)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (strcmp(statement->properties[i].name, name) == 0)
            return &statement->properties[i];
    return NULL;
}

static const char *text_property(const struct sql_statement *statement, const char *name)
{
    const struct sql_property *found = property(statement, name);
    return found ? found->text : NULL;
}

static json_t *list_property(const struct sql_statement *statement, const char *name)
{
    const struct sql_property *found = property(statement, name);
    json_t *list = json_array();
    for (size_t i = 0; found && i < found->count; i++) {
        g_autofree char *small = g_utf8_strdown(found->items[i], -1);
        json_array_append_new(list, json_string(small));
    }
    return list;
}

static const char *const table_properties[] = {"format",
                                               "external_location",
                                               "write_compression",
                                               "parquet_compression",
                                               "orc_compression",
                                               "field_delimiter",
                                               "partitioned_by",
                                               "bucketed_by",
                                               "bucket_count",
                                               "is_external",
                                               "table_type",
                                               "compression_level",
                                               NULL};
static const char *const unload_properties[] = {
    "format", "compression", "field_delimiter", "partitioned_by", "compression_level", NULL};

static bool check_properties(const struct sql_statement *statement, const char *const *known,
                             const char *catalog, GError **error)
{
    for (size_t i = 0; i < statement->property_count; i++)
        if (!g_strv_contains(known, statement->properties[i].name))
            return error_set(error, ERROR_INVALID_REQUEST,
                             "INVALID_TABLE_PROPERTY: line %d:%d: %s table property '%s' does not "
                             "exist",
                             statement->properties[i].line, statement->properties[i].column,
                             catalog, statement->properties[i].name);
    return true;
}

/* ---- formats ---- */

#define QL "org.apache.hadoop.hive.ql.io."

static const struct format {
    const char *name, *classification;
    const char *engine; /* engine_write.h's; NULL: it is not written */
    const char *serde, *input, *output;
} formats[] = {
    {"PARQUET", "parquet", "parquet", QL "parquet.serde.ParquetHiveSerDe",
     QL "parquet.MapredParquetInputFormat", QL "parquet.MapredParquetOutputFormat"},
    {"TEXTFILE", "csv", "text", "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
     "org.apache.hadoop.mapred.TextInputFormat", QL "HiveIgnoreKeyTextOutputFormat"},
    {"JSON", "json", "json", "org.openx.data.jsonserde.JsonSerDe",
     "org.apache.hadoop.mapred.TextInputFormat", QL "HiveIgnoreKeyTextOutputFormat"},
    {"ORC", "orc", NULL, QL "orc.OrcSerde", QL "orc.OrcInputFormat", QL "orc.OrcOutputFormat"},
    {"AVRO", "avro", NULL, "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
     QL "avro.AvroContainerInputFormat", QL "avro.AvroContainerOutputFormat"},
};

static const struct format *refuse_format(const char *name, GError **error)
{
    error_set(error, ERROR_INVALID_REQUEST,
              "NOT_SUPPORTED: Writing files in %s is not supported: PARQUET, TEXTFILE and JSON are",
              name);
    return NULL;
}

static const struct format *format_named(const char *name, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (g_ascii_strcasecmp(formats[i].name, name) == 0 && formats[i].engine)
            return &formats[i];
    return refuse_format(name, error);
}

static const struct format *format_of_table(const json_t *table, GError **error)
{
    const char *serde = json_text_at(table, "StorageDescriptor.SerdeInfo.SerializationLibrary");
    for (size_t i = 0; serde && i < G_N_ELEMENTS(formats); i++)
        if (formats[i].engine && strcmp(formats[i].serde, serde) == 0)
            return &formats[i];
    if (serde && strstr(serde, "JsonSerDe"))
        return format_named("JSON", error);
    return refuse_format(serde ? serde : "no known format", error);
}

/* ---- what the engine writes ---- */

/* "20241129_103000_00000_id": sorted by time, and nobody else's. */
static char *file_prefix(const struct query_request *request)
{
    g_autoptr(GDateTime) now = g_date_time_new_from_unix_utc((gint64)request->now);
    g_autofree char *stamp = g_date_time_format(now, "%Y%m%d_%H%M%S");
    return g_strdup_printf("%s_%s", stamp, request->id);
}

static const char *compression_of(const struct sql_statement *statement,
                                  const struct format *format)
{
    static const char *const names[] = {"write_compression", "parquet_compression", "compression"};
    const char *named = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names) && !named; i++)
        named = text_property(statement, names[i]);
    bool parquet = strcmp(format->engine, "parquet") == 0;
    return named ? named : parquet ? "gzip" : statement->kind == SQL_INSERT ? "none" : "gzip";
}

static json_t *write_form(const struct writing *writing, const struct format *format,
                          const char *folder, size_t partitions, const char *delimiter)
{
    const struct query_request *request = writing->selection->run->request;
    const struct sql_statement *statement = writing->selection->statement;
    g_autofree char *prefix = file_prefix(request);
    g_autofree char *compression = g_ascii_strdown(compression_of(statement, format), -1);
    json_t *form =
        json_pack("{sssssssssssI}", "Form", "write", "Folder", folder, "Prefix", prefix, "Format",
                  format->engine, "Compression", compression, "Partitions", (json_int_t)partitions);
    json_put(form, "Delimiter", delimiter ? json_string(delimiter) : NULL);
    const char *null = json_string_value(
        json_object_get(json_at(writing->table, "StorageDescriptor.SerdeInfo.Parameters"),
                        "serialization.null.format"));
    json_put(form, "Null", null ? json_string(null) : NULL);
    return form;
}

/* Within the change of the store's. */
static bool put_table(struct store_connection *connection, const struct writing *writing,
                      GError **error)
{
    if (writing->make &&
        !catalog_table_create_within(connection, writing->schema, writing->table, NULL, error))
        return false;
    return !json_array_size(writing->partitions) ||
           catalog_partition_put_within(connection, writing->schema, writing->name,
                                        writing->partitions, CATALOG_ADD, NULL, NULL, error);
}

static bool finish_writing(struct store_connection *connection, void *data, GError **error)
{
    const struct writing *writing = data;
    return (!writing->name || put_table(connection, writing, error)) &&
           writing->selection->finish(connection, writing->selection->data, error);
}

/* ---- files into objects ---- */

/* The folder of such values below the table's place, and its PartitionInput once. */
static char *folder_of(struct writing *writing, const json_t *values, GHashTable *seen)
{
    if (!json_array_size(values))
        return g_strdup("");
    g_autoptr(json_auto) texts = json_array();
    size_t i;
    const json_t *value;
    json_array_foreach(values, i, value) json_array_append_new(
        texts, json_is_null(value) ? json_string(CATALOG_NO_VALUE) : json_incref((json_t *)value));
    g_autofree char *path = partition_path(json_object_get(writing->table, "PartitionKeys"), texts);
    char *folder = g_strconcat(path, "/", NULL);
    if (writing->name && g_hash_table_add(seen, g_strdup(folder)))
        json_array_append_new(writing->partitions, partition_input(writing->table, texts, NULL));
    return folder;
}

static bool add_files(struct writing *writing, struct lake_batch *batch, const char *folder,
                      const json_t *files, GString *manifest, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    size_t i;
    const json_t *file;
    json_array_foreach(files, i, file)
    {
        const char *name = json_text_at(file, "Name");
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *below = folder_of(writing, json_object_get(file, "Values"), seen);
        g_autofree char *uri = g_strconcat(writing->place, below, name, NULL);
        if (!query_add_file(batch, uri, path, error))
            return false;
        g_string_append_printf(manifest, "%s\n", uri);
    }
    return true;
}

static bool store_written(struct writing *writing, const char *folder, const json_t *reply,
                          GError **error)
{
    struct query_run *run = writing->selection->run;
    g_autoptr(GString) manifest = g_string_new(NULL);
    g_autoptr(lake_batch_auto) batch = lake_batch_new(run->queries->lake);
    g_autofree char *name =
        g_strdup_printf("%s%s" QUERY_MANIFEST, writing->make ? "tables/" : "", run->request->id);
    run->end->manifest = query_output(run, name);
    g_autofree char *place =
        g_strndup(run->end->manifest, strlen(run->end->manifest) - strlen(QUERY_MANIFEST));
    run->end->rows = json_integer_at(reply, "RowCount", 0);
    return add_files(writing, batch, folder, json_object_get(reply, "Files"), manifest, error) &&
           query_add_text(run, batch, run->end->manifest, manifest, error) &&
           select_add_metadata(run, batch, place, error) &&
           lake_batch_commit_with(batch, finish_writing, writing, error);
}

/* The count of rows, a bigint. */
static json_t *count_column(void)
{
    json_t *info = column_info("rows", "bigint");
    json_object_set_new(info, "Precision", json_integer(19));
    return json_pack("[o]", info);
}

static bool write_files(struct writing *writing, json_t *form, GError **error)
{
    g_autofree char *folder = g_strdup(json_text_at(form, "Folder"));
    writing->selection->run->end->columns = count_column();
    g_autoptr(json_auto) reply = select_ask(writing->selection, form, error);
    return reply && store_written(writing, folder, reply, error);
}

/* What writes nothing ends here: WITH NO DATA, IF NOT EXISTS of a table that is there. */
static bool write_nothing(struct writing *writing, GError **error)
{
    g_autoptr(json_auto) none = json_pack("{sis[]}", "RowCount", 0, "Files");
    writing->selection->run->end->columns = json_array();
    return store_written(writing, "", none, error);
}

static char *staging(struct selection *selection, GError **error)
{
    const char *folder = query_folder(selection->run, error);
    return folder ? g_build_filename(folder, "written", NULL) : NULL;
}

/* ---- places ---- */

static bool check_empty(const struct selection *selection, const char *place, const char *what,
                        GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    if (!s3_uri_is(place) || !s3_uri_parse(place, &bucket, &key, error))
        return error_set(
            error, ERROR_INVALID_REQUEST,
            "INVALID_TABLE_PROPERTY: '%s' is no place in S3: s3://bucket/prefix/ would "
            "be one",
            place);
    g_autoptr(GPtrArray) there = lake_list(selection->run->queries->lake, bucket, key, error);
    if (!there || there->len == 0)
        return there != NULL;
    return error_set(
        error, ERROR_INVALID_REQUEST,
        "HIVE_PATH_ALREADY_EXISTS: Target directory for %s already exists: %s. You may "
        "need to manually clean the data at location '%s' before retrying.",
        what, place, place);
}

static char *with_slash(const char *place)
{
    return g_strconcat(place, g_str_has_suffix(place, "/") ? "" : "/", NULL);
}

/* ---- CREATE TABLE AS ---- */

static json_t *hive_columns_of(const struct sql_statement *statement, size_t first, size_t count)
{
    struct arena arena = {0};
    json_t *columns = json_array();
    for (size_t i = first; i < first + count; i++)
        json_array_append_new(columns,
                              json_pack("{ssss}", "Name", statement->columns[i].name, "Type",
                                        sql_type_to_hive(&arena, statement->columns[i].type)));
    arena_free(&arena);
    return columns;
}

static bool keys_are_last(const struct sql_statement *statement, const json_t *keys)
{
    size_t count = json_array_size(keys);
    for (size_t i = 0; i < count; i++)
        if (count >= statement->count ||
            g_ascii_strcasecmp(statement->columns[statement->count - count + i].name,
                               json_string_value(json_array_get(keys, i))) != 0)
            return false;
    return true;
}

static bool check_keys(const struct sql_statement *statement, const json_t *keys, GError **error)
{
    if (keys_are_last(statement, keys))
        return true;
    g_autofree char *list = json_text_of(keys);
    return error_set(error, ERROR_INVALID_REQUEST,
                     "HIVE_COLUMN_ORDER_MISMATCH: Partition keys must be the last columns in the "
                     "table and in the same order as the table properties: %s",
                     list);
}

static json_t *buckets_of(const struct sql_statement *statement, GError **error)
{
    const char *count = text_property(statement, "bucket_count");
    g_autoptr(json_auto) columns = list_property(statement, "bucketed_by");
    if (!json_array_size(columns))
        return json_null();
    gint64 number = count ? g_ascii_strtoll(count, NULL, 10) : 0;
    if (number > 0)
        return json_pack("{sOsI}", "Columns", columns, "Count", (json_int_t)number);
    error_set(error, ERROR_INVALID_REQUEST,
              "INVALID_TABLE_PROPERTY: bucket_count must be greater than zero where bucketed_by is "
              "set");
    return NULL;
}

static json_t *table_input(const struct selection *selection, const struct format *format,
                           const char *place, const json_t *keys, const json_t *buckets,
                           const char *delimiter)
{
    const struct sql_statement *statement = selection->statement;
    size_t plain = statement->count - json_array_size(keys);
    json_t *parameters = json_object();
    if (strcmp(format->engine, "text") == 0)
        json_object_set_new(parameters, "field.delim", json_string(delimiter));
    json_object_set_new(parameters, "serialization.format",
                        json_string(delimiter ? delimiter : "1"));
    json_t *input = json_pack(
        "{sss{sosssssss{ssso}s{}}sosss{ssssso*}}", "Name", statement->target, "StorageDescriptor",
        "Columns", hive_columns_of(statement, 0, plain), "Location", place, "InputFormat",
        format->input, "OutputFormat", format->output, "SerdeInfo", "SerializationLibrary",
        format->serde, "Parameters", parameters, "Parameters", "PartitionKeys",
        hive_columns_of(statement, plain, json_array_size(keys)), "TableType", "EXTERNAL_TABLE",
        "Parameters", "EXTERNAL", "TRUE", "classification", format->classification, "comment",
        statement->comment ? json_string(statement->comment) : NULL);
    if (json_is_object(buckets)) {
        json_t *descriptor = json_object_get(input, "StorageDescriptor");
        json_object_set(descriptor, "BucketColumns", json_object_get(buckets, "Columns"));
        json_object_set(descriptor, "NumberOfBuckets", json_object_get(buckets, "Count"));
    }
    return input;
}

static bool check_table_kind(const struct sql_statement *statement, GError **error)
{
    const char *kind = text_property(statement, "table_type");
    return !kind || g_ascii_strcasecmp(kind, "hive") == 0 ||
           error_set(error, ERROR_INVALID_REQUEST,
                     "NOT_SUPPORTED: Tables of the type %s are not supported: HIVE is", kind);
}

static bool make_table(struct writing *writing, const char *place, GError **error)
{
    struct selection *selection = writing->selection;
    const struct sql_statement *statement = selection->statement;
    const char *named = text_property(statement, "format");
    const struct format *format = format_named(named ? named : "PARQUET", error);
    g_autoptr(json_auto) keys = list_property(statement, "partitioned_by");
    g_autoptr(json_auto) buckets = format ? buckets_of(statement, error) : NULL;
    g_autofree char *folder = buckets ? staging(selection, error) : NULL;
    if (!folder || !check_keys(statement, keys, error) ||
        !check_empty(selection, place, "table", error))
        return false;
    const char *given = text_property(statement, "field_delimiter");
    const char *delimiter = strcmp(format->engine, "text") == 0 ? (given ? given : "\x01") : NULL;
    writing->table = table_input(selection, format, place, keys, buckets, delimiter);
    if (statement->with_no_data)
        return write_nothing(writing, error);
    json_t *form = write_form(writing, format, folder, json_array_size(keys), delimiter);
    json_put(form, "Buckets", json_is_object(buckets) ? json_incref(buckets) : NULL);
    return write_files(writing, form, error);
}

/* Whether there is nothing to do, or the error that the table is there. */
static bool is_there(const struct selection *selection, bool *there, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    g_autoptr(json_auto) table = NULL;
    if (!select_find_target(selection, &table, error))
        return false;
    *there = table != NULL;
    return !table || statement->if_not_exists ||
           error_set(error, ERROR_INVALID_REQUEST,
                     "TABLE_ALREADY_EXISTS: line 1:1: Destination table '%s.%s.%s' already exists",
                     statement->target_catalog, statement->target_schema, statement->target);
}

bool write_table(struct selection *selection, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    struct query_run *run = selection->run;
    bool there = false;
    if (!check_properties(statement, table_properties, "Catalog 'awsdatacatalog'", error) ||
        !check_table_kind(statement, error) || !is_there(selection, &there, error))
        return false;
    g_autofree char *name = g_strconcat("tables/", run->request->id, NULL);
    run->end->output = query_output(run, name);
    const char *external = text_property(statement, "external_location");
    g_autofree char *place = with_slash(external ? external : run->end->output);
    struct writing writing = {.selection = selection,
                              .place = place,
                              .schema = statement->target_schema,
                              .name = there ? NULL : statement->target,
                              .make = !there,
                              .partitions = json_array()};
    bool done = there ? write_nothing(&writing, error) : make_table(&writing, place, error);
    json_decref(writing.table);
    json_decref(writing.partitions);
    return done;
}

/* ---- INSERT ---- */

static const char *delimiter_of(const json_t *table)
{
    const json_t *parameters = json_at(table, "StorageDescriptor.SerdeInfo.Parameters");
    const char *delimiter = json_string_value(json_object_get(parameters, "field.delim"));
    return delimiter ? delimiter : "\x01";
}

static bool insert(struct writing *writing, GError **error)
{
    struct selection *selection = writing->selection;
    const struct format *format = format_of_table(writing->table, error);
    g_autofree char *folder = format ? staging(selection, error) : NULL;
    if (!folder)
        return false;
    bool text = strcmp(format->engine, "text") == 0;
    json_t *form = write_form(writing, format, folder,
                              json_array_size(json_object_get(writing->table, "PartitionKeys")),
                              text ? delimiter_of(writing->table) : NULL);
    return write_files(writing, form, error);
}

bool write_rows(struct selection *selection, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    struct query_run *run = selection->run;
    struct writing writing = {.selection = selection,
                              .schema = statement->target_schema,
                              .name = statement->target,
                              .partitions = json_array()};
    run->end->output = query_output(run, run->request->id);
    bool done = select_find_target(selection, &writing.table, error);
    if (done && !writing.table)
        done = error_set(error, ERROR_INVALID_REQUEST,
                         "TABLE_NOT_FOUND: line 1:1: Table '%s.%s.%s' does not exist",
                         statement->target_catalog, statement->target_schema, statement->target);
    const char *place = json_text_at(writing.table, "StorageDescriptor.Location");
    g_autofree char *whole = with_slash(place ? place : "");
    writing.place = whole;
    done = done && insert(&writing, error);
    json_decref(writing.table);
    json_decref(writing.partitions);
    return done;
}

/* ---- UNLOAD ---- */

static const struct format *unload_format(const struct sql_statement *statement, GError **error)
{
    const char *named = text_property(statement, "format");
    if (!named) {
        error_set(error, ERROR_INVALID_REQUEST,
                  "INVALID_TABLE_PROPERTY: UNLOAD needs a format: WITH (format = 'PARQUET')");
        return NULL;
    }
    return format_named(named, error);
}

bool write_unload(struct selection *selection, GError **error)
{
    const struct sql_statement *statement = selection->statement;
    struct query_run *run = selection->run;
    if (!check_properties(statement, unload_properties, "UNLOAD", error))
        return false;
    g_autofree char *place = with_slash(statement->location);
    const struct format *format = unload_format(statement, error);
    g_autofree char *folder = format ? staging(selection, error) : NULL;
    g_autoptr(json_auto) keys = list_property(statement, "partitioned_by");
    if (!folder || !check_keys(statement, keys, error) ||
        !check_empty(selection, place, "UNLOAD", error))
        return false;
    run->end->output = query_output(run, run->request->id);
    size_t plain = statement->count - json_array_size(keys);
    g_autoptr(json_auto) table = json_pack(
        "{so}", "PartitionKeys", hive_columns_of(statement, plain, json_array_size(keys)));
    struct writing writing = {
        .selection = selection, .place = place, .table = table, .partitions = json_array()};
    const char *delimiter = text_property(statement, "field_delimiter");
    bool done = write_files(
        &writing,
        write_form(&writing, format, folder, json_array_size(keys),
                   strcmp(format->engine, "text") == 0 ? (delimiter ? delimiter : "\x01") : NULL),
        error);
    json_decref(writing.partitions);
    return done;
}
