/* What a job's processes use, written in the files of smdebug's profiler. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "job/job_inside.h"

#define NODE "algo-1"

static void add(GString *lines, const char *type, const char *dimension, double value, double now)
{
    g_autoptr(json_auto) event =
        json_pack("{ss ss ss sf ss sf}", "Type", type, "Name", type, "Dimension", dimension,
                  "Value", value, "NodeId", NODE, "Timestamp", now);
    g_autofree char *text = json_text_of(event);
    g_string_append_printf(lines, "%s\n", text);
}

/* Of the whole machine, as a per cent. */
static double memory_share(guint64 bytes)
{
    double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    return 100 * (double)bytes / all;
}

/* A process that ended unseen takes what it had read and written with it. */
static double rate_of(guint64 before, guint64 now, double seconds)
{
    return now > before ? (double)(now - before) / seconds : 0;
}

static GString *lines_of(const struct process_usage *before, const struct process_usage *now,
                         double seconds)
{
    GString *lines = g_string_new(NULL);
    double time = clock_now(), cores = (double)g_get_num_processors();
    double cpu = (now->cpu_seconds - before->cpu_seconds) / seconds / cores * 100;
    add(lines, "cpu", "CPUUtilization", CLAMP(cpu, 0, 100), time);
    add(lines, "memory", "MemoryUsedPercent", memory_share(now->memory), time);
    add(lines, "memory", "MemoryUsedBytes", (double)now->memory, time);
    add(lines, "disk", "ReadBytesPerSecond", rate_of(before->read_bytes, now->read_bytes, seconds),
        time);
    add(lines, "disk", "WriteBytesPerSecond",
        rate_of(before->written_bytes, now->written_bytes, seconds), time);
    return lines;
}

/* The minute's file; g_free. */
static char *path_of(const struct job *job)
{
    time_t minute = (time_t)clock_now() / 60 * 60;
    struct tm utc;
    char hour[16];
    strftime(hour, sizeof hour, "%Y%m%d%H", gmtime_r(&minute, &utc));
    g_autofree char *name = g_strdup_printf("%jd." NODE ".json", (intmax_t)minute);
    return g_build_filename(job->folder, JOB_PROFILE, "system/incremental", hour, name, NULL);
}

static bool append(const struct job *job, const GString *lines, GError **error)
{
    g_autofree char *path = path_of(job);
    g_autofree char *folder = g_path_get_dirname(path);
    if (!file_make_folders(folder, error))
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "opening %s", path);
    bool written = file_write_all(fd, lines->str, lines->len, error);
    close(fd);
    return written;
}

/* A disk that is full ends no job: it is told once. */
static void record(struct job *job, struct profile *profile, double seconds)
{
    struct process_usage now = process_usage(&job->process);
    g_autoptr(GString) lines = lines_of(&profile->usage, &now, seconds);
    g_autoptr(GError) error = NULL;
    profile->usage = now;
    if (append(job, lines, &error) || profile->failed)
        return;
    profile->failed = true;
    job_log(job, "What the job uses could not be recorded: %s", error->message);
}

double profile_look(struct job *job, struct profile *profile)
{
    double interval = job->plan->profile_seconds, now = clock_monotonic();
    if (interval <= 0)
        return 0;
    if (profile->looked <= 0) {
        profile->usage = process_usage(&job->process);
        profile->looked = now;
    } else if (now - profile->looked >= interval) {
        record(job, profile, now - profile->looked);
        profile->looked = now;
    }
    return MAX(profile->looked + interval - now, 0.001);
}
