#include "cli/athena.h"

#include <string.h>

#include "base/error.h"
#include "base/id.h"
#include "cli/cli.h"
#include "wire/local.h"

#define PAUSE_US 3000

void cli_query_clear(struct cli_query *query)
{
    g_free(query->id);
    g_free(query->output);
    g_free(query->manifest);
    *query = (struct cli_query){0};
}

/* ---- where results go ---- */

/* A bucket of Athena's usual name, made where it is missing. */
static char *own_output(GError **error)
{
    g_autoptr(json_auto) none = json_object();
    g_autoptr(json_auto) caller = cli_ask("sts", "GetCallerIdentity", none, error);
    if (!caller)
        return NULL;
    g_autofree char *bucket =
        g_strdup_printf("aws-athena-query-results-%s-us-east-1", json_text_at(caller, "Account"));
    g_autoptr(json_auto) request = json_pack("{ss}", "Bucket", bucket);
    GError *cause = NULL;
    json_decref(cli_ask("s3", "CreateBucket", request, &cause));
    if (cause && !strstr(cause->message, "own")) {
        g_propagate_error(error, cause);
        return NULL;
    }
    g_clear_error(&cause);
    return g_strdup_printf("s3://%s/", bucket);
}

/* ---- running ---- */

static char *start(const char *sql, const char *database, const char *output, GError **error)
{
    g_autofree char *own = output ? NULL : own_output(error);
    if (!output && !own)
        return NULL;
    g_autoptr(json_auto) request =
        json_pack("{sss{ss}s{ss}}", "QueryString", sql, "QueryExecutionContext", "Database",
                  database ? database : "default", "ResultConfiguration", "OutputLocation",
                  output ? output : own);
    g_autoptr(json_auto) reply = cli_ask("athena", "StartQueryExecution", request, error);
    return g_strdup(json_text_at(reply, "QueryExecutionId"));
}

static bool is_over(const char *state)
{
    return strcmp(state, "QUEUED") != 0 && strcmp(state, "RUNNING") != 0;
}

static json_t *wait_for(const char *id, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "QueryExecutionId", id);
    for (;;) {
        g_autoptr(json_auto) reply = cli_ask("athena", "GetQueryExecution", request, error);
        const json_t *told = json_object_get(reply, "QueryExecution");
        if (!told)
            return NULL;
        if (is_over(json_text_at(told, "Status.State")))
            return json_incref((json_t *)told);
        g_usleep(PAUSE_US);
    }
}

bool cli_query_run(struct cli_query *query, const char *sql, const char *database,
                   const char *output, GError **error)
{
    *query = (struct cli_query){.id = start(sql, database, output, error)};
    g_autoptr(json_auto) told = query->id ? wait_for(query->id, error) : NULL;
    if (!told)
        return false;
    query->output = g_strdup(json_text_at(told, "ResultConfiguration.OutputLocation"));
    query->manifest = g_strdup(json_text_at(told, "Statistics.DataManifestLocation"));
    const char *reason = json_text_at(told, "Status.StateChangeReason");
    return strcmp(json_text_at(told, "Status.State"), "SUCCEEDED") == 0 ||
           error_set(error, ERROR_INVALID_REQUEST, "%s", reason ? reason : "it was cancelled");
}

bool cli_query_unload(struct cli_query *query, const char *sql, const char *database,
                      GError **error)
{
    *query = (struct cli_query){0};
    g_autofree char *output = own_output(error);
    if (!output)
        return false;
    g_autofree char *id = id_uuid();
    g_autofree char *unload = g_strdup_printf(
        "UNLOAD (%s) TO '%sunloaded/%s/' WITH (format = 'PARQUET', compression = 'SNAPPY')", sql,
        output, id);
    return cli_query_run(query, unload, database, output, error);
}

/* ---- results ---- */

GBytes *cli_query_object(const char *uri, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(uri + strlen("s3://"), "/", 2);
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", parts[0], "Key", parts[1]);
    GBytes *body = NULL;
    json_decref(local_call(cli_home(), "s3", "GetObject", request, NULL, &body, error));
    return body;
}

json_t *cli_query_page(const struct cli_query *query, char **token, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "QueryExecutionId", query->id);
    if (**token)
        json_object_set_new(request, "NextToken", json_string(*token));
    json_t *reply = cli_ask("athena", "GetQueryResults", request, error);
    g_free(*token);
    *token = g_strdup(json_text_at(reply, "NextToken"));
    return reply;
}

static json_t *row_of(const json_t *row)
{
    json_t *values = json_array();
    size_t i;
    const json_t *value;
    json_array_foreach(json_object_get(row, "Data"), i, value)
    {
        json_t *text = json_object_get(value, "VarCharValue");
        json_array_append_new(values, text ? json_incref(text) : json_null());
    }
    return values;
}

json_t *cli_query_rows(const char *sql, const char *database, GError **error)
{
    struct cli_query query;
    g_autoptr(json_auto) rows = json_array();
    bool good = cli_query_run(&query, sql, database, NULL, error);
    char *token = g_strdup("");
    while (good && token) {
        g_autoptr(json_auto) page = cli_query_page(&query, &token, error);
        good = page != NULL;
        size_t i;
        const json_t *row;
        json_array_foreach(json_at(page, "ResultSet.Rows"), i, row)
            json_array_append_new(rows, row_of(row));
    }
    g_free(token);
    cli_query_clear(&query);
    json_array_remove(rows, 0);
    return good ? g_steal_pointer(&rows) : NULL;
}
