#include "stream/extract.h"

#include <string.h>

#include "base/error.h"
#include "worker/workers.h"

#define MEMORY ((size_t)512 << 20) /* of a process: with sanitizers it begins with 100 MB */
#define SECONDS 5.0                /* of a call */
#define MOST_SLOW 3
#define IDLE 60.0
#define TOO_MUCH "the query took more time or memory than it may have"

struct extractor {
    struct workers *workers;
};

struct extractor *extractor_open(char *const *argv, GError **error)
{
    static char program[] = "/proc/self/exe", verb[] = "extract";
    char *const own[] = {program, verb, NULL};
    g_auto(GStrv) environment = g_get_environ();
    struct workers_plan plan = {.name = "the partition keys",
                                .argv = argv ? argv : own,
                                .environment = environment,
                                .folder = "/",
                                .count = 2,
                                .waiting = 64,
                                .memory = MEMORY,
                                .call_seconds = SECONDS,
                                .idle_seconds = IDLE};
    struct workers *workers = workers_open(&plan, error);
    if (!workers)
        return NULL;
    struct extractor *extractor = g_new(struct extractor, 1);
    extractor->workers = workers;
    return extractor;
}

void extractor_close(struct extractor *extractor)
{
    if (!extractor)
        return;
    workers_close(extractor->workers);
    g_free(extractor);
}

/* ---- calls: the query's length and text, then each record's ---- */

static void add(GByteArray *request, const void *bytes, gsize size)
{
    guint32 length = GUINT32_TO_LE((guint32)size);
    g_byte_array_append(request, (const guint8 *)&length, sizeof length);
    if (size)
        g_byte_array_append(request, bytes, (guint)size);
}

static GBytes *request_of(const char *query, const GPtrArray *records, guint first, guint count)
{
    GByteArray *request = g_byte_array_new();
    add(request, query, strlen(query));
    for (guint i = first; i < first + count; i++) {
        gsize size;
        const void *bytes = g_bytes_get_data(g_ptr_array_index(records, i), &size);
        add(request, bytes, size);
    }
    return g_byte_array_free_to_bytes(request);
}

static json_t *call(struct extractor *extractor, const char *query, const GPtrArray *records,
                    guint first, guint count, GError **error)
{
    g_autoptr(GBytes) request = request_of(query, records, first, count);
    g_autoptr(GBytes) reply = workers_call(extractor->workers, request, error);
    gsize size;
    const char *text = reply ? g_bytes_get_data(reply, &size) : NULL;
    json_t *answers = text ? json_parse(text, size, "partition keys", error) : NULL;
    if (!answers || json_array_size(answers) == count)
        return answers;
    json_decref(answers);
    error_set(error, ERROR_INTERNAL, "there are not as many partition keys as records");
    return NULL;
}

bool extractor_check(struct extractor *extractor, const char *query, GError **error)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    json_t *answers = call(extractor, query, none, 0, 0, error);
    json_decref(answers);
    return answers != NULL;
}

static bool was_too_much(const GError *error)
{
    return g_error_matches(error, LATHE_ERROR, ERROR_PROCESS_LATE) ||
           g_error_matches(error, LATHE_ERROR, ERROR_PROCESS_ENDED);
}

/* One record alone; a text where it is too much. */
static bool run_alone(struct extractor *extractor, const char *query, const GPtrArray *records,
                      guint i, unsigned *slow, json_t *answers, GError **error)
{
    GError *cause = NULL;
    if (*slow == MOST_SLOW)
        return json_array_append_new(answers, json_string(TOO_MUCH)) == 0;
    g_autoptr(json_auto) found = call(extractor, query, records, i, 1, &cause);
    if (found)
        return json_array_extend(answers, found) == 0;
    if (!was_too_much(cause)) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    ++*slow;
    return json_array_append_new(answers, json_string(TOO_MUCH)) == 0;
}

static json_t *run_each(struct extractor *extractor, const char *query, const GPtrArray *records,
                        unsigned *slow, GError **error)
{
    g_autoptr(json_auto) answers = json_array();
    for (guint i = 0; i < records->len; i++)
        if (!run_alone(extractor, query, records, i, slow, answers, error))
            return NULL;
    return g_steal_pointer(&answers);
}

json_t *extractor_run(struct extractor *extractor, const char *query, const GPtrArray *records,
                      unsigned *slow, GError **error)
{
    GError *cause = NULL;
    if (*slow == MOST_SLOW)
        return run_each(extractor, query, records, slow, error);
    json_t *answers = call(extractor, query, records, 0, records->len, &cause);
    if (answers)
        return answers;
    if (was_too_much(cause)) {
        g_error_free(cause);
        return run_each(extractor, query, records, slow, error);
    }
    g_propagate_error(error, cause);
    return NULL;
}
