#include "crawl/crawl.h"

#include <stdarg.h>
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/tasks.h"
#include "crawl/classify.h"
#include "crawl/crawl_inside.h"
#include "crawl/sample.h"

#define READERS 4

void crawl_log(const struct crawl_plan *plan, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (plan->log)
        plan->log(message, plan->data);
}

bool crawl_is_cancelled(const struct crawl_plan *plan, GError **error)
{
    return ((plan->cancelled && atomic_load(plan->cancelled)) ||
            (plan->ends && atomic_load(plan->ends))) &&
           !error_set(error, ERROR_CANCELLED, "The crawl was stopped.");
}

void crawl_refuse(const struct crawl_plan *plan, struct crawl_result *result, const char *bucket,
                  const char *key, const char *format)
{
    crawl_log(plan, "ERROR : s3://%s/%s is %s, which is not supported", bucket, key, format);
    if (!result->refused)
        result->refused = g_string_new(NULL);
    if (result->refused->len > 500)
        return;
    g_string_append_printf(result->refused, "%ss3://%s/%s is %s, which is not supported.",
                           result->refused->len ? " " : "", bucket, key, format);
}

void crawl_result_clear(struct crawl_result *result)
{
    if (result->refused)
        g_string_free(result->refused, TRUE);
    result->refused = NULL;
}

/* ---- configuration ---- */

static bool refuse_configuration(const char *what, GError **error)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "Configuration: %s", what);
}

static bool check_word(const json_t *configuration, const char *path, const char *allowed,
                       GError **error)
{
    const json_t *value = json_at(configuration, path);
    const char *word = json_string_value(value);
    return !value || (word && strcmp(word, allowed) == 0) ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "Configuration: %s may be %s, and nothing else.", path, allowed);
}

bool crawl_check_configuration(const char *text, GError **error)
{
    g_autoptr(json_auto) configuration = json_loads(text, 0, NULL);
    const json_t *level = json_at(configuration, "Grouping.TableLevelConfiguration");
    if (!json_is_object(configuration))
        return refuse_configuration("it has to be a JSON object.", error);
    if (json_number_at(configuration, "Version", 0) != 1)
        return refuse_configuration("Version has to be 1.0.", error);
    if (level && json_integer_value(level) < 1)
        return refuse_configuration(
            "Grouping.TableLevelConfiguration is the level of tables, a bucket's own being 1.",
            error);
    return check_word(configuration, "Grouping.TableGroupingPolicy", "CombineCompatibleSchemas",
                      error) &&
           check_word(configuration, "CrawlerOutput.Tables.AddOrUpdateBehavior", "MergeNewColumns",
                      error) &&
           check_word(configuration, "CrawlerOutput.Partitions.AddOrUpdateBehavior",
                      "InheritFromTable", error);
}

/* ---- reading ---- */

/* An object that is to be read. */
struct reading {
    const struct crawl_plan *plan;
    const struct classifiers *classifiers;
    const struct lake_object *object;
    json_t *schema;
    const char *refused;
    bool gzip;
    GError *error;
};

static void read_object(void *data)
{
    struct reading *reading = data;
    struct sampled sampled;
    if (crawl_is_cancelled(reading->plan, NULL) ||
        !sample_read(reading->plan->lake, reading->object, &sampled, &reading->error))
        return;
    reading->gzip = sampled.gzip;
    if (sampled.sample.size)
        reading->schema = classify(reading->classifiers, &sampled.sample, &reading->refused);
    if (reading->schema && sampled.gzip) { /* of its packed bytes, as far as one can tell */
        gint64 size = json_integer_at(reading->schema, "RecordSize", 0);
        json_object_set_new(reading->schema, "RecordSize", json_integer(MAX(size / 4, 1)));
    }
    sample_clear(&sampled);
}

/* One that was deleted meanwhile is none. */
static bool take_reading(struct memo *memo, struct reading *reading, GError **error)
{
    if (g_error_matches(reading->error, LATHE_ERROR, ERROR_NO_SUCH_KEY)) {
        g_clear_error(&reading->error);
        return true;
    }
    if (reading->error) {
        g_propagate_error(error, g_steal_pointer(&reading->error));
        return false;
    }
    memo_put(memo, reading->object->id, reading->schema, reading->refused, reading->gzip);
    return true;
}

static bool take_readings(const struct crawl_plan *plan, struct memo *memo, GArray *readings,
                          GError **error)
{
    bool done = !crawl_is_cancelled(plan, error);
    for (guint i = 0; i < readings->len; i++) {
        struct reading *reading = &g_array_index(readings, struct reading, i);
        done = done && take_reading(memo, reading, error);
        if (!done) {
            g_clear_error(&reading->error);
            json_decref(reading->schema);
        }
    }
    return done;
}

static void run_readings(GArray *readings)
{
    struct tasks *tasks = tasks_new_many(READERS);
    for (guint i = 0; i < readings->len; i++)
        tasks_add(tasks, read_object, &g_array_index(readings, struct reading, i));
    tasks_free(tasks);
}

/* ---- finding ---- */

struct crawl {
    const struct crawl_plan *plan;
    struct classifiers *classifiers;
    struct memo *memo;
    struct crawl_known known;
    GPtrArray *tables; /* struct found_table */
    struct crawl_result *result;
};

static size_t folder_size(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash ? (size_t)(slash - key) + 1 : 0;
}

static bool same_folder(const char *a, const char *b)
{
    size_t size = folder_size(a);
    return size == folder_size(b) && memcmp(a, b, size) == 0;
}

/* Which objects are sampled: all, or so many of each folder. The others are taken for what the last
 * one of their folder is. */
static bool is_sampled(const struct crawl_target *target, const GPtrArray *objects, guint place,
                       gint64 *in_folder)
{
    const struct lake_object *object = objects->pdata[place];
    const struct lake_object *before = place ? objects->pdata[place - 1] : NULL;
    *in_folder = before && same_folder(before->key, object->key) ? *in_folder + 1 : 0;
    return !target->sample_size || *in_folder < target->sample_size;
}

static bool read_new(struct crawl *crawl, const struct crawl_target *target,
                     const GPtrArray *objects, GError **error)
{
    g_autoptr(GArray) readings = g_array_new(FALSE, TRUE, sizeof(struct reading));
    gint64 in_folder = 0;
    for (guint i = 0; i < objects->len; i++) {
        struct finding finding;
        struct reading reading = {
            .plan = crawl->plan, .classifiers = crawl->classifiers, .object = objects->pdata[i]};
        if (is_sampled(target, objects, i, &in_folder) &&
            !memo_get(crawl->memo, reading.object->id, &finding))
            g_array_append_val(readings, reading);
    }
    run_readings(readings);
    crawl->result->read += readings->len;
    return take_readings(crawl->plan, crawl->memo, readings, error);
}

static void tell_unknown(struct crawl *crawl, const struct lake_object *object,
                         const struct finding *finding)
{
    if (finding->refused)
        crawl_refuse(crawl->plan, crawl->result, object->bucket, object->key, finding->refused);
    else
        crawl_log(crawl->plan, "INFO : s3://%s/%s is of no format that a classifier knows",
                  object->bucket, object->key);
}

static void free_found(void *file)
{
    g_free(file);
}

static GPtrArray *files_of(struct crawl *crawl, const struct crawl_target *target,
                           const GPtrArray *objects)
{
    GPtrArray *files = g_ptr_array_new_with_free_func(free_found);
    struct finding finding = {.schema = -1};
    gint64 in_folder = 0;
    for (guint i = 0; i < objects->len; i++) {
        const struct lake_object *object = objects->pdata[i];
        if (is_sampled(target, objects, i, &in_folder) &&
            !memo_get(crawl->memo, object->id, &finding))
            continue;
        if (finding.schema < 0) {
            tell_unknown(crawl, object, &finding);
            continue;
        }
        struct found_file *file = g_new(struct found_file, 1);
        *file = (struct found_file){object->bucket, object->key,         object->size,
                                    finding.schema, finding.record_size, finding.gzip};
        g_ptr_array_add(files, file);
    }
    return files;
}

static const json_t *schema_numbered(const void *memo, int number)
{
    return memo_schema(memo, number);
}

/* In new_folders_only, what lies in a folder that the catalog knows stays as it is. */
static void leave_known(const struct crawl *crawl, GPtrArray *objects)
{
    if (!crawl->plan->new_folders_only)
        return;
    for (guint i = objects->len; i-- > 0;) {
        const struct lake_object *object = objects->pdata[i];
        g_autofree char *folder = g_strdup_printf("s3://%s/%.*s", object->bucket,
                                                  (int)folder_size(object->key), object->key);
        if (g_hash_table_contains(crawl->known.folders, folder))
            g_ptr_array_remove_index(objects, i);
    }
}

/* What is added to a table that is there: that table, without a schema of its own. */
static struct found_table *attached_to(struct crawl *crawl, const json_t *table)
{
    const char *location = json_text_at(table, "StorageDescriptor.Location");
    for (guint i = 0; i < crawl->tables->len; i++) {
        struct found_table *found = crawl->tables->pdata[i];
        if (!found->schema && strcmp(found->location, location) == 0)
            return found;
    }
    struct found_table *found = g_new0(struct found_table, 1);
    found->location = g_strdup(location);
    found->keys = json_incref(json_object_get(table, "PartitionKeys"));
    found->partitions = g_ptr_array_new_with_free_func(found_partition_free);
    g_ptr_array_add(crawl->tables, found);
    return found;
}

static struct found_partition *partition_in(const struct crawl *crawl, const json_t *table,
                                            const struct found_file *file)
{
    g_autofree char *folder = g_strndup(file->key, folder_size(file->key));
    g_autofree char *bucket = g_strdup_printf("s3://%s/", file->bucket);
    const char *location = json_text_at(table, "StorageDescriptor.Location");
    const json_t *keys = json_object_get(table, "PartitionKeys");
    if (!crawl_is_ours(crawl->plan, table) || !location || !json_array_size(keys) ||
        !g_str_has_prefix(location, bucket))
        return NULL;
    return layout_partition(file->bucket, location + strlen(bucket), folder, keys);
}

/* A new folder in a table that is there becomes a partition of it. */
static bool attach(struct crawl *crawl, const struct found_file *file)
{
    size_t i;
    const json_t *table;
    json_array_foreach(crawl->known.tables, i, table)
    {
        struct found_partition *partition = partition_in(crawl, table, file);
        if (!partition)
            continue;
        g_ptr_array_add(attached_to(crawl, table)->partitions, partition);
        return true;
    }
    return false;
}

static void attach_all(struct crawl *crawl, GPtrArray *files)
{
    for (guint i = files->len; crawl->plan->new_folders_only && i-- > 0;)
        if (attach(crawl, files->pdata[i]))
            g_ptr_array_remove_index(files, i);
}

static bool find_target(struct crawl *crawl, const struct crawl_target *target, GError **error)
{
    const json_t *grouping = json_at(crawl->plan->configuration, "Grouping");
    struct layout_rules rules = {.combine = json_text_at(grouping, "TableGroupingPolicy") != NULL,
                                 .level =
                                     (int)json_integer_at(grouping, "TableLevelConfiguration", 0),
                                 .schema = schema_numbered,
                                 .data = crawl->memo};
    g_autoptr(GPtrArray) objects = crawl_list(crawl->plan, target, crawl->result, error);
    if (!objects)
        return false;
    leave_known(crawl, objects);
    if (!read_new(crawl, target, objects, error))
        return false;
    g_autoptr(GPtrArray) files = files_of(crawl, target, objects);
    attach_all(crawl, files);
    GPtrArray *tables = layout_find(target->bucket, target->folder, files, &rules);
    g_ptr_array_extend_and_steal(crawl->tables, tables);
    return true;
}

static bool find_targets(struct crawl *crawl, GError **error)
{
    size_t i;
    const json_t *given;
    json_array_foreach((json_t *)crawl->plan->targets, i, given)
    {
        struct crawl_target *target = crawl_target_new(given, error);
        bool done = target && find_target(crawl, target, error);
        crawl_target_free(target);
        if (!done)
            return false;
    }
    return true;
}

/* ---- the whole ---- */

/* What is found depends on the classifiers, as they are. g_free. */
static char *memo_key(const json_t *classifiers)
{
    g_autofree char *text = classifiers ? json_text_of(classifiers) : g_strdup("");
    return checksum_hex_of(CHECKSUM_SHA256, text, strlen(text));
}

static bool open_parts(struct crawl *crawl, GError **error)
{
    g_autofree char *key = memo_key(crawl->plan->classifiers);
    crawl->tables = g_ptr_array_new_with_free_func(found_table_free);
    crawl->memo = memo_open(crawl->plan->memo_path, key);
    crawl->classifiers = classifiers_new(crawl->plan->classifiers, error);
    return crawl->classifiers && crawl_known_read(crawl->plan, &crawl->known, error);
}

static bool find_and_apply(struct crawl *crawl, GError **error)
{
    if (!find_targets(crawl, error))
        return false;
    memo_save(crawl->memo);
    crawl_log(crawl->plan, "BENCHMARK : Classification complete, writing results to database %s",
              crawl->plan->database);
    return crawl_apply(crawl->plan, &crawl->known, crawl->tables, crawl->result, error);
}

bool crawl_run(const struct crawl_plan *plan, struct crawl_result *result, GError **error)
{
    struct crawl crawl = {.plan = plan, .result = result};
    *result = (struct crawl_result){0};
    bool done = open_parts(&crawl, error) && find_and_apply(&crawl, error);
    crawl_known_clear(&crawl.known);
    classifiers_free(crawl.classifiers);
    g_ptr_array_unref(crawl.tables);
    memo_free(crawl.memo);
    return done;
}
