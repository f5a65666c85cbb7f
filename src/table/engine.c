#include "table/engine.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "table/memory_limit.h"
#include "worker/workers.h"

struct engine {
    struct workers *workers;
    char *folder;
};

const char *engine_format_of(const char *serde)
{
    static const struct {
        const char *class, *format;
    } classes[] = {
        {"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe", ENGINE_DELIMITED},
        {"org.apache.hadoop.hive.serde2.OpenCSVSerde", ENGINE_CSV},
        {"org.apache.hadoop.hive.serde2.RegexSerDe", ENGINE_REGEX},
        {"org.apache.hadoop.hive.contrib.serde2.RegexSerDe", ENGINE_REGEX},
        {"com.amazonaws.glue.serde.GrokSerDe", ENGINE_GROK},
        {"org.openx.data.jsonserde.JsonSerDe", ENGINE_JSON},
        {"org.apache.hive.hcatalog.data.JsonSerDe", ENGINE_JSON},
        {"org.apache.hadoop.hive.serde2.JsonSerDe", ENGINE_JSON},
        {"org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe", ENGINE_PARQUET},
        {"parquet.hive.serde.ParquetHiveSerDe", ENGINE_PARQUET},
        {"org.apache.hadoop.hive.serde2.avro.AvroSerDe", ENGINE_AVRO},
    };
    for (size_t i = 0; serde && i < G_N_ELEMENTS(classes); i++)
        if (strcmp(serde, classes[i].class) == 0)
            return classes[i].format;
    return NULL;
}

/* ---- opening ---- */

/* A quarter of what there is; where that is little, as much as lets all processes and the server
 * beside them fit in. */
static size_t memory_of_each(unsigned count)
{
    const size_t aside = (size_t)256 << 20, enough = (size_t)512 << 20;
    size_t limit = memory_limit();
    size_t fitting = limit > 2 * aside ? (limit - aside) / count : limit / 4;
    return MAX(limit / 4, MIN(fitting, enough));
}

/* Where the sanitizers' runtime or DuckDB's library is told by the environment, it is for the
 * processes too. */
static struct workers *open_workers(const struct engine_plan *plan, GError **error)
{
    unsigned processes = plan->count ? plan->count : 2;
    size_t memory = plan->memory ? plan->memory : memory_of_each(processes);
    unsigned threads = plan->threads ? plan->threads : (unsigned)g_get_num_processors();
    g_autofree char *bytes = g_strdup_printf("%zu", memory);
    g_autofree char *count = g_strdup_printf("%u", threads);
    g_autofree char *folder = g_strdup(plan->folder);
    static char program[] = "/proc/self/exe", verb[] = "engine";
    char *const own[] = {program, verb, folder, bytes, count, NULL};
    g_auto(GStrv) environment = g_get_environ();
    struct workers_plan workers = {
        .name = "the SQL engine",
        .argv = plan->argv ? plan->argv : own,
        .environment = environment,
        .folder = plan->folder,
        .count = processes,
        .waiting = plan->waiting,
        /* Beside what DuckDB counts there are the program itself, its threads and what they read.
         */
        .memory = memory + memory / 4 + ((size_t)512 << 20),
        .longest_reply = (size_t)1 << 30,
        .call_seconds = plan->seconds,
        .grace_seconds = 2,
        .warm = plan->warm,
        .log = plan->log,
        .data = plan->data,
    };
    return workers_open(&workers, error);
}

struct engine *engine_open(const struct engine_plan *plan, GError **error)
{
    file_remove_tree(plan->folder, NULL); /* what processes of an earlier run left */
    file_make_folders(plan->folder, NULL);
    struct workers *workers = open_workers(plan, error);
    if (!workers)
        return NULL;
    struct engine *engine = g_new0(struct engine, 1);
    engine->workers = workers;
    engine->folder = g_strdup(plan->folder);
    return engine;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    workers_close(engine->workers);
    file_remove_tree(engine->folder, NULL);
    g_free(engine->folder);
    g_free(engine);
}

/* ---- calls ---- */

static GBytes *bytes_of(const json_t *request)
{
    char *text = json_text_of(request);
    return g_bytes_new_take(text, strlen(text));
}

static json_t *reply_of(GBytes *bytes, GError **error)
{
    gsize size;
    const char *text = g_bytes_get_data(bytes, &size);
    json_error_t wrong;
    json_t *reply = json_loadb(text, size, JSON_ALLOW_NUL, &wrong);
    if (!reply)
        error_set(error, ERROR_INTERNAL, "the SQL engine answered nonsense: %s", wrong.text);
    return reply;
}

struct call {
    engine_done *done;
    void *data;
};

static void end_call(GBytes *bytes, const GError *error, void *data)
{
    g_autofree struct call *call = data;
    g_autoptr(GError) nonsense = NULL;
    g_autoptr(json_auto) reply = bytes ? reply_of(bytes, &nonsense) : NULL;
    call->done(reply, error ? error : nonsense, call->data);
}

/* Not only when it is opened: that has to do on a full disk, and caches may be emptied. */
static bool make_folder(const struct engine *engine, GError **error)
{
    return file_make_folders(engine->folder, error);
}

guint64 engine_submit(struct engine *engine, const json_t *request, engine_done *done, void *data,
                      GError **error)
{
    if (!make_folder(engine, error))
        return 0;
    struct call *call = g_new(struct call, 1);
    *call = (struct call){done, data};
    g_autoptr(GBytes) bytes = bytes_of(request);
    guint64 id = workers_submit(engine->workers, bytes, end_call, call, error);
    if (!id)
        g_free(call);
    return id;
}

void engine_cancel(struct engine *engine, guint64 id)
{
    workers_cancel(engine->workers, id);
}

json_t *engine_call(struct engine *engine, const json_t *request, GError **error)
{
    g_autoptr(GBytes) bytes = bytes_of(request);
    g_autoptr(GBytes) reply =
        make_folder(engine, error) ? workers_call(engine->workers, bytes, error) : NULL;
    return reply ? reply_of(reply, error) : NULL;
}
