/* The process of the engine: one database of DuckDB's in memory, one statement at a time. */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "sql/sql.h"
#include "table/engine.h"
#include "table/engine_answer.h"
#include "table/engine_write.h"
#include "table/functions.h"
#include "table/relation_view.h"
#include "table/text_scan.h"
#include "worker/serve.h"

struct session {
    struct duckdb_library library;
    void *database, *connection;
    char *folder; /* this process's own */
    struct text_scan scan;
    struct relation **relations; /* of the statement under way */
};

/* ---- opening ---- */

static bool tell(struct session *session, const char *sql, GError **error)
{
    struct duckdb_answer answer;
    bool good = session->library.query(session->connection, sql, &answer) == 0 ||
                engine_answer_fail(&session->library, session->library.result_error(&answer),
                                   session->library.result_error_type(&answer), error);
    session->library.destroy_result(&answer);
    return good;
}

static bool open_database(struct session *session, size_t memory, unsigned threads, GError **error)
{
    const struct duckdb_library *library = &session->library;
    g_autofree char *bytes = g_strdup_printf("%zuB", memory);
    g_autofree char *count = g_strdup_printf("%u", threads);
    g_autofree char *spill = g_build_filename(session->folder, "spill", NULL);
    const char *const settings[][2] = {
        {"memory_limit", bytes},
        {"threads", count},
        {"temp_directory", spill},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"allow_community_extensions", "false"},
        {"enable_external_file_cache", "false"},
        {"allocator_background_threads", "true"}, /* memory goes back while nobody asks */
    };
    void *config;
    library->create_config(&config);
    bool good = true;
    for (size_t i = 0; good && i < G_N_ELEMENTS(settings); i++)
        good = library->set_config(config, settings[i][0], settings[i][1]) == 0 ||
               error_set(error, ERROR_INTERNAL, "DuckDB does not take %s = %s", settings[i][0],
                         settings[i][1]);
    char *why = NULL;
    good = good &&
           (library->open_ext(NULL, &session->database, config, &why) == 0 ||
            error_set(error, ERROR_INTERNAL, "DuckDB could not be started: %s", why ? why : ""));
    library->free(why);
    library->destroy_config(&config);
    return good && (library->connect(session->database, &session->connection) == 0 ||
                    error_set(error, ERROR_INTERNAL, "DuckDB could not be connected to"));
}

/* From here on DuckDB sees one folder, and nobody can tell it otherwise. */
static bool shut_in(struct session *session, GError **error)
{
    g_autofree char *sql =
        g_strdup_printf("SET TimeZone = 'UTC'; SET allowed_directories = ['%s/'];"
                        "SET enable_external_access = false; SET lock_configuration = true;",
                        session->folder);
    return tell(session, sql, error);
}

static bool open_session(struct session *session, const char *folder, size_t memory,
                         unsigned threads, GError **error)
{
    session->folder = g_strdup_printf("%s/%d", folder, (int)getpid());
    session->scan.library = &session->library;
    if (strchr(folder, '\'') || !file_make_folders(session->folder, error) ||
        !duckdb_library_load(&session->library, error))
        return false;
    duckdb_library_set_engine(&session->library);
    return open_database(session, memory, threads, error) &&
           text_scan_register(&session->scan, session->connection, error) &&
           functions_register(&session->library, session->connection, error) &&
           tell(session, sql_prelude(), error) && shut_in(session, error);
}

static void close_session(struct session *session)
{
    session->library.disconnect(&session->connection);
    session->library.close(&session->database);
    file_remove_tree(session->folder, NULL);
    g_free(session->folder);
}

/* ---- being cancelled ---- */

/* Waits beside the statement for what the pool may say meanwhile: that nobody waits for it. */
struct watch {
    struct worker_server *server;
    const struct session *session;
    int over; /* an eventfd */
    pthread_t thread;
};

static void *watch_for_cancel(void *data)
{
    struct watch *watch = data;
    struct pollfd files[] = {{.fd = PROCESS_REPORT, .events = POLLIN},
                             {.fd = watch->over, .events = POLLIN}};
    while (poll(files, 2, -1) < 0 || !(files[1].revents & POLLIN)) {
        if (!files[0].revents || !worker_cancelled(watch->server))
            continue;
        /* Again and again: what has not begun cannot be interrupted. */
        do
            watch->session->library.interrupt(watch->session->connection);
        while (poll(&files[1], 1, 20) == 0);
        break;
    }
    return NULL;
}

static void start_watch(struct watch *watch)
{
    watch->over = eventfd(0, EFD_CLOEXEC);
    pthread_create(&watch->thread, NULL, watch_for_cancel, watch);
}

static void end_watch(struct watch *watch)
{
    eventfd_t one = 1;
    (void)!write(watch->over, &one, sizeof one);
    pthread_join(watch->thread, NULL);
    close(watch->over);
}

/* ---- a statement ---- */

static bool read_relations(struct session *session, const json_t *list, GError **error)
{
    session->relations = g_new0(struct relation *, json_array_size(list) + 1);
    session->scan.relations = session->relations;
    session->scan.count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        session->relations[i] = relation_read(json_array_get(list, i), error);
        if (!session->relations[i])
            return false;
        session->scan.count++;
    }
    return true;
}

static bool make_views(struct session *session, const char *folder, GError **error)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    for (size_t i = 0; i < session->scan.count; i++)
        if (!relation_view(session->relations[i], i, folder, sql, error))
            return false;
    return !sql->len || tell(session, sql->str, error);
}

static void forget(struct session *session, const char *folder)
{
    g_autoptr(GString) sql = g_string_new(NULL);
    for (size_t i = 0; i < session->scan.count; i++)
        g_string_append_printf(sql, "DROP VIEW IF EXISTS \"%s\";", session->relations[i]->name);
    if (sql->len)
        tell(session, sql->str, NULL);
    for (size_t i = 0; i < session->scan.count; i++)
        relation_free(session->relations[i]);
    session->scan.count = 0;
    g_clear_pointer(&session->relations, g_free);
    file_remove_tree(folder, NULL);
}

static bool write_files(struct session *session, const json_t *request,
                        const struct engine_answer_columns *columns, const char *folder,
                        GString *reply, int64_t *count, GError **error)
{
    g_autoptr(json_auto) files = json_array();
    g_autofree char *scratch = g_build_filename(folder, "out", NULL);
    bool good =
        engine_write(&session->library, session->connection, json_text_at(request, "Sql"), columns,
                     json_object_get(request, "Result"), scratch, files, count, error);
    g_autofree char *list = json_text_of(files);
    g_string_append_printf(reply, "\"Files\":%s,", list);
    return good;
}

static bool give_result(struct session *session, const json_t *request, const char *folder,
                        GString *reply, int64_t *count, GError **error)
{
    const char *form = json_text_at(request, "Result.Form"), *sql = json_text_at(request, "Sql");
    struct engine_answer_columns columns;
    bool good = engine_answer_columns_read(&columns, json_object_get(request, "Columns"), error);
    if (good && g_strcmp0(form, "rows") == 0) {
        g_string_append(reply, "\"Rows\":[");
        good = engine_answer_rows(&session->library, session->connection, sql, &columns,
                                  json_integer_at(request, "Result.Most", -1), reply, count, error);
        g_string_append(reply, "],");
    } else if (good && g_strcmp0(form, "csv") == 0) {
        good = engine_answer_csv(&session->library, session->connection, sql, &columns,
                                 json_text_at(request, "Result.File"), count, error);
    } else if (good && g_strcmp0(form, "write") == 0) {
        good = write_files(session, request, &columns, folder, reply, count, error);
    } else if (good) {
        good = error_set(error, ERROR_VALIDATION, "NOT_SUPPORTED: there is no form '%s' of results",
                         form ? form : "");
    }
    engine_answer_columns_free(&columns);
    return good;
}

/* All bytes that this process has read so far, from files and else; the asking itself comes to as
 * many more as it says. */
static int64_t bytes_read(int64_t *more)
{
    g_autofree char *text = NULL;
    gsize size = 0;
    bool known = g_file_get_contents("/proc/self/io", &text, &size, NULL) &&
                 g_str_has_prefix(text, "rchar: ");
    *more = (int64_t)size;
    return known ? g_ascii_strtoll(text + strlen("rchar: "), NULL, 10) : 0;
}

/* The file that a link of relation_view.h's is of: "r1/2.15.parquet" is file 15. */
static const struct relation_file *file_of_link(const struct session *session, const char *link)
{
    for (size_t i = 0; i < session->scan.count; i++) {
        const struct relation *relation = session->relations[i];
        size_t size = strlen(relation->name);
        const char *dot = strncmp(link, relation->name, size) == 0 && link[size] == '/'
                              ? strchr(link + size, '.')
                              : NULL;
        guint64 number = dot ? g_ascii_strtoull(dot + 1, NULL, 10) : 0;
        if (dot && number < relation->file_count)
            return &relation->files[number];
    }
    return NULL;
}

/* "failed to cast column "id" from type VARCHAR to BIGINT" */
static bool fail_column(const char *text, const char *uri, GError **error)
{
    const char *start = strstr(text, "failed to cast column \"");
    const char *name = start ? start + strlen("failed to cast column \"") : NULL;
    const char *from = name ? strstr(name, "\" from type ") : NULL;
    const char *to = from ? strstr(from, " to ") : NULL, *end = to ? strchr(to, ':') : NULL;
    if (!end)
        return true;
    const char *type = from + strlen("\" from type ");
    return error_set(
        error, ERROR_VALIDATION,
        "HIVE_BAD_DATA: Field %.*s's type %.*s in parquet file %s is incompatible with "
        "type %.*s defined in table schema",
        (int)(from - name), name, (int)(to - type), type, uri, (int)(end - to - 4), to + 4);
}

/* DuckDB's words on a file that it cannot read, with the file's own name in Hive's. */
static void name_file(const struct session *session, const char *folder, GError **error)
{
    const char *path = strstr((*error)->message, folder);
    const struct relation_file *file =
        path ? file_of_link(session, path + strlen(folder) + 1) : NULL;
    if (!file || (*error)->code != ERROR_VALIDATION)
        return;
    GError *failed = *error;
    *error = NULL;
    if (strstr(failed->message, "magic bytes") || strstr(failed->message, "too small to be"))
        error_set(error, ERROR_VALIDATION,
                  "HIVE_BAD_DATA: Malformed Parquet file. Not a valid Parquet File [%s]",
                  file->uri);
    else if (fail_column(failed->message, file->uri, error))
        error_set(error, ERROR_VALIDATION, "HIVE_CURSOR_ERROR: Failed to read Parquet file: %s",
                  file->uri);
    g_error_free(failed);
}

static bool run_statement(struct session *session, const json_t *request, GString *reply,
                          GError **error)
{
    g_autofree char *folder = g_build_filename(session->folder, "files", NULL);
    int64_t count = 0, asking, again;
    int64_t before = bytes_read(&asking);
    bool good = file_make_folders(folder, error) &&
                read_relations(session, json_object_get(request, "Relations"), error) &&
                make_views(session, folder, error) &&
                give_result(session, request, folder, reply, &count, error);
    if (!good && error)
        name_file(session, folder, error);
    int64_t scanned = session->scan.count ? bytes_read(&again) - before - asking : 0;
    forget(session, folder);
    g_string_append_printf(reply, "\"RowCount\":%" PRId64 ",\"BytesScanned\":%" PRId64 "}", count,
                           scanned);
    return good;
}

/* ---- calls ---- */

/* The statement's fault: "NAME: text" becomes a reply of its own. */
static GBytes *reply_error(const GError *error)
{
    const char *colon = strstr(error->message, ": ");
    bool named = colon && strspn(error->message, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") ==
                              (size_t)(colon - error->message);
    g_autofree char *name = named ? g_strndup(error->message, (gsize)(colon - error->message))
                                  : g_strdup("GENERIC_INTERNAL_ERROR");
    g_autofree char *message = g_utf8_make_valid(named ? colon + 2 : error->message, -1);
    g_autoptr(json_auto) reply =
        json_pack("{s:{s:s, s:s}}", "Error", "Name", name, "Message", message);
    char *text = json_text_of(reply);
    return g_bytes_new_take(text, strlen(text));
}

static GBytes *answer(struct worker_server *server, GBytes *bytes, void *data, GError **error)
{
    struct session *session = data;
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    json_error_t wrong;
    g_autoptr(json_auto) request = json_loadb(text, size, JSON_ALLOW_NUL, &wrong);
    if (!request) {
        error_set(error, ERROR_INTERNAL, "the SQL engine was asked nonsense: %s", wrong.text);
        return NULL;
    }
    struct watch watch = {.server = server, .session = session};
    g_autoptr(GString) reply = g_string_new("{");
    g_autoptr(GError) failed = NULL;
    start_watch(&watch);
    bool good = run_statement(session, request, reply, &failed);
    end_watch(&watch);
    if (good)
        return g_bytes_new(reply->str, reply->len);
    if (failed->code == ERROR_VALIDATION)
        return reply_error(failed);
    g_propagate_error(error, g_steal_pointer(&failed));
    return NULL;
}

int engine_serve(const char *folder, size_t memory, unsigned threads)
{
    struct session session = {0};
    g_autoptr(GError) error = NULL;
    if (!open_session(&session, folder, memory, threads, &error))
        return worker_refuse(error ? error->message : "its folder has a quote in its name");
    int status = worker_serve(answer, &session);
    close_session(&session);
    return status;
}
