/* Bookmarks: what the runs of a job have processed. Each run that ended well and moved it is an
 * entry of the bookmark's: of a script the states that it left, of SQL the objects that it read, by
 * their ids, which are new ones whenever an object is replaced. So what is new is what no entry
 * has, by no clock; and what a run is reset to are the entries up to it. */
#include <string.h>

#include "base/clock.h"
#include "service/glue/job.h"
#include "store/entry.h"

#define BOOKMARK_KIND "job-bookmark"
/* States of scripts are whole in each entry: earlier ones are of use for a reset alone. */
#define MOST_STATES 100

/* ---- the option ---- */

bool bookmark_option_of(const json_t *options, enum bookmark_option *option, GError **error)
{
    static const char *const words[] = {[BOOKMARK_DISABLED] = "job-bookmark-disable",
                                        [BOOKMARK_ENABLED] = "job-bookmark-enable",
                                        [BOOKMARK_PAUSED] = "job-bookmark-pause"};
    const char *word = json_string_value(json_object_get(options, "--job-bookmark-option"));
    *option = BOOKMARK_DISABLED;
    for (size_t i = 0; word && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i], word) == 0) {
            *option = (enum bookmark_option)i;
            return true;
        }
    return !word || error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                              "--job-bookmark-option: %s is none of job-bookmark-enable, "
                              "job-bookmark-disable and job-bookmark-pause.",
                              word);
}

/* ---- reading ---- */

static struct resource *find(struct store *store, const char *job, GError **error)
{
    return resource_get(store, BOOKMARK_KIND, job, error);
}

static GPtrArray *entries_of(struct store *store, const char *job, GError **error)
{
    struct entry_query query = {.kind = BOOKMARK_KIND, .owner = job};
    return entry_list(store, &query, error);
}

static bool is_undone(const struct entry *entry)
{
    return !json_object_get(entry->body, "RunId");
}

/* The entry of a run; -1: there is none. */
static int place_of(const GPtrArray *entries, const char *run)
{
    for (guint i = 0; i < entries->len; i++) {
        const struct entry *entry = entries->pdata[i];
        if (g_strcmp0(json_text_at(entry->body, "RunId"), run) == 0)
            return (int)i;
    }
    return -1;
}

static void add_read(GHashTable *seen, const json_t *read)
{
    const char *table;
    const json_t *ids;
    json_object_foreach((json_t *)read, table, ids)
    {
        for (size_t i = 0; i < json_array_size(ids); i++)
            g_hash_table_add(seen, g_strdup(json_string_value(json_array_get(ids, i))));
    }
}

/* What the first so many runs have read: of SQL into seen, of a script in place of *states. */
static void take_entries(const GPtrArray *entries, int count, GHashTable *seen, json_t **states)
{
    for (int i = 0; i < count; i++) {
        const struct entry *entry = entries->pdata[i];
        json_t *left = json_object_get(entry->body, "States");
        add_read(seen, json_object_get(entry->body, "Read"));
        if (is_undone(entry) || !left)
            continue;
        json_decref(*states);
        *states = json_incref(left);
    }
}

/* Up to where runs count, by an option of a paused job's that names the last of them, else all. */
static bool find_end(const struct resource *run, const char *option, const GPtrArray *entries,
                     int *count, GError **error)
{
    const char *last = job_run_option(run, option);
    *count = (int)entries->len;
    if (!last)
        return true;
    *count = place_of(entries, last) + 1;
    return *count || error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                               "%s: the run %s has left no bookmark.", option, last);
}

static GHashTable *new_set(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static bool take_range(const struct resource *run, const GPtrArray *entries,
                       struct bookmark *bookmark, GError **error)
{
    int from = 0, to = 0;
    if (!find_end(run, "--job-bookmark-from", entries, &from, error) ||
        !find_end(run, "--job-bookmark-to", entries, &to, error))
        return false;
    if (bookmark->option == BOOKMARK_DISABLED)
        return true;
    take_entries(entries, from, bookmark->seen, &bookmark->states);
    if (!job_run_option(run, "--job-bookmark-to"))
        return true;
    bookmark->last_seen = new_set();
    bookmark->last_states = json_object();
    take_entries(entries, to, bookmark->last_seen, &bookmark->last_states);
    return true;
}

bool bookmark_read(struct lathe *lathe, const struct resource *run, struct bookmark *bookmark,
                   GError **error)
{
    GError *cause = NULL;
    *bookmark = (struct bookmark){
        .states = json_object(), .run = json_integer_at(run->body, "Run", 0), .seen = new_set()};
    if (!bookmark_option_of(json_object_get(run->body, "Options"), &bookmark->option, error))
        return false;
    g_autoptr(resource_auto) kept = find(lathe->store, run->parent, &cause);
    g_autoptr(GPtrArray) entries = cause ? NULL : entries_of(lathe->store, run->parent, &cause);
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    bookmark->version = kept ? json_integer_at(kept->body, "Version", 0) : 0;
    return take_range(run, entries, bookmark, error);
}

void bookmark_clear(struct bookmark *bookmark)
{
    json_decref(bookmark->states);
    json_decref(bookmark->last_states);
    g_clear_pointer(&bookmark->seen, g_hash_table_unref);
    g_clear_pointer(&bookmark->last_seen, g_hash_table_unref);
    *bookmark = (struct bookmark){0};
}

/* ---- a step ---- */

struct step {
    const struct job_run_end *end;
    gint64 number; /* of its entry; 0: none, since it was reset meanwhile */
    bool found;
};

static bool take_number(struct resource *bookmark, void *data, GError **error)
{
    struct step *step = data;
    (void)error;
    step->found = true;
    if (json_integer_at(bookmark->body, "Version", 0) != step->end->version)
        return true;
    step->number = json_integer_at(bookmark->body, "Last", 0) + 1;
    json_object_set_new(bookmark->body, "Last", json_integer(step->number));
    return true;
}

static bool make(struct store_connection *connection, struct store *store, const char *job,
                 gint64 version, gint64 last, GError **error)
{
    g_autoptr(json_auto) body =
        json_pack("{sIsI}", "Version", (json_int_t)version, "Last", (json_int_t)last);
    struct resource bookmark = {.kind = (char *)BOOKMARK_KIND,
                                .name = (char *)job,
                                .arn = (char *)"",
                                .status = (char *)"",
                                .parent = (char *)"",
                                .body = body};
    return resource_create_within(connection, store, &bookmark, NULL, error);
}

static bool drop_state(struct store_connection *connection, const char *job, gint64 number,
                       GError **error)
{
    g_autoptr(json_auto) none = json_object();
    return number < 1 || entry_put(connection, BOOKMARK_KIND, job, number, NULL, none, error);
}

bool bookmark_step_within(struct store_connection *connection, struct store *store,
                          const struct resource *run, const struct job_run_end *end, GError **error)
{
    struct step step = {end, 0, false};
    if (end->version < 0 || !resource_update_within(connection, store, BOOKMARK_KIND, run->parent,
                                                    take_number, &step, error))
        return end->version < 0;
    if (!step.found && !make(connection, store, run->parent, 0, step.number = 1, error))
        return false;
    g_autoptr(json_auto) body =
        json_pack("{ss sI sI ss* sO* sO*}", "RunId", run->name, "Run",
                  (json_int_t)json_integer_at(run->body, "Run", 0), "Attempt",
                  (json_int_t)json_integer_at(run->body, "Attempt", 0), "PreviousRunId",
                  json_text_at(run->body, "PreviousRunId"), "States", end->state_of_script, "Read",
                  end->read);
    return !step.number ||
           (entry_put(connection, BOOKMARK_KIND, run->parent, step.number, NULL, body, error) &&
            (!end->state_of_script ||
             drop_state(connection, run->parent, step.number - MOST_STATES, error)));
}

bool bookmark_delete_within(struct store_connection *connection, struct store *store,
                            const char *job, GError **error)
{
    bool found;
    return resource_delete_within(connection, store, BOOKMARK_KIND, job, &found, error);
}

/* ---- GetJobBookmark ---- */

/* Of SQL, how many objects of each table were read. */
static json_t *counts_of(const json_t *read)
{
    json_t *counts = json_object();
    const char *table;
    const json_t *ids;
    json_object_foreach((json_t *)read, table, ids)
        json_object_set_new(counts, table, json_integer((json_int_t)json_array_size(ids)));
    return counts;
}

static json_t *describe(const char *job, gint64 version, const struct entry *entry)
{
    static const char *const members[] = {"RunId", "Run", "Attempt", "PreviousRunId", NULL};
    json_t *read = entry ? json_object_get(entry->body, "Read") : NULL;
    json_t *states = entry ? json_object_get(entry->body, "States") : NULL;
    g_autoptr(json_auto) told =
        read ? json_pack("{so}", "objects", counts_of(read)) : json_incref(states);
    g_autofree char *text = told ? json_text_of(told) : g_strdup("{}");
    json_t *described = json_pack("{ss sI si si ss}", "JobName", job, "Version",
                                  (json_int_t)version, "Run", 0, "Attempt", 0, "JobBookmark", text);
    if (entry)
        json_copy_members(described, entry->body, members);
    return described;
}

static bool missing(const char *job, GError **error)
{
    return error_set(error, ERROR_ENTITY_NOT_FOUND, "Continuation for job %s not found.", job);
}

/* The newest that counts. */
static const struct entry *newest(const GPtrArray *entries)
{
    for (guint i = entries->len; i > 0; i--)
        if (!is_undone(entries->pdata[i - 1]))
            return entries->pdata[i - 1];
    return NULL;
}

static const struct entry *choose(const GPtrArray *entries, const char *run)
{
    int at = run ? place_of(entries, run) : -1;
    return run ? at < 0 ? NULL : entries->pdata[at] : newest(entries);
}

/* No bookmark is no error. */
static bool read_both(struct store *store, const char *job, struct resource **bookmark,
                      GPtrArray **entries, GError **error)
{
    GError *cause = NULL;
    *bookmark = find(store, job, &cause);
    *entries = cause ? NULL : entries_of(store, job, &cause);
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

bool get_job_bookmark(const struct call *call, const json_t *request, struct reply *reply,
                      GError **error)
{
    const char *job = json_text_at(request, "JobName"), *run = json_text_at(request, "RunId");
    g_autoptr(resource_auto) bookmark = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    if (!read_both(call->lathe->store, job, &bookmark, &entries, error))
        return false;
    const struct entry *entry = choose(entries, run);
    if (!bookmark || (run && !entry))
        return missing(job, error);
    return glue_reply(reply, "JobBookmarkEntry",
                      describe(job, json_integer_at(bookmark->body, "Version", 0), entry));
}

/* ---- ResetJobBookmark ---- */

struct reset {
    const char *job;
    struct store *store;
    const GPtrArray *entries;
    guint kept;     /* of the entries, the first so many */
    gint64 version; /* comes out */
    gint64 last;
};

static bool begin_reset(struct resource *bookmark, void *data, GError **error)
{
    struct reset *reset = data;
    (void)error;
    reset->version = json_integer_at(bookmark->body, "Version", 0) + 1;
    reset->last = json_integer_at(bookmark->body, "Last", 0);
    json_object_set_new(bookmark->body, "Version", json_integer(reset->version));
    return true;
}

/* What is read begins anew: the entries go with the bookmark. */
static bool reset_whole(struct store_connection *connection, const struct reset *reset,
                        GError **error)
{
    bool found;
    return resource_delete_within(connection, reset->store, BOOKMARK_KIND, reset->job, &found,
                                  error) &&
           make(connection, reset->store, reset->job, reset->version, 0, error);
}

static bool undo_later(struct store_connection *connection, const struct reset *reset,
                       GError **error)
{
    const struct entry *last = reset->entries->pdata[reset->kept - 1];
    for (gint64 number = last->number + 1; number <= reset->last; number++)
        if (!drop_state(connection, reset->job, number, error))
            return false;
    return true;
}

static bool write_reset(struct store_connection *connection, void *data, GError **error)
{
    struct reset *reset = data;
    return resource_update_within(connection, reset->store, BOOKMARK_KIND, reset->job, begin_reset,
                                  reset, error) &&
           (reset->kept ? undo_later(connection, reset, error)
                        : reset_whole(connection, reset, error));
}

bool reset_job_bookmark(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *job = json_text_at(request, "JobName"), *run = json_text_at(request, "RunId");
    g_autoptr(resource_auto) bookmark = NULL;
    g_autoptr(GPtrArray) entries = NULL;
    if (!read_both(call->lathe->store, job, &bookmark, &entries, error))
        return false;
    int at = run ? place_of(entries, run) : -1;
    if (!bookmark || (run && at < 0))
        return missing(job, error);
    struct reset reset = {job, call->lathe->store, entries, (guint)(at + 1), 0, 0};
    return store_write(call->lathe->store, write_reset, &reset, error) &&
           glue_reply(reply, "JobBookmarkEntry",
                      describe(job, reset.version, at < 0 ? NULL : entries->pdata[at]));
}
