/* Partitions of the catalog's tables, and their indexes. */
#include <string.h>

#include "catalog/record.h"
#include "service/glue/glue_inside.h"

#define LIST_PAGE 1000

/* What a request is about. */
struct target {
    struct catalog *catalog;
    const char *database, *table;
};

static bool find_target(const struct call *call, const json_t *request, struct target *target,
                        GError **error)
{
    *target =
        (struct target){glue_catalog(call, request, error), json_text_at(request, "DatabaseName"),
                        json_text_at(request, "TableName")};
    return target->catalog != NULL;
}

/* ---- creating ---- */

bool create_partition(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    struct target target;
    g_autoptr(json_auto) inputs = json_pack("[O]", json_object_get(request, "PartitionInput"));
    return find_target(call, request, &target, error) &&
           catalog_partition_put(target.catalog, target.database, target.table, inputs,
                                 CATALOG_CREATE, NULL, NULL, error);
}

bool batch_create_partition(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    struct target target;
    g_autoptr(json_auto) failed = json_array();
    return find_target(call, request, &target, error) &&
           catalog_partition_put(target.catalog, target.database, target.table,
                                 json_object_get(request, "PartitionInputList"), CATALOG_CREATE,
                                 failed, NULL, error) &&
           glue_reply(reply, "Errors", json_incref(failed));
}

/* ---- telling ---- */

bool get_partition(const struct call *call, const json_t *request, struct reply *reply,
                   GError **error)
{
    struct target target;
    json_t *partition =
        find_target(call, request, &target, error)
            ? catalog_partition_get(target.catalog, target.database, target.table,
                                    json_object_get(request, "PartitionValues"), error)
            : NULL;
    glue_dress(call, partition);
    return glue_reply(reply, "Partition", partition);
}

/* The values of each of a list of {"Values"}. */
static json_t *values_of(const json_t *list)
{
    json_t *values = json_array();
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)list, i, entry)
        json_array_append(values, json_object_get(entry, "Values"));
    return values;
}

bool batch_get_partition(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    struct target target;
    g_autoptr(json_auto) wanted = values_of(json_object_get(request, "PartitionsToGet"));
    g_autoptr(json_auto) missing = NULL;
    json_t *found = find_target(call, request, &target, error)
                        ? catalog_partition_get_many(target.catalog, target.database, target.table,
                                                     wanted, &missing, error)
                        : NULL;
    json_t *unprocessed = json_array();
    size_t i;
    json_t *values;
    json_array_foreach(missing, i, values)
        json_array_append_new(unprocessed, json_pack("{sO}", "Values", values));
    glue_dress_all(call, found);
    if (found)
        reply->output = json_pack("{soso}", "Partitions", found, "UnprocessedKeys", unprocessed);
    else
        json_decref(unprocessed);
    return found != NULL;
}

static char *listing_of(const json_t *request)
{
    const char *expression = json_text_at(request, "Expression");
    return g_strdup_printf("glue GetPartitions\n%s\n%s\n%s\n%lld %lld",
                           json_text_at(request, "DatabaseName"),
                           json_text_at(request, "TableName"), expression ? expression : "",
                           (long long)json_integer_at(request, "Segment.SegmentNumber", 0),
                           (long long)json_integer_at(request, "Segment.TotalSegments", 0));
}

static bool check_segment(const struct catalog_partition_query *query, GError **error)
{
    return !query->segments || query->segment < query->segments ||
           error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                     "Segment.SegmentNumber is %lld, and has to be less than TotalSegments, %lld.",
                     (long long)query->segment, (long long)query->segments);
}

static bool tell_partitions(const struct call *call, const struct target *target,
                            const struct catalog_partition_query *query, const char *listing,
                            struct reply *reply, GError **error)
{
    g_autofree char *next = NULL;
    json_t *found = catalog_partition_list(target->catalog, query, &next, error);
    g_autofree char *token = next ? page_token(listing, next) : NULL;
    glue_dress_all(call, found);
    if (!glue_reply(reply, "Partitions", found))
        return false;
    if (token)
        json_object_set_new(reply->output, "NextToken", json_string(token));
    return true;
}

bool get_partitions(const struct call *call, const json_t *request, struct reply *reply,
                    GError **error)
{
    struct target target;
    g_autofree char *listing = listing_of(request), *after = NULL;
    const char *token = json_text_at(request, "NextToken");
    if (!find_target(call, request, &target, error) ||
        (token && *token &&
         !(after = page_place(listing, token, ERROR_INVALID_INPUT_EXCEPTION, error))))
        return false;
    struct catalog_partition_query query = {
        .database = target.database,
        .table = target.table,
        .expression = json_text_at(request, "Expression"),
        .segment = json_integer_at(request, "Segment.SegmentNumber", 0),
        .segments = json_integer_at(request, "Segment.TotalSegments", 0),
        .after = after,
        .limit = (size_t)json_integer_at(request, "MaxResults", LIST_PAGE),
        .without_columns = json_true_at(request, "ExcludeColumnSchema"),
    };
    return check_segment(&query, error) &&
           tell_partitions(call, &target, &query, listing, reply, error);
}

/* ---- updating ---- */

bool update_partition(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    struct target target;
    return find_target(call, request, &target, error) &&
           catalog_partition_update(target.catalog, target.database, target.table,
                                    json_object_get(request, "PartitionValueList"),
                                    json_object_get(request, "PartitionInput"), error);
}

bool batch_update_partition(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    struct target target;
    if (!find_target(call, request, &target, error))
        return false;
    g_autoptr(json_auto) table =
        catalog_table_get(target.catalog, target.database, target.table, error);
    json_t *errors = table ? json_array() : NULL;
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(table ? request : NULL, "Entries"), i, entry)
    {
        g_autoptr(GError) cause = NULL;
        const json_t *values = json_object_get(entry, "PartitionValueList");
        if (!catalog_partition_update(target.catalog, target.database, target.table, values,
                                      json_object_get(entry, "PartitionInput"), &cause))
            json_array_append_new(errors, json_pack("{sOso}", "PartitionValueList", values,
                                                    "ErrorDetail", glue_error_detail(cause)));
    }
    return glue_reply(reply, "Errors", errors);
}

/* ---- deleting ---- */

bool delete_partition(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    (void)reply;
    struct target target;
    g_autoptr(json_auto) list = json_pack("[O]", json_object_get(request, "PartitionValues"));
    return find_target(call, request, &target, error) &&
           catalog_partition_delete(target.catalog, target.database, target.table, list, NULL,
                                    error);
}

bool batch_delete_partition(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    struct target target;
    g_autoptr(json_auto) list = values_of(json_object_get(request, "PartitionsToDelete"));
    g_autoptr(json_auto) failed = json_array();
    return find_target(call, request, &target, error) &&
           catalog_partition_delete(target.catalog, target.database, target.table, list, failed,
                                    error) &&
           glue_reply(reply, "Errors", json_incref(failed));
}

/* ---- indexes ---- */

bool create_partition_index(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    struct target target;
    return find_target(call, request, &target, error) &&
           catalog_index_create(target.catalog, target.database, target.table,
                                json_object_get(request, "PartitionIndex"), error);
}

static const char *type_of_key(const json_t *table, const char *name)
{
    size_t i;
    const json_t *key;
    json_array_foreach(json_object_get(table, "PartitionKeys"), i, key)
    {
        if (g_ascii_strcasecmp(json_text_at(key, "Name"), name) == 0)
            return json_text_at(key, "Type");
    }
    return NULL;
}

static json_t *describe_index(const json_t *table, const json_t *index)
{
    json_t *keys = json_array();
    size_t i;
    const json_t *key;
    json_array_foreach(json_object_get(index, "Keys"), i, key)
    {
        const char *name = json_string_value(key);
        json_array_append_new(keys,
                              json_pack("{ssss*}", "Name", name, "Type", type_of_key(table, name)));
    }
    return json_pack("{sOsoss}", "IndexName", json_object_get(index, "IndexName"), "Keys", keys,
                     "IndexStatus", "ACTIVE");
}

bool get_partition_indexes(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    struct target target;
    if (!find_target(call, request, &target, error))
        return false;
    g_autoptr(json_auto) table =
        catalog_table_get(target.catalog, target.database, target.table, error);
    g_autoptr(json_auto) indexes =
        table ? catalog_index_list(target.catalog, target.database, target.table, error) : NULL;
    json_t *list = indexes ? json_array() : NULL;
    size_t i;
    const json_t *index;
    json_array_foreach(indexes, i, index) json_array_append_new(list, describe_index(table, index));
    return glue_reply_page(call, request, NULL, "PartitionIndexDescriptorList", list, LIST_PAGE,
                           reply, error);
}

bool delete_partition_index(const struct call *call, const json_t *request, struct reply *reply,
                            GError **error)
{
    (void)reply;
    struct target target;
    return find_target(call, request, &target, error) &&
           catalog_index_delete(target.catalog, target.database, target.table,
                                json_text_at(request, "IndexName"), error);
}
