/* Which statement it is, its folder, and how its errors are filed. */
#include "query/query.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/s3_uri.h"
#include "query/hive_inside.h"
#include "query/query_inside.h"

void query_end_clear(struct query_end *end)
{
    g_free(end->sub_type);
    g_free(end->output);
    g_free(end->manifest);
    json_decref(end->columns);
    *end = (struct query_end){0};
}

/* ---- the kind ---- */

static const struct {
    const char *words, *type, *sub_type;
} first_words[] = {
    {"create external", "DDL", "CREATE_TABLE"},
    {"create database", "DDL", "CREATE_DATABASE"},
    {"create schema", "DDL", "CREATE_DATABASE"},
    {"create view", "DDL", "CREATE_VIEW"},
    {"create or replace view", "DDL", "CREATE_VIEW"},
    {"create table", "DDL", "CREATE_TABLE_AS_SELECT"},
    {"alter table add partition", "DDL", "ALTER_TABLE_ADD_PARTITION"},
    {"alter", "DDL", "ALTER_TABLE"},
    {"drop table", "DDL", "DROP_TABLE"},
    {"drop view", "DDL", "DROP_VIEW"},
    {"drop", "DDL", "DROP_DATABASE"},
    {"msck", "DDL", "MSCK_REPAIR_TABLE"},
    {"show create", "UTILITY", "SHOW_CREATE"},
    {"show columns", "UTILITY", "SHOW_COLUMNS"},
    {"show partitions", "UTILITY", "SHOW_PARTITIONS"},
    {"show tables", "UTILITY", "SHOW_TABLES"},
    {"show", "UTILITY", "SHOW"},
    {"describe", "UTILITY", "DESCRIBE_TABLE"},
    {"desc", "UTILITY", "DESCRIBE_TABLE"},
    {"explain", "UTILITY", "EXPLAIN"},
    {"insert", "DML", "INSERT"},
    {"unload", "DML", "UNLOAD"},
    {"prepare", "DDL", "PREPARE"},
    {"deallocate", "DDL", "DEALLOCATE"},
    {"execute", "DML", "EXECUTE"},
};

void query_classify(const char *text, struct query_end *end)
{
    g_autoptr(GArray) tokens = hive_tokens(text);
    end->type = "DML";
    const char *sub_type = "SELECT";
    for (size_t i = 0; i < G_N_ELEMENTS(first_words); i++) {
        struct hive_reader reader = {tokens, 0, NULL};
        if (!hive_takes_words(&reader, first_words[i].words))
            continue;
        end->type = first_words[i].type;
        sub_type = first_words[i].sub_type;
        break;
    }
    g_free(end->sub_type);
    end->sub_type = g_strdup(sub_type);
}

/* ---- its folder, its results ---- */

const char *query_folder(struct query_run *run, GError **error)
{
    if (run->folder)
        return run->folder;
    g_autofree char *path = g_build_filename(run->queries->folder, run->request->id, NULL);
    if (!file_make_folders(path, error))
        return NULL;
    run->folder = g_steal_pointer(&path);
    return run->folder;
}

char *query_output(const struct query_run *run, const char *name)
{
    const char *place = run->request->output;
    return g_strdup_printf("%s%s%s", place, g_str_has_suffix(place, "/") ? "" : "/", name);
}

bool query_add_file(struct lake_batch *batch, const char *uri, const char *path, GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    return s3_uri_parse(uri, &bucket, &key, error) &&
           lake_batch_add(batch, bucket, key, path, error);
}

bool query_add_text(struct query_run *run, struct lake_batch *batch, const char *uri,
                    const GString *text, GError **error)
{
    const char *folder = query_folder(run, error);
    if (!folder)
        return false;
    g_autofree char *path = g_strdup_printf("%s/text-%u", folder, run->files++);
    return g_file_set_contents_full(path, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_NONE,
                                    0600, error) &&
           query_add_file(batch, uri, path, error);
}

void query_clean(const struct queries *queries)
{
    file_remove_tree(queries->folder, NULL);
}

/* ---- running ---- */

bool query_run(const struct queries *queries, const struct query_request *request,
               struct query_end *end, store_work *finish, void *data, GError **error)
{
    struct query_run run = {
        .queries = queries, .request = request, .end = end, .began = clock_monotonic()};
    end->rows = -1;
    query_classify(request->text, end);
    bool done = hive_is_ddl(request->text) ? query_define(&run, finish, data, error)
                                           : query_select(&run, finish, data, error);
    if (run.folder)
        file_remove_tree(run.folder, NULL);
    g_free(run.folder);
    return done;
}

/* ---- errors ---- */

enum { CATEGORY_SYSTEM = 1, CATEGORY_USER = 2 };

/* By how the text begins: Athena's numbers of its error catalog. */
static const struct {
    const char *beginning;
    int category, type;
} filed[] = {
    {"SYNTAX_ERROR", CATEGORY_USER, 1006},
    {"FAILED: ParseException", CATEGORY_USER, 1006},
    {"COLUMN_NOT_FOUND", CATEGORY_USER, 1006},
    {"TABLE_NOT_FOUND", CATEGORY_USER, 1006},
    {"SCHEMA_NOT_FOUND", CATEGORY_USER, 1006},
    {"FAILED:", CATEGORY_USER, 1003},
    {"HIVE_BAD_DATA", CATEGORY_USER, 1001},
    {"HIVE_CURSOR_ERROR", CATEGORY_USER, 1001},
    {"HIVE_INVALID_METADATA", CATEGORY_USER, 1004},
    {"HIVE_PARTITION_SCHEMA_MISMATCH", CATEGORY_USER, 1004},
    {"NOT_SUPPORTED", CATEGORY_USER, 1008},
    {"INTERNAL", CATEGORY_SYSTEM, 100},
    {"EXCEEDED_MEMORY_LIMIT", CATEGORY_SYSTEM, 0},
};

json_t *query_athena_error(const GError *error)
{
    bool ours = error_status(error) >= 500;
    int category = ours ? CATEGORY_SYSTEM : CATEGORY_USER, type = ours ? 100 : 1000;
    for (size_t i = 0; i < G_N_ELEMENTS(filed); i++)
        if (g_str_has_prefix(error->message, filed[i].beginning)) {
            category = filed[i].category;
            type = filed[i].type;
            break;
        }
    return json_pack("{sisisbss}", "ErrorCategory", category, "ErrorType", type, "Retryable", ours,
                     "ErrorMessage", error->message);
}
