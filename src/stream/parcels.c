#include "stream/parcels.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "stream/prefix.h"

struct parcel {
    char *prefix; /* of its object's key */
    char *path;
    struct output *output;
    double time; /* of its first record */
    bool failed; /* its records are */
};

struct parcels {
    const struct delivery_stream *stream;
    const struct delivery_config *config;
    GHashTable *by_key; /* partition keys, or a type of failure -> struct parcel */
    GPtrArray *all;     /* struct parcel */
    unsigned partitions;
    struct schema *schema; /* that records are held against; NULL: they are not converted */
    GString *line;
};

static void free_parcel(void *data)
{
    struct parcel *parcel = data;
    output_free(parcel->output);
    unlink(parcel->path);
    g_free(parcel->path);
    g_free(parcel->prefix);
    g_free(parcel);
}

struct parcels *parcels_new(const struct delivery_stream *stream,
                            const struct delivery_config *config)
{
    struct parcels *parcels = g_new0(struct parcels, 1);
    parcels->stream = stream;
    parcels->config = config;
    parcels->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    parcels->all = g_ptr_array_new_with_free_func(free_parcel);
    parcels->line = g_string_new(NULL);
    return parcels;
}

void parcels_free(struct parcels *parcels)
{
    if (!parcels)
        return;
    g_hash_table_unref(parcels->by_key);
    g_ptr_array_unref(parcels->all);
    schema_free(parcels->schema);
    g_string_free(parcels->line, TRUE);
    g_free(parcels);
}

/* ---- opening ---- */

/* Takes key and prefix. */
static struct parcel *open_parcel(struct parcels *parcels, char *key, char *prefix, double time,
                                  enum output_format format, GError **error)
{
    struct parcel *parcel = g_new0(struct parcel, 1);
    parcel->prefix = prefix;
    parcel->time = time;
    parcel->path = g_strdup_printf("%s/output-%u", parcels->stream->folder, parcels->all->len);
    g_ptr_array_add(parcels->all, parcel);
    g_hash_table_insert(parcels->by_key, key, parcel);
    parcel->output = output_new(parcel->path, format, parcels->stream->name, error);
    return parcel->output ? parcel : NULL;
}

/* ---- records ---- */

static bool write_record(const struct parcels *parcels, struct parcel *parcel, const void *bytes,
                         size_t size, GError **error)
{
    const char *delimiter = parcels->config->delimiter;
    return output_write(parcel->output, bytes, size, error) &&
           (!delimiter || output_write(parcel->output, delimiter, strlen(delimiter), error));
}

/* The parcel of those keys, opened where there is none; or why the record cannot go into one. */
static struct parcel *parcel_of(struct parcels *parcels, const json_t *keys, double time,
                                GError **why, GError **error)
{
    g_autofree char *key = keys ? json_text_of(keys) : g_strdup("{}");
    struct parcel *parcel = g_hash_table_lookup(parcels->by_key, key);
    if (parcel)
        return parcel;
    if (keys && parcels->partitions == PARCELS_MOST) {
        error_set(why, ERROR_LIMIT_EXCEEDED_EXCEPTION,
                  "a buffer's records have more than %d partitions", PARCELS_MOST);
        return NULL;
    }
    g_autoptr(GTimeZone) zone = prefix_zone(parcels->config->time_zone, error);
    char *prefix = zone ? prefix_evaluate(parcels->config->prefix, keys, time, zone, why) : NULL;
    if (!prefix)
        return NULL;
    parcels->partitions++;
    return open_parcel(parcels, g_steal_pointer(&key), prefix, time, parcels->config->format,
                       error);
}

static bool open_schema(struct parcels *parcels, GError **error)
{
    if (!parcels->schema)
        parcels->schema =
            schema_open(parcels->stream->streams->catalog, &parcels->config->conversion, error);
    return parcels->schema != NULL;
}

/* Where the record fits, `line` is what it becomes; else it has failed. */
static bool fit_record(struct parcels *parcels, double time, const void *bytes, size_t size,
                       bool *fits, GError **error)
{
    g_autofree char *why = NULL;
    struct parcel_failure failure = {.type = "format-conversion-failed"};
    if (!open_schema(parcels, error))
        return false;
    g_string_truncate(parcels->line, 0);
    *fits = schema_fit(parcels->schema, bytes, size, parcels->line, &failure.code, &why);
    failure.why = why;
    return *fits || parcels_fail(parcels, &failure, time, bytes, size, error);
}

bool parcels_add(struct parcels *parcels, const json_t *keys, double time, const void *bytes,
                 size_t size, GError **error)
{
    g_autoptr(GError) why = NULL;
    if (parcels->config->conversion.table) {
        bool fits = false, failed = !fit_record(parcels, time, bytes, size, &fits, error);
        if (failed || !fits)
            return !failed;
    }
    struct parcel *parcel = parcel_of(parcels, keys, time, &why, error);
    if (parcel && parcels->config->conversion.table)
        return output_write(parcel->output, parcels->line->str, parcels->line->len, error);
    if (parcel)
        return write_record(parcels, parcel, bytes, size, error);
    if (!why)
        return false;
    bool too_many = why->code == ERROR_LIMIT_EXCEEDED_EXCEPTION;
    struct parcel_failure failure = {
        .type = too_many ? "active-partitions-limit-exceeded" : "metadata-extraction-failed",
        .code = too_many ? "DynamicPartitioning.ActivePartitionsLimitExceeded"
                         : "DynamicPartitioning.MetadataExtractionFailed",
        .why = why->message};
    return parcels_fail(parcels, &failure, time, bytes, size, error);
}

/* ---- what failed ---- */

static struct parcel *parcel_of_failure(struct parcels *parcels, const char *type, double time,
                                        GError **error)
{
    struct parcel *parcel = g_hash_table_lookup(parcels->by_key, type);
    if (parcel)
        return parcel;
    g_autoptr(GTimeZone) zone = prefix_zone(parcels->config->time_zone, error);
    if (!zone)
        return NULL;
    char *prefix = prefix_evaluate_error(parcels->config->error_prefix, type, time, zone);
    parcel = open_parcel(parcels, g_strdup(type), prefix, time, OUTPUT_PLAIN, error);
    if (parcel)
        parcel->failed = true;
    return parcel;
}

/* Of a failed conversion the members have other names, and the table is told. */
static json_t *describe(const struct parcels *parcels, const struct parcel_failure *failure)
{
    const struct conversion *conversion = &parcels->config->conversion;
    if (strcmp(failure->type, "format-conversion-failed") != 0)
        return json_pack("{ssss}", "errorCode", failure->code, "errorMessage", failure->why);
    return json_pack("{sssss{ssssss}}", "lastErrorCode", failure->code, "lastErrorMessage",
                     failure->why, "dataCatalogTable", "databaseName", conversion->database,
                     "tableName", conversion->table, "versionId",
                     conversion->version ? conversion->version : "LATEST");
}

static char *line_of(const struct parcels *parcels, const struct parcel_failure *failure,
                     double time, const void *bytes, size_t size)
{
    double now = clock_wall(parcels->stream->streams->clock);
    g_autofree char *data = g_base64_encode(bytes, size);
    g_autoptr(json_auto) line =
        json_pack("{sisIsIss}", "attemptsMade", 1, "arrivalTimestamp", (json_int_t)(time * 1000),
                  "attemptEndingTimestamp", (json_int_t)(now * 1000), "rawData", data);
    g_autoptr(json_auto) reason = describe(parcels, failure);
    json_object_update(line, reason);
    g_autofree char *text = json_text_of(line);
    return g_strconcat(text, "\n", NULL);
}

bool parcels_fail(struct parcels *parcels, const struct parcel_failure *failure, double time,
                  const void *bytes, size_t size, GError **error)
{
    struct parcel *parcel = parcel_of_failure(parcels, failure->type, time, error);
    g_autofree char *line = parcel ? line_of(parcels, failure, time, bytes, size) : NULL;
    return line && output_write(parcel->output, line, strlen(line), error);
}

/* ---- sending ---- */

/* "<prefix><stream>-<version>-2026-11-29-09-00-00-<uuid><extension>" */
static char *key_of(const struct parcels *parcels, const struct parcel *parcel)
{
    const struct delivery_config *config = parcels->config;
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc((gint64)parcel->time);
    g_autofree char *second = g_date_time_format(utc, "%Y-%m-%d-%H-%M-%S");
    g_autofree char *id = id_uuid();
    const char *extension = parcel->failed             ? ""
                            : config->extension        ? config->extension
                            : config->conversion.table ? ".parquet"
                                                       : output_extension(config->format);
    return g_strdup_printf("%s%s-%s-%s-%s%s", parcel->prefix, parcels->stream->name,
                           config->version, second, id, extension);
}

/* The Parquet file in the place of the lines. */
static bool take_file(struct parcel *parcel, const json_t *reply, const char *folder,
                      GError **error)
{
    const char *wrong = json_text_at(reply, "Error.Message");
    const char *name = json_text_at(reply, "Files[0].Name");
    if (wrong || !name)
        return error_set(error, ERROR_INTERNAL, "converting records to Parquet: %s",
                         wrong ? wrong : "there is no file");
    g_autofree char *path = g_build_filename(folder, name, NULL);
    return rename(path, parcel->path) == 0 || error_set_errno(error, errno, "renaming %s", path);
}

static bool convert(const struct parcels *parcels, struct parcel *parcel, GError **error)
{
    g_autofree char *folder = g_strconcat(parcel->path, "-parquet", NULL);
    g_autoptr(json_auto) request = schema_request(parcels->schema, parcel->path, folder,
                                                  parcels->config->conversion.compression);
    g_autoptr(json_auto) reply = file_make_folders(folder, error)
                                     ? engine_call(parcels->stream->streams->engine, request, error)
                                     : NULL;
    bool converted = reply && take_file(parcel, reply, folder, error);
    file_remove_tree(folder, NULL);
    return converted;
}

static bool send(const struct parcels *parcels, struct parcel *parcel, struct lake_batch *batch,
                 GError **error)
{
    g_autofree char *key = key_of(parcels, parcel);
    bool converts = parcels->config->conversion.table && !parcel->failed;
    return output_finish(parcel->output, error) && (!converts || convert(parcels, parcel, error)) &&
           lake_batch_add(batch, parcels->config->bucket, key, parcel->path, error);
}

bool parcels_send(struct parcels *parcels, struct lake_batch *batch, GError **error)
{
    for (guint i = 0; i < parcels->all->len; i++)
        if (!send(parcels, g_ptr_array_index(parcels->all, i), batch, error))
            return false;
    return true;
}
