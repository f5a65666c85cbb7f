/* AWS Glue: the data catalog, and crawlers. */
#include <string.h>

#include "service/glue/crawler.h"
#include "service/glue/job.h"
#include "service/glue/trigger.h"

struct catalog *glue_catalog(const struct call *call, const json_t *request, GError **error)
{
    const char *id = json_text_at(request, "CatalogId");
    if (!id || strcmp(id, call->account) == 0)
        return call->lathe->catalog;
    error_set(error, ERROR_ENTITY_NOT_FOUND,
              "Catalog %s not found: there is one, that of the account %s.", id, call->account);
    return NULL;
}

void glue_dress(const struct call *call, json_t *entity)
{
    if (entity)
        json_object_set_new(entity, "CatalogId", json_string(call->account));
}

void glue_dress_all(const struct call *call, json_t *list)
{
    size_t i;
    json_t *entity;
    json_array_foreach(list, i, entity) glue_dress(call, entity);
}

bool glue_reply(struct reply *reply, const char *member, json_t *entity)
{
    if (entity)
        reply->output = json_pack("{so}", member, entity);
    return entity != NULL;
}

bool glue_reply_page(const struct call *call, const json_t *request, const char *place,
                     const char *member, json_t *list, size_t limit, struct reply *reply,
                     GError **error)
{
    g_autoptr(json_auto) all = list;
    g_autofree char *name = g_strdup_printf("glue %s\n%s", call->operation, place ? place : "");
    struct page_listing listing = {name, limit, ERROR_INVALID_INPUT_EXCEPTION};
    return list && page_put(&reply->output, member, all, &listing, request, error);
}

json_t *glue_error_detail(const GError *error)
{
    return json_pack("{ssss}", "ErrorCode", error_name(error), "ErrorMessage", error->message);
}

char *glue_arn(const struct call *call, const char *kind, const char *name)
{
    return g_strdup_printf("arn:aws:glue:%s:%s:%s/%s", call->region, call->account, kind, name);
}

/* Everything is in it from the start. */
bool get_catalog_import_status(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    if (!glue_catalog(call, request, error))
        return false;
    reply->output = json_pack("{s{sb}}", "ImportStatus", "ImportCompleted", 1);
    return true;
}

static const struct operation operations[] = {
    {"CreateDatabase", create_database, OPERATION_BLOCKING},
    {"GetDatabase", get_database, OPERATION_BLOCKING},
    {"GetDatabases", get_databases, OPERATION_BLOCKING},
    {"UpdateDatabase", update_database, OPERATION_BLOCKING},
    {"DeleteDatabase", delete_database, OPERATION_BLOCKING},
    {"CreateTable", create_table, OPERATION_BLOCKING},
    {"GetTable", get_table, OPERATION_BLOCKING},
    {"GetTables", get_tables, OPERATION_BLOCKING},
    {"UpdateTable", update_table, OPERATION_BLOCKING},
    {"DeleteTable", delete_table, OPERATION_BLOCKING},
    {"BatchDeleteTable", batch_delete_table, OPERATION_BLOCKING},
    {"SearchTables", search_tables, OPERATION_BLOCKING},
    {"GetTableVersion", get_table_version, OPERATION_BLOCKING},
    {"GetTableVersions", get_table_versions, OPERATION_BLOCKING},
    {"DeleteTableVersion", delete_table_version, OPERATION_BLOCKING},
    {"BatchDeleteTableVersion", batch_delete_table_version, OPERATION_BLOCKING},
    {"CreatePartition", create_partition, OPERATION_BLOCKING},
    {"BatchCreatePartition", batch_create_partition, OPERATION_BLOCKING},
    {"GetPartition", get_partition, OPERATION_BLOCKING},
    {"GetPartitions", get_partitions, OPERATION_BLOCKING},
    {"BatchGetPartition", batch_get_partition, OPERATION_BLOCKING},
    {"UpdatePartition", update_partition, OPERATION_BLOCKING},
    {"BatchUpdatePartition", batch_update_partition, OPERATION_BLOCKING},
    {"DeletePartition", delete_partition, OPERATION_BLOCKING},
    {"BatchDeletePartition", batch_delete_partition, OPERATION_BLOCKING},
    {"CreatePartitionIndex", create_partition_index, OPERATION_BLOCKING},
    {"GetPartitionIndexes", get_partition_indexes, OPERATION_BLOCKING},
    {"DeletePartitionIndex", delete_partition_index, OPERATION_BLOCKING},
    {"UpdateColumnStatisticsForTable", update_column_statistics, OPERATION_BLOCKING},
    {"UpdateColumnStatisticsForPartition", update_column_statistics, OPERATION_BLOCKING},
    {"GetColumnStatisticsForTable", get_column_statistics, OPERATION_BLOCKING},
    {"GetColumnStatisticsForPartition", get_column_statistics, OPERATION_BLOCKING},
    {"DeleteColumnStatisticsForTable", delete_column_statistics, OPERATION_BLOCKING},
    {"DeleteColumnStatisticsForPartition", delete_column_statistics, OPERATION_BLOCKING},
    {"CreateUserDefinedFunction", create_user_defined_function, OPERATION_BLOCKING},
    {"GetUserDefinedFunction", get_user_defined_function, OPERATION_BLOCKING},
    {"GetUserDefinedFunctions", get_user_defined_functions, OPERATION_BLOCKING},
    {"UpdateUserDefinedFunction", update_user_defined_function, OPERATION_BLOCKING},
    {"DeleteUserDefinedFunction", delete_user_defined_function, OPERATION_BLOCKING},
    {"CreateConnection", create_connection, OPERATION_BLOCKING},
    {"GetConnection", get_connection, OPERATION_BLOCKING},
    {"GetConnections", get_connections, OPERATION_BLOCKING},
    {"UpdateConnection", update_connection, OPERATION_BLOCKING},
    {"DeleteConnection", delete_connection, OPERATION_BLOCKING},
    {"BatchDeleteConnection", batch_delete_connection, OPERATION_BLOCKING},
    {"TagResource", tag_resource, OPERATION_BLOCKING},
    {"UntagResource", untag_resource, OPERATION_BLOCKING},
    {"GetTags", get_tags, OPERATION_BLOCKING},
    {"CreateClassifier", create_classifier, OPERATION_BLOCKING},
    {"UpdateClassifier", update_classifier, OPERATION_BLOCKING},
    {"GetClassifier", get_classifier, OPERATION_BLOCKING},
    {"GetClassifiers", get_classifiers, OPERATION_BLOCKING},
    {"DeleteClassifier", delete_classifier, OPERATION_BLOCKING},
    {"CreateCrawler", create_crawler, OPERATION_BLOCKING},
    {"UpdateCrawler", update_crawler, OPERATION_BLOCKING},
    {"GetCrawler", get_crawler, OPERATION_BLOCKING},
    {"GetCrawlers", get_crawlers, OPERATION_BLOCKING},
    {"ListCrawlers", list_crawlers, OPERATION_BLOCKING},
    {"BatchGetCrawlers", batch_get_crawlers, OPERATION_BLOCKING},
    {"DeleteCrawler", delete_crawler, OPERATION_BLOCKING},
    {"GetCrawlerMetrics", get_crawler_metrics, OPERATION_BLOCKING},
    {"StartCrawler", start_crawler, OPERATION_BLOCKING},
    {"StopCrawler", stop_crawler, OPERATION_BLOCKING},
    {"ListCrawls", list_crawls, OPERATION_BLOCKING},
    {"StartCrawlerSchedule", start_crawler_schedule, OPERATION_BLOCKING},
    {"StopCrawlerSchedule", stop_crawler_schedule, OPERATION_BLOCKING},
    {"UpdateCrawlerSchedule", update_crawler_schedule, OPERATION_BLOCKING},
    {"CreateJob", create_job, OPERATION_BLOCKING},
    {"GetJob", get_job, OPERATION_BLOCKING},
    {"GetJobs", get_jobs, OPERATION_BLOCKING},
    {"ListJobs", list_jobs, OPERATION_BLOCKING},
    {"BatchGetJobs", batch_get_jobs, OPERATION_BLOCKING},
    {"UpdateJob", update_job, OPERATION_BLOCKING},
    {"DeleteJob", delete_job, OPERATION_BLOCKING},
    {"GetJobBookmark", get_job_bookmark, OPERATION_BLOCKING},
    {"ResetJobBookmark", reset_job_bookmark, OPERATION_BLOCKING},
    {"CreateTrigger", create_trigger, OPERATION_BLOCKING},
    {"GetTrigger", get_trigger, OPERATION_BLOCKING},
    {"GetTriggers", get_triggers, OPERATION_BLOCKING},
    {"ListTriggers", list_triggers, OPERATION_BLOCKING},
    {"BatchGetTriggers", batch_get_triggers, OPERATION_BLOCKING},
    {"UpdateTrigger", update_trigger, OPERATION_BLOCKING},
    {"DeleteTrigger", delete_trigger, OPERATION_BLOCKING},
    {"StartTrigger", start_trigger, OPERATION_BLOCKING},
    {"StopTrigger", stop_trigger, OPERATION_BLOCKING},
    {"CreateWorkflow", create_workflow, OPERATION_BLOCKING},
    {"GetWorkflow", get_workflow, OPERATION_BLOCKING},
    {"ListWorkflows", list_workflows, OPERATION_BLOCKING},
    {"BatchGetWorkflows", batch_get_workflows, OPERATION_BLOCKING},
    {"UpdateWorkflow", update_workflow, OPERATION_BLOCKING},
    {"DeleteWorkflow", delete_workflow, OPERATION_BLOCKING},
    {"StartWorkflowRun", start_workflow_run, OPERATION_BLOCKING},
    {"StopWorkflowRun", stop_workflow_run, OPERATION_BLOCKING},
    {"ResumeWorkflowRun", resume_workflow_run, OPERATION_BLOCKING},
    {"GetWorkflowRun", get_workflow_run, OPERATION_BLOCKING},
    {"GetWorkflowRuns", get_workflow_runs, OPERATION_BLOCKING},
    {"GetWorkflowRunProperties", get_workflow_run_properties, OPERATION_BLOCKING},
    {"PutWorkflowRunProperties", put_workflow_run_properties, OPERATION_BLOCKING},
    {"GetCatalogImportStatus", get_catalog_import_status, OPERATION_QUICK},
};

static const struct kind *const kinds[] = {&crawl_kind,   &crawler_schedule_kind, &job_run_kind,
                                           &trigger_kind, &workflow_run_kind,     NULL};
static const struct flow_driver *const drivers[] = {&crawl_driver,        &crawler_schedule_driver,
                                                    &job_run_driver,      &trigger_driver,
                                                    &workflow_run_driver, NULL};

const struct service glue_service = {
    .name = "glue",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .kinds = kinds,
    .drivers = drivers,
    .open = sql_runs_open,
    .tidy = job_runs_tidy,
};
