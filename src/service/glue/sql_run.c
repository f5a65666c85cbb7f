/* Runs of lathe-sql: the statements of an object, one after another.
 *
 * How far a run is, is an entry of its own, written in the change in which a statement takes
 * effect; so a run that the server's end cut off goes on behind the last that did, and so does a
 * retry of a run that failed, where text and arguments are still the same. The last statement's
 * effects, the run's end and what its bookmark moves by are one change. Which objects count as new
 * is settled when a table is first read, for all of the run's statements. */
#include <string.h>

#include "base/clock.h"
#include "base/s3_uri.h"
#include "lake/lake.h"
#include "log/log_stream.h"
#include "query/query.h"
#include "query/script.h"
#include "service/glue/job.h"
#include "store/entry.h"

#define FOLDER "job-queries"
enum {
    ENTRY_SCRIPT = 1, /* {"Text"} */
    ENTRY_PROGRESS,   /* {"Done", "Fresh", "Read"} */
    LONGEST_SCRIPT = 1 << 20,
    MOST_LINES = 21, /* of a result, in the log */
    MOST_SHOWN = 64 << 10
};

struct sql_run {
    atomic_int users;
    struct lathe *lathe;
    char *id;
    struct query_stop *stop;
    atomic_bool stopped;
    /* Of the thread that runs it: */
    struct resource *run;
    struct bookmark bookmark;
    char *text, *output, *folder;
    json_t *progress;
    GPtrArray *statements;
    GHashTable *fresh; /* "database.table" -> GHashTable of ids */
    GHashTable *read;  /* ids */
    struct log_writer *log;
};

struct sql_run *sql_run_new(struct lathe *lathe, const char *id)
{
    struct sql_run *sql = g_new0(struct sql_run, 1);
    atomic_store(&sql->users, 1);
    sql->lathe = lathe;
    sql->id = g_strdup(id);
    sql->stop = query_stop_new();
    return sql;
}

struct sql_run *sql_run_ref(struct sql_run *sql)
{
    atomic_fetch_add(&sql->users, 1);
    return sql;
}

static void clear(struct sql_run *sql)
{
    resource_free(sql->run);
    bookmark_clear(&sql->bookmark);
    g_free(sql->text);
    g_free(sql->output);
    g_free(sql->folder);
    json_decref(sql->progress);
    g_clear_pointer(&sql->statements, g_ptr_array_unref);
    g_clear_pointer(&sql->fresh, g_hash_table_unref);
    g_clear_pointer(&sql->read, g_hash_table_unref);
    if (sql->log)
        log_writer_close(sql->log);
}

void sql_run_unref(struct sql_run *sql)
{
    if (atomic_fetch_sub(&sql->users, 1) != 1)
        return;
    clear(sql);
    query_stop_free(sql->stop);
    g_free(sql->id);
    g_free(sql);
}

void sql_run_stop(struct sql_run *sql)
{
    atomic_store(&sql->stopped, true);
    query_stop_now(sql->stop);
}

/* ---- its log ---- */

G_GNUC_PRINTF(2, 3)
static void tell(const struct sql_run *sql, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (sql->log)
        log_writer_add(sql->log, (gint64)(clock_wall(sql->lathe->clock) * 1000), line, strlen(line),
                       NULL);
}

/* ---- where it is ---- */

static json_t *entry_of(struct store *store, const char *run, int number, GError **error)
{
    struct entry_query query = {
        .kind = JOB_RUN_KIND, .owner = run, .after = number - 1, .limit = 1};
    g_autoptr(GPtrArray) found = entry_list(store, &query, error);
    const struct entry *entry = found && found->len ? found->pdata[0] : NULL;
    return entry && entry->number == number ? json_incref(entry->body) : NULL;
}

struct putting {
    const char *run;
    int number;
    const json_t *body;
};

static bool put_entry(struct store_connection *connection, void *data, GError **error)
{
    const struct putting *putting = data;
    return entry_put(connection, JOB_RUN_KIND, putting->run, putting->number, NULL, putting->body,
                     error);
}

static bool keep(const struct sql_run *sql, int number, const json_t *body, GError **error)
{
    struct putting putting = {sql->id, number, body};
    return store_write_ordered(sql->lathe->store, put_entry, &putting, error);
}

static char *read_script(const struct sql_run *sql, GError **error)
{
    const char *uri = json_text_at(sql->run->body, "Command.ScriptLocation");
    g_autoptr(GBytes) bytes = lake_get_bytes(sql->lathe->lake, uri, LONGEST_SCRIPT, error);
    gsize size = 0;
    const char *text = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    if (!bytes) {
        g_prefix_error(error, "ScriptLocation %s: ", uri);
        return NULL;
    }
    if (size && !g_utf8_validate(text, (gssize)size, NULL)) {
        error_set(error, ERROR_INVALID_REQUEST, "ScriptLocation %s: it is no text in UTF-8", uri);
        return NULL;
    }
    return g_strndup(text ? text : "", size);
}

/* The text that it began with, whatever became of the object since. */
static bool find_text(struct sql_run *sql, GError **error)
{
    GError *cause = NULL;
    g_autoptr(json_auto) kept = entry_of(sql->lathe->store, sql->id, ENTRY_SCRIPT, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    sql->text = kept ? g_strdup(json_text_at(kept, "Text")) : read_script(sql, error);
    if (kept || !sql->text)
        return sql->text != NULL;
    g_autoptr(json_auto) body = json_pack("{ss}", "Text", sql->text);
    return keep(sql, ENTRY_SCRIPT, body, error);
}

/* What a run that this one repeats had done, where it would do the same. */
static json_t *progress_of_earlier(const struct sql_run *sql)
{
    const char *earlier = json_text_at(sql->run->body, "PreviousRunId");
    struct store *store = sql->lathe->store;
    g_autoptr(resource_auto) run =
        earlier ? resource_get(store, JOB_RUN_KIND, earlier, NULL) : NULL;
    g_autoptr(json_auto) script = run ? entry_of(store, earlier, ENTRY_SCRIPT, NULL) : NULL;
    bool same = script && strcmp(run->status, "SUCCEEDED") != 0 &&
                strcmp(json_text_at(script, "Text"), sql->text) == 0 &&
                json_equal(json_object_get(run->body, "Options"),
                           json_object_get(sql->run->body, "Options"));
    return same ? entry_of(store, earlier, ENTRY_PROGRESS, NULL) : NULL;
}

static bool find_progress(struct sql_run *sql, GError **error)
{
    GError *cause = NULL;
    sql->progress = entry_of(sql->lathe->store, sql->id, ENTRY_PROGRESS, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    if (sql->progress)
        return true;
    sql->progress = progress_of_earlier(sql);
    if (!sql->progress)
        sql->progress = json_pack("{sis{}s{}}", "Done", 0, "Fresh", "Read");
    return keep(sql, ENTRY_PROGRESS, sql->progress, error);
}

/* ---- what is new ---- */

static GHashTable *set_of(const json_t *ids)
{
    GHashTable *set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < json_array_size(ids); i++)
        g_hash_table_add(set, g_strdup(json_string_value(json_array_get(ids, i))));
    return set;
}

static struct queries queries_of(const struct sql_run *sql)
{
    return (struct queries){.store = sql->lathe->store,
                            .lake = sql->lathe->lake,
                            .catalog = sql->lathe->catalog,
                            .engine = sql->lathe->engine,
                            .folder = sql->folder,
                            .ends = &sql->lathe->ends};
}

/* No earlier run has read it, and the run up to which this one reads has. */
static bool is_fresh(const struct bookmark *bookmark, const char *object)
{
    return !g_hash_table_contains(bookmark->seen, object) &&
           (!bookmark->last_seen || g_hash_table_contains(bookmark->last_seen, object));
}

static json_t *list_fresh(const struct sql_run *sql, const char *database, const char *table,
                          GError **error)
{
    struct queries queries = queries_of(sql);
    g_autoptr(GPtrArray) ids = query_objects(&queries, database, table, sql->run->created, error);
    json_t *fresh = ids ? json_array() : NULL;
    for (guint i = 0; ids && i < ids->len; i++)
        if (is_fresh(&sql->bookmark, ids->pdata[i]))
            json_array_append_new(fresh, json_string(ids->pdata[i]));
    return fresh;
}

static bool settle(struct sql_run *sql, const char *key, const char *database, const char *table,
                   GError **error)
{
    json_t *all = json_object_get(sql->progress, "Fresh");
    json_t *fresh = json_object_get(all, key);
    if (fresh)
        return true;
    fresh = list_fresh(sql, database, table, error);
    if (!fresh)
        return false;
    json_object_set_new(all, key, fresh);
    return keep(sql, ENTRY_PROGRESS, sql->progress, error);
}

static bool find_news(const char *database, const char *table, GHashTable **ids, void *data,
                      GError **error)
{
    struct sql_run *sql = data;
    *ids = NULL;
    if (sql->bookmark.option == BOOKMARK_DISABLED)
        return true;
    g_autofree char *key = g_strdup_printf("%s.%s", database, table);
    *ids = g_hash_table_lookup(sql->fresh, key);
    if (*ids)
        return true;
    if (!settle(sql, key, database, table, error))
        return false;
    *ids = set_of(json_object_get(json_object_get(sql->progress, "Fresh"), key));
    g_hash_table_insert(sql->fresh, g_steal_pointer(&key), *ids);
    return true;
}

static void note_read(const char *database, const char *table, const char *id, void *data)
{
    struct sql_run *sql = data;
    if (sql->bookmark.option != BOOKMARK_ENABLED || !g_hash_table_add(sql->read, g_strdup(id)))
        return;
    g_autofree char *key = g_strdup_printf("%s.%s", database, table);
    json_t *all = json_object_get(sql->progress, "Read");
    if (!json_object_get(all, key))
        json_object_set_new(all, key, json_array());
    json_array_append_new(json_object_get(all, key), json_string(id));
}

static void recall_read(struct sql_run *sql)
{
    const char *table;
    const json_t *ids;
    json_object_foreach(json_object_get(sql->progress, "Read"), table, ids)
    {
        for (size_t i = 0; i < json_array_size(ids); i++)
            g_hash_table_add(sql->read, g_strdup(json_string_value(json_array_get(ids, i))));
    }
}

/* ---- one statement ---- */

struct doing {
    struct sql_run *sql;
    guint number; /* from 0 */
    struct query_end end;
};

static bool only_shows(const struct query_end *end)
{
    return strcmp(end->type, "UTILITY") == 0 || strcmp(end->sub_type, "SELECT") == 0;
}

static bool check_stop(struct resource *run, void *data, GError **error)
{
    (void)data;
    return strcmp(run->status, "STOPPING") != 0 ||
           error_set(error, ERROR_CANCELLED, "the run is to stop");
}

static void tell_end(const struct doing *doing)
{
    const struct query_end *end = &doing->end;
    g_autofree char *rows =
        end->rows < 0 ? g_strdup("") : g_strdup_printf(", %" G_GINT64_FORMAT " rows", end->rows);
    tell(doing->sql, "Statement %u: %s%s, %" G_GINT64_FORMAT " bytes read, %.3f s",
         doing->number + 1, end->sub_type, rows, end->scanned, end->planning + end->run);
}

static bool end_run(struct store_connection *connection, struct sql_run *sql, GError **error)
{
    bool moves = sql->bookmark.option == BOOKMARK_ENABLED;
    struct job_run_end end = {.id = sql->id,
                              .state = "SUCCEEDED",
                              .read = json_object_get(sql->progress, "Read"),
                              .version = moves ? sql->bookmark.version : -1};
    return resource_update_within(connection, sql->lathe->store, JOB_RUN_KIND, sql->id, check_stop,
                                  NULL, error) &&
           job_run_end_within(connection, sql->lathe, &end, error);
}

/* A stop that came before this is not lost: then nothing of the statement happens. */
static bool finish(struct store_connection *connection, void *data, GError **error)
{
    struct doing *doing = data;
    struct sql_run *sql = doing->sql;
    struct putting putting = {sql->id, ENTRY_PROGRESS, sql->progress};
    bool is_last = doing->number + 1 == sql->statements->len && !only_shows(&doing->end);
    json_object_set_new(sql->progress, "Done", json_integer(doing->number + 1));
    tell_end(doing);
    if (is_last)
        return end_run(connection, sql, error);
    return resource_update_within(connection, sql->lathe->store, JOB_RUN_KIND, sql->id, check_stop,
                                  NULL, error) &&
           put_entry(connection, &putting, error);
}

static char *no_find(const char *name, void *data, GError **error)
{
    (void)data;
    error_set(error, ERROR_INVALID_REQUEST,
              "NOT_SUPPORTED: a job's SQL has no prepared statements: %s", name);
    return NULL;
}

static bool no_keep(const char *name, const char *text, void *data, GError **error)
{
    (void)text;
    g_free(no_find(name, data, error));
    return false;
}

static bool no_drop(const char *name, void *data, GError **error)
{
    return no_keep(name, NULL, data, error);
}

/* ---- what it shows ---- */

static void tell_lines(const struct sql_run *sql, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    guint count = g_strv_length(lines);
    for (guint i = 0; i < MIN(count, MOST_LINES); i++)
        if (*lines[i])
            tell(sql, "%s", lines[i]);
    if (count > MOST_LINES + 1)
        tell(sql, "... (what UNLOAD writes is whole)");
}

static void tell_result(const struct sql_run *sql, const char *uri)
{
    g_autofree char *bucket = NULL, *key = NULL;
    g_autoptr(lake_object_auto) object = s3_uri_parse(uri, &bucket, &key, NULL)
                                             ? lake_stat(sql->lathe->lake, bucket, key, NULL)
                                             : NULL;
    g_autoptr(stream_auto) bytes = object ? lake_get(sql->lathe->lake, object, NULL) : NULL;
    g_autofree char *shown = g_malloc(MOST_SHOWN + 1);
    gssize size = 0, got = 1;
    while (bytes && size < MOST_SHOWN && got > 0) {
        got = stream_read(bytes, shown + size, (size_t)(MOST_SHOWN - size), NULL);
        size += MAX(got, 0);
    }
    shown[size] = '\0';
    g_autofree char *valid = g_utf8_make_valid(shown, size);
    tell_lines(sql, valid);
}

/* Results are told in the log; as objects nobody asked for them. */
static void drop_result(const struct sql_run *sql, const char *uri, const char *suffix)
{
    g_autofree char *bucket = NULL, *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, NULL))
        return;
    g_autofree char *whole = g_strconcat(key, suffix, NULL);
    g_autoptr(GError) error = NULL;
    if (!lake_delete(sql->lathe->lake, bucket, whole, &error))
        g_warning("a result of the run %s: %s", sql->id, error->message);
}

static void drop_manifest(const struct sql_run *sql, const char *uri)
{
    g_autofree char *id = g_strndup(uri, strlen(uri) - strlen(QUERY_MANIFEST));
    drop_result(sql, uri, "");
    drop_result(sql, id, ".metadata");
}

static void show(const struct sql_run *sql, const struct query_end *end)
{
    bool is_file = end->output &&
                   (g_str_has_suffix(end->output, ".csv") || g_str_has_suffix(end->output, ".txt"));
    if (is_file && only_shows(end))
        tell_result(sql, end->output);
    if (is_file) {
        drop_result(sql, end->output, "");
        drop_result(sql, end->output, ".metadata");
    }
    if (end->manifest)
        drop_manifest(sql, end->manifest);
}

/* ---- all statements ---- */

static bool run_one(struct sql_run *sql, guint number, GError **error)
{
    static const struct query_prepared none = {no_find, no_keep, no_drop};
    static const char *const no_parameters[] = {NULL};
    const struct query_statement *statement = sql->statements->pdata[number];
    const char *database = job_run_option(sql->run, "--database");
    g_autofree char *id = g_strdup_printf("%s-%u", sql->id, number + 1);
    struct query_news news = {find_news, note_read, sql};
    struct queries queries = queries_of(sql);
    struct doing doing = {sql, number, {0}};
    struct query_request request = {.id = id,
                                    .text = statement->text,
                                    .catalog = "awsdatacatalog",
                                    .database = database ? database : "default",
                                    .output = sql->output,
                                    .parameters = no_parameters,
                                    .now = sql->run->created,
                                    .stop = sql->stop,
                                    .prepared = &none,
                                    .news = &news,
                                    .data = sql};
    bool done = query_run(&queries, &request, &doing.end, finish, &doing, error);
    if (done)
        show(sql, &doing.end);
    else
        g_prefix_error(error, "Statement %u of %u, line %u: ", number + 1, sql->statements->len,
                       statement->line);
    query_end_clear(&doing.end);
    return done;
}

static bool run_rest(struct sql_run *sql, GError **error)
{
    guint done = (guint)json_integer_at(sql->progress, "Done", 0);
    if (done)
        tell(sql, "%u statements were done before: it goes on with the next", done);
    for (guint i = done; i < sql->statements->len; i++) {
        if (atomic_load(&sql->stopped) || atomic_load(&sql->lathe->ends))
            return error_set(error, ERROR_CANCELLED, "stopped");
        if (!run_one(sql, i, error))
            return false;
    }
    return true;
}

static bool end_at_last(struct store_connection *connection, void *data, GError **error)
{
    return end_run(connection, data, error);
}

/* ---- from its start ---- */

static bool set_running(struct resource *run, void *data, GError **error)
{
    (void)data;
    if (strcmp(run->status, "STOPPING") == 0)
        return error_set(error, ERROR_CANCELLED, "the run is to stop");
    if (strcmp(run->status, "STARTING") != 0)
        return true;
    g_free(run->status);
    run->status = g_strdup("RUNNING");
    json_object_set_new(run->body, "Began", json_real(clock_now()));
    return true;
}

/* Where tables go that say no place of their own, and what UNLOAD and others keep of themselves. */
static char *output_of(const struct sql_run *sql)
{
    const char *given = job_run_option(sql->run, "--TempDir");
    g_autofree char *bucket = NULL, *key = NULL;
    if (given && s3_uri_is(given))
        return g_strdup(given);
    s3_uri_parse(json_text_at(sql->run->body, "Command.ScriptLocation"), &bucket, &key, NULL);
    return g_strdup_printf("s3://%s/lathe-sql/%s/", bucket, sql->run->parent);
}

static bool open_run(struct sql_run *sql, GError **error)
{
    struct store *store = sql->lathe->store;
    bool set = resource_update_ordered(store, JOB_RUN_KIND, sql->id, set_running, NULL, error);
    sql->run = set ? resource_get(store, JOB_RUN_KIND, sql->id, error) : NULL;
    if (!sql->run)
        return !set || (error && *error) ? false
                                         : error_set(error, ERROR_CANCELLED, "the run was deleted");
    g_autofree char *group = job_run_log(json_object_get(sql->run->body, "Command"), "output");
    sql->log = log_writer_open(sql->lathe->logs, group, sql->id, NULL);
    sql->folder = g_build_filename(sql->lathe->home, FOLDER, NULL);
    sql->output = output_of(sql);
    sql->fresh =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    sql->read = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return true;
}

static bool read_all(struct sql_run *sql, GError **error)
{
    if (!bookmark_read(sql->lathe, sql->run, &sql->bookmark, error) || !find_text(sql, error) ||
        !find_progress(sql, error))
        return false;
    recall_read(sql);
    sql->statements = query_split(sql->text, json_object_get(sql->run->body, "Options"), error);
    if (sql->statements && !sql->statements->len)
        return error_set(error, ERROR_INVALID_REQUEST, "the script has no statement");
    return sql->statements != NULL;
}

static bool is_over(const struct sql_run *sql)
{
    g_autoptr(resource_auto) run = resource_get(sql->lathe->store, JOB_RUN_KIND, sql->id, NULL);
    return !run || kind_outcome(&job_run_kind, run->status) != KIND_GOES_ON;
}

bool sql_run_all(struct sql_run *sql, GError **error)
{
    GError *cause = NULL;
    if (open_run(sql, &cause) && read_all(sql, &cause) && run_rest(sql, &cause) &&
        (is_over(sql) || store_write(sql->lathe->store, end_at_last, sql, &cause)))
        return true;
    g_propagate_error(error, cause);
    return false;
}

bool sql_runs_open(struct lathe *lathe, GError **error)
{
    (void)error;
    g_autofree char *folder = g_build_filename(lathe->home, FOLDER, NULL);
    query_clean(&(struct queries){.folder = folder});
    return true;
}
