/* What moves a run from its start to its end: a process of the jobs' room, or a script of SQL on a
 * thread of the engine's.
 *
 * After a crash, a run that had not begun begins, a script of SQL goes on behind the last statement
 * that was done, and a process that was cut off has failed, and is run again where its job retries.
 * A stop is a status of the run's, which whoever moves it looks at before each step. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "job/job.h"
#include "service/glue/job.h"

#define CUT_OFF "lathe ended unexpectedly while the run was going on."
#define TIMED_OUT "The run took longer than its Timeout of %d minutes."
enum { LONGEST_BOOKMARK = 16 << 20 };

/* ---- a process ---- */

struct process {
    struct lathe *lathe;
    char *id;
    json_t *command;
    gint64 timeout; /* minutes */
    gint64 version; /* of the bookmark; -1: it moves none */
    json_t *states; /* that it left */
    char *message;  /* of a bad end */
    bool told;      /* in its log */
};

struct phase {
    bool wanted;
    bool runs;
};

static bool take_phase(struct resource *run, void *data, GError **error)
{
    struct phase *phase = data;
    (void)error;
    phase->wanted = strcmp(run->status, "STARTING") == 0 || strcmp(run->status, "RUNNING") == 0;
    if (!phase->wanted || !phase->runs)
        return true;
    g_free(run->status);
    run->status = g_strdup("RUNNING");
    json_object_set_new(run->body, "Began", json_real(clock_now()));
    return true;
}

static bool enters(struct job *job, enum job_phase at, void *data)
{
    const struct process *process = data;
    struct phase phase = {true, at == JOB_RUNS};
    g_autoptr(GError) error = NULL;
    if (at == JOB_STORES)
        return true;
    if (!resource_update_ordered(process->lathe->store, JOB_RUN_KIND, process->id, take_phase,
                                 &phase, &error))
        job_log(job, "How far the run is could not be recorded: %s", error->message);
    return phase.wanted;
}

static void report(const json_t *line, void *data)
{
    (void)line;
    (void)data;
}

/* Before its end is seen; once, however often that has to be written. What the process ended by is
 * in its log already. */
static void tell(struct process *process, const struct job_end *end)
{
    if (process->message && !end->reason && !process->told)
        job_run_tell(process->lathe, process->command, process->id, process->message);
    process->told = true;
}

/* What Job.commit() left. A script that wrote something else has left none. */
static json_t *read_states(const struct process *process)
{
    g_autofree char *folder = g_build_filename(process->lathe->home, "jobs", process->id, NULL);
    int fd = file_open_below(folder, "output/bookmark.json", NULL);
    if (fd < 0)
        return NULL;
    g_autoptr(GMappedFile) file = g_mapped_file_new_from_fd(fd, FALSE, NULL);
    close(fd);
    gsize size = file ? g_mapped_file_get_length(file) : 0;
    g_autoptr(json_auto) left =
        size && size < LONGEST_BOOKMARK
            ? json_parse(g_mapped_file_get_contents(file), size, "output/bookmark.json", NULL)
            : NULL;
    json_t *states = json_object_get(left, "states");
    return json_is_object(states) ? json_incref(states) : NULL;
}

/* Glue tells what the program said, without AWS's kind of the error. */
static char *message_of(const struct job_end *end, gint64 timeout)
{
    static const char kind[] = "AlgorithmError: ";
    if (end->how == JOB_TIMED_OUT)
        return g_strdup_printf(TIMED_OUT, (int)timeout);
    if (end->cut_off)
        return g_strdup(CUT_OFF);
    const char *reason = end->reason;
    return g_strdup(reason && g_str_has_prefix(reason, kind) ? reason + strlen(kind) : reason);
}

static bool end_process(struct store_connection *connection, const struct job_end *how, void *data,
                        GError **error)
{
    static const char *const states[] = {[JOB_COMPLETED] = "SUCCEEDED",
                                         [JOB_FAILED] = "FAILED",
                                         [JOB_STOPPED] = "STOPPED",
                                         [JOB_TIMED_OUT] = "TIMEOUT"};
    struct process *process = data;
    if (how->how == JOB_COMPLETED && process->version >= 0 && !process->states)
        process->states = read_states(process);
    if (!process->message && how->how != JOB_COMPLETED && how->how != JOB_STOPPED)
        process->message = message_of(how, process->timeout);
    tell(process, how);
    struct job_run_end end = {.id = process->id,
                              .state = states[how->how],
                              .message = process->message,
                              .state_of_script = process->states,
                              .version = process->states ? process->version : -1};
    return job_run_end_within(connection, process->lathe, &end, error);
}

static void free_process(void *data)
{
    struct process *process = data;
    g_free(process->id);
    json_decref(process->command);
    g_free(process->message);
    json_decref(process->states);
    g_free(process);
}

static const struct job_actor actor = {enters, report, NULL, end_process, free_process};

/* What the script is told of its bookmark; NULL: it has none. */
static json_t *told_of(const struct bookmark *bookmark)
{
    return bookmark->option == BOOKMARK_DISABLED
               ? NULL
               : json_pack("{sI sI sO sO*}", "version", (json_int_t)bookmark->version, "run",
                           (json_int_t)bookmark->run, "states", bookmark->states, "until",
                           bookmark->last_states);
}

static struct process *process_of(struct lathe *lathe, const struct resource *run,
                                  const struct bookmark *bookmark)
{
    struct process *process = g_new0(struct process, 1);
    process->lathe = lathe;
    process->id = g_strdup(run->name);
    process->command = json_deep_copy(json_object_get(run->body, "Command"));
    process->timeout = json_integer_at(run->body, "Timeout", 0);
    process->version = bookmark->option == BOOKMARK_ENABLED ? bookmark->version : -1;
    return process;
}

static bool submit(struct lathe *lathe, const struct resource *run, GError **error)
{
    struct call_context asker = call_kept(run->body);
    struct call call = {.lathe = lathe,
                        .service = "glue",
                        .region = asker.region ? asker.region : "us-east-1",
                        .account = lathe->account,
                        .within = asker.within};
    struct bookmark bookmark = {0};
    bool read = bookmark_read(lathe, run, &bookmark, error);
    g_autoptr(json_auto) told = read ? told_of(&bookmark) : NULL;
    struct job_plan *plan = read ? job_run_plan(&call, run, told, error) : NULL;
    g_autofree char *group = job_run_log(json_object_get(run->body, "Command"), "output");
    g_autofree char *errors = job_run_log(json_object_get(run->body, "Command"), "error");
    struct job_order order = {.id = run->name,
                              .log_group = group,
                              .errors_group = errors,
                              .log_stream = run->name,
                              .plan = plan,
                              .actor = &actor};
    if (plan) {
        order.data = process_of(lathe, run, &bookmark);
        jobs_submit(lathe->jobs, &order);
    }
    bookmark_clear(&bookmark);
    return plan != NULL;
}

/* ---- the life ---- */

struct life {
    struct flow_life *life;
    struct lathe *lathe;
    struct sql_run *sql; /* NULL: it is a process */
    gint64 timeout;      /* minutes; 0: none */
    double deadline;     /* of SQL, on the wall's clock; 0: none */
    bool begun, stops, late, told, ended;
    bool is_back;          /* the errand: it saw the stop before this did */
    bool cut_off;          /* a process of an earlier start */
    char *state, *message; /* of an end that is to be written; or NULL */
    json_t *command;
};

static struct resource *find(const struct life *life, GError **error)
{
    return resource_get(life->lathe->store, JOB_RUN_KIND, flow_name(life->life), error);
}

static bool is(const struct resource *run, const char *state)
{
    return strcmp(run->status, state) == 0;
}

/* By the server's clock, which tests move; what is kept of a run goes by the machine's. */
static double deadline_of(const struct life *life, const struct resource *run)
{
    double now = clock_now(), ran = now - json_number_at(run->body, "Began", now);
    return life->timeout ? clock_wall(life->lathe->clock) - ran + 60 * (double)life->timeout : 0;
}

static void *load(struct flow_life *flow, GError **error)
{
    const struct flow_context *context = flow_context(flow);
    flow_await(flow, JOB_RUN_KIND, flow_name(flow));
    g_autoptr(resource_auto) run =
        resource_get(context->store, JOB_RUN_KIND, flow_name(flow), error);
    if (!run || !(is(run, "STARTING") || is(run, "RUNNING") || is(run, "STOPPING")))
        return NULL;
    struct life *life = g_new0(struct life, 1);
    life->life = flow;
    life->lathe = operations_lathe(context->operations);
    life->timeout = json_integer_at(run->body, "Timeout", 0);
    life->stops = is(run, "STOPPING");
    life->command = json_deep_copy(json_object_get(run->body, "Command"));
    if (job_command_of(json_object_get(run->body, "Command")) == JOB_SQL) {
        life->sql = sql_run_new(life->lathe, run->name);
        life->deadline = deadline_of(life, run);
    } else {
        life->cut_off = is(run, "RUNNING");
    }
    return life;
}

/* A process's end is written by its slot, one of SQL by its last statement. */
static void heard(void *state, const char *kind, const char *name, const char *status)
{
    struct life *life = state;
    (void)kind;
    (void)name;
    if (!status || kind_outcome(&job_run_kind, status) != KIND_GOES_ON)
        life->ended = true;
    else if (strcmp(status, "STOPPING") == 0)
        life->stops = true;
}

static void set_end(struct life *life, const char *state, const char *message)
{
    if (life->state)
        return;
    life->state = g_strdup(state);
    life->message = g_strdup(message);
}

/* ---- SQL's errand ---- */

struct errand {
    struct sql_run *sql;
    GError *error;
};

static void run_errand(void *data)
{
    struct errand *errand = data;
    sql_run_all(errand->sql, &errand->error);
}

/* A server that ends leaves it as it is: the next start goes on with it. */
static void back(void *state, void *data)
{
    struct life *life = state;
    struct errand *errand = data;
    bool cancelled = g_error_matches(errand->error, LATHE_ERROR, ERROR_CANCELLED);
    g_autofree char *late = g_strdup_printf(TIMED_OUT, (int)life->timeout);
    life->is_back = true;
    if (!errand->error)
        life->ended = true;
    else if (life->late)
        set_end(life, "TIMEOUT", late);
    else if (life->stops)
        set_end(life, "STOPPED", NULL);
    else if (!cancelled)
        set_end(life, "FAILED", errand->error->message);
}

static void free_errand(void *data)
{
    struct errand *errand = data;
    g_clear_error(&errand->error);
    sql_run_unref(errand->sql);
    g_free(errand);
}

static void send(struct life *life)
{
    static const struct flow_errand type = {run_errand, back, free_errand, false};
    struct errand *errand = g_new0(struct errand, 1);
    errand->sql = sql_run_ref(life->sql);
    flow_send(life->life, &type, errand);
}

/* ---- turns ---- */

static bool write_end(struct store_connection *connection, void *data, GError **error)
{
    const struct life *life = data;
    struct job_run_end end = {
        .id = flow_name(life->life), .state = life->state, .message = life->message, .version = -1};
    return job_run_end_within(connection, life->lathe, &end, error);
}

/* Why is told before the end is seen, once. */
static bool end(struct life *life, GError **error)
{
    if (life->message && !life->told)
        job_run_tell(life->lathe, life->command, flow_name(life->life), life->message);
    life->told = true;
    life->ended = store_write_spare(life->lathe->store, write_end, life, error);
    return life->ended;
}

/* What cannot be begun has failed. */
static bool begin(struct life *life, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(resource_auto) run = find(life, error);
    life->begun = run != NULL;
    if (!run)
        return false;
    if (life->sql)
        send(life);
    else if (!submit(life->lathe, run, &cause))
        set_end(life, "FAILED", cause->message);
    return true;
}

static void stop(struct life *life)
{
    if (!life->begun || life->is_back)
        set_end(life, "STOPPED", NULL);
    else if (life->sql)
        sql_run_stop(life->sql);
    else
        jobs_stop(life->lathe->jobs, flow_name(life->life));
}

static void look_at_time(struct life *life)
{
    life->late |= life->deadline > 0 && clock_wall(life->lathe->clock) >= life->deadline;
    if (life->late && life->begun)
        sql_run_stop(life->sql);
}

static enum flow_turn advance(void *state, GError **error)
{
    struct life *life = state;
    look_at_time(life);
    if (life->cut_off)
        set_end(life, "FAILED", CUT_OFF);
    if (life->stops)
        stop(life);
    if (!life->begun && !life->state && !begin(life, error))
        return FLOW_FAILED;
    if (!life->ended && life->state && !end(life, error))
        return FLOW_FAILED;
    return life->ended ? FLOW_ENDED : FLOW_WAITS;
}

static double wakes_at(const void *state)
{
    const struct life *life = state;
    return life->late ? 0 : life->deadline;
}

static void free_life(void *state)
{
    struct life *life = state;
    if (life->sql)
        sql_run_unref(life->sql);
    json_decref(life->command);
    g_free(life->state);
    g_free(life->message);
    g_free(life);
}

static const char *const statuses[] = {"STARTING", "RUNNING", "STOPPING", NULL};

const struct flow_driver job_run_driver = {
    .kind = JOB_RUN_KIND,
    .statuses = statuses,
    .load = load,
    .heard = heard,
    .advance = advance,
    .wakes_at = wakes_at,
    .free = free_life,
};
