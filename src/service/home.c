#include "service/home.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/tasks.h"
#include "catalog/catalog.h"
#include "flow/flows.h"
#include "job/job.h"
#include "lake/lake.h"
#include "log/log_stream.h"
#include "operation/kind.h"
#include "runtime/settings.h"
#include "sandbox/sandbox.h"
#include "serve/captures.h"
#include "serve/endpoint.h"
#include "stream/delivery_stream.h"
#include "table/engine.h"

/* Statements of SQL at once, and those that wait beside them. */
enum { ENGINES = 2, MOST_STATEMENTS = 200 };

/* How long, in hundredths of a second. */
enum { WAIT_FOR_ORPHANS = 200 };

/* Whether the process that the lock's file names has ended. */
static bool is_gone(const char *owner)
{
    gint64 pid = owner ? g_ascii_strtoll(owner, NULL, 10) : 0;
    return pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* A process that was killed may leave children that it has just forked and that have executed
 * nothing yet: each has the lock for a moment more. *owner: who has it for longer; g_free. */
static bool lock_home(int lock, const char *path, char **owner)
{
    for (int waited = 0; flock(lock, LOCK_EX | LOCK_NB) != 0; waited++) {
        g_clear_pointer(owner, g_free);
        g_file_get_contents(path, owner, NULL, NULL);
        if (waited == WAIT_FOR_ORPHANS || !is_gone(*owner))
            return false;
        g_usleep(G_USEC_PER_SEC / 100);
    }
    return true;
}

/* The lock is the kernel's, on an open file: it goes with its owner, however that ends. The file
 * says who it is. */
static bool take_home(struct lathe *lathe, GError **error)
{
    g_autofree char *path = g_build_filename(lathe->home, "lock", NULL);
    if (!file_make_folders(lathe->home, error))
        return false;
    lathe->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lathe->lock < 0)
        return error_set_errno(error, errno, "opening %s", path);
    g_autofree char *owner = NULL;
    if (!lock_home(lathe->lock, path, &owner))
        return error_set(error, ERROR_IN_USE, "%s is in use by the lathe with process id %s",
                         lathe->home, owner && *owner ? g_strstrip(owner) : "(unknown)");
    /* In place of the last owner's line, which takes no new space: a full disk starts, too. */
    g_autofree char *pid = g_strdup_printf("%-10ld\n", (long)getpid());
    if (pwrite(lathe->lock, pid, strlen(pid), 0) < 0 && errno != ENOSPC && errno != EDQUOT)
        return error_set_errno(error, errno, "writing %s", path);
    return true;
}

static char *below(const struct lathe *lathe, const char *name)
{
    return g_build_filename(lathe->home, name, NULL);
}

static bool open_services(struct lathe *lathe, GError **error)
{
    for (size_t i = 0; services[i]; i++)
        if (services[i]->open && !services[i]->open(lathe, error))
            return false;
    lathe->operations = operations_new(lathe, lathe->store, services, lathe->account, error);
    return lathe->operations != NULL;
}

static bool recover_kinds(struct lathe *lathe, GError **error)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++)
        if (kind->recover && !kind->recover(lathe, error))
            return false;
    return true;
}

/* ---- tidying ---- */

#define TIDY_SECONDS 3600.0
#define DAY_SECONDS 86400.0

static void tidy(void *data)
{
    struct lathe *lathe = data;
    atomic_store(&lathe->tidy_waits, false);
    lake_tidy(lathe->lake, clock_wall(lathe->clock));
    jobs_tidy(lathe->jobs);
    for (size_t i = 0; services[i]; i++)
        if (services[i]->tidy)
            services[i]->tidy(lathe, clock_wall(lathe->clock));
}

static void tidy_again(void *data)
{
    struct lathe *lathe = data;
    if (!atomic_exchange(&lathe->tidy_waits, true))
        tasks_add(lathe->chores, tidy, lathe);
    lathe->next_tidy = clock_set(lathe->clock, CLOCK_STEADY,
                                 clock_steady(lathe->clock) + MIN(TIDY_SECONDS, lathe->day / 5),
                                 tidy_again, lathe);
}

/* The first time at once: a server that never runs for an hour is tidied too. */
static bool begin_to_tidy(struct lathe *lathe)
{
    lathe->chores = tasks_new();
    lathe->day = DAY_SECONDS;
    tidy_again(lathe); /* no alarm: one that went off before it was known could not be cancelled */
    return true;
}

/* One that goes off meanwhile sets the next: until there is none. */
static void cancel_tidying(struct lathe *lathe)
{
    guint64 alarm;
    do {
        alarm = lathe->next_tidy;
        clock_cancel(lathe->clock, alarm);
    } while (alarm != lathe->next_tidy);
}

static void end_tidying(struct lathe *lathe)
{
    if (lathe->next_tidy)
        cancel_tidying(lathe);
    tasks_free(lathe->chores);
}

void lathe_shorten_days(struct lathe *lathe, double seconds)
{
    cancel_tidying(lathe);
    lathe->day = seconds;
    tidy_again(lathe);
}

void lathe_move_clock(struct lathe *lathe, double seconds)
{
    clock_move(lathe->clock, seconds);
    captures_wait(lathe->captures);
    delivery_streams_wait(lathe->streams);
    tasks_wait(lathe->chores);
}

/* ---- opening and closing ---- */

static bool open_parts(struct lathe *lathe, GError **error)
{
    g_autofree char *database = below(lathe, "meta.db");
    g_autofree char *lake = below(lathe, "lake");
    g_autofree char *logs = below(lathe, "logs");
    g_autofree char *jobs = below(lathe, "jobs");
    g_autofree char *engine = g_build_filename(lathe->home, "cache", "engine", NULL);
    return take_home(lathe, error) && lake_check_home(database, lake, error) &&
           (lathe->clock = clock_open(error)) && (lathe->store = store_open(database, error)) &&
           (lathe->lake = lake_open(lathe->store, lake, error)) &&
           (lathe->catalog = catalog_open(lathe->store, error)) &&
           (lathe->engine = engine_open(&(struct engine_plan){.folder = engine,
                                                              .count = ENGINES,
                                                              .waiting = MOST_STATEMENTS},
                                        error)) &&
           (lathe->logs = logs_open(logs, error)) &&
           (lathe->jobs = jobs_open(&(struct jobs_settings){.folder = jobs,
                                                            .logs = lathe->logs,
                                                            .lake = lathe->lake,
                                                            .slots = lathe->settings->slots,
                                                            .clock = lathe->clock},
                                    error)) &&
           open_services(lathe, error);
}

bool lathe_recover(struct lathe *lathe, GError **error)
{
    return recover_kinds(lathe, error) &&
           (lathe->flows = flows_open(lathe->store, lathe->operations, lathe->clock, error)) &&
           begin_to_tidy(lathe);
}

struct lathe *lathe_open(const char *home, const char *account, const char *configuration,
                         GError **error)
{
    struct lathe *lathe = g_new0(struct lathe, 1);
    lathe->lock = -1;
    lathe->home = g_canonicalize_filename(home, NULL);
    lathe->account = g_strdup(account);
    lathe->settings = settings_read(lathe->home, configuration, error);
    if (lathe->settings && lathe->settings->isolated && lathe->settings->memory)
        lathe->groups = sandbox_claim_groups();
    if (lathe->settings && open_parts(lathe, error))
        return lathe;
    lathe_close(lathe);
    return NULL;
}

void lathe_hurry(struct lathe *lathe)
{
    atomic_store(&lathe->ends, true);
    if (lathe->endpoints)
        endpoints_end(lathe->endpoints);
}

void lathe_close(struct lathe *lathe)
{
    if (!lathe)
        return;
    lathe_hurry(lathe);
    end_tidying(lathe);
    flows_close(lathe->flows); /* first: a job that ends because lathe does is no step's end */
    jobs_close(lathe->jobs);
    for (size_t i = 0; services[i]; i++)
        if (services[i]->close)
            services[i]->close(lathe);
    operations_free(lathe->operations);
    engine_close(lathe->engine);
    logs_close(lathe->logs);
    catalog_close(lathe->catalog);
    lake_close(lathe->lake);
    store_close(lathe->store);
    clock_close(lathe->clock);
    if (lathe->lock >= 0)
        close(lathe->lock);
    settings_free(lathe->settings);
    g_free(lathe->groups);
    g_free(lathe->home);
    g_free(lathe->account);
    g_free(lathe);
}

char *call_role(const struct call *call)
{
    return g_strdup_printf("arn:aws:iam::%s:role/" LATHE_ROLE, call->account);
}
