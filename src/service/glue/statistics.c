/* Statistics of columns: recorded, and given back. */
#include <string.h>

#include "catalog/record.h"
#include "service/glue/glue_inside.h"

static struct catalog_column_set set_of(const json_t *request)
{
    return (struct catalog_column_set){json_text_at(request, "DatabaseName"),
                                       json_text_at(request, "TableName"),
                                       json_object_get(request, "PartitionValues")};
}

bool update_column_statistics(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    struct catalog_column_set set = set_of(request);
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog &&
           catalog_statistics_put(catalog, &set, json_object_get(request, "ColumnStatisticsList"),
                                  error) &&
           glue_reply(reply, "Errors", json_array());
}

static json_t *errors_of(const json_t *missing)
{
    json_t *errors = json_array();
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)missing, i, name) json_array_append_new(
        errors, json_pack("{sO, s:{ssss}}", "ColumnName", name, "Error", "ErrorCode",
                          "EntityNotFoundException", "ErrorMessage",
                          "There are no statistics of that column."));
    return errors;
}

bool get_column_statistics(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    struct catalog_column_set set = set_of(request);
    struct catalog *catalog = glue_catalog(call, request, error);
    g_autoptr(json_auto) missing = json_array();
    json_t *found =
        catalog ? catalog_statistics_get(catalog, &set, json_object_get(request, "ColumnNames"),
                                         missing, error)
                : NULL;
    if (!glue_reply(reply, "ColumnStatisticsList", found))
        return false;
    json_object_set_new(reply->output, "Errors", errors_of(missing));
    return true;
}

bool delete_column_statistics(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    (void)reply;
    struct catalog_column_set set = set_of(request);
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog &&
           catalog_statistics_delete(catalog, &set, json_text_at(request, "ColumnName"), error);
}
