#include "train/report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

void report_line(const char *line)
{
    fputs(line, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

static void write_log(const char *level, const char *text)
{
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%d:%H:%M:%S", gmtime_r(&now, &utc));
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_append_printf(line, "[%s:%s] %s", stamp, level, text);
    g_string_replace(line, "\t", "#011", 0);
    g_strdelimit(line->str, "\r\n", ' ');
    report_line(line->str);
}

/* Where lines go that are not to be written, or NULL. */
static GPtrArray *kept_lines;

void report_log(const char *level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strchomp(g_strdup_vprintf(format, arguments));
    va_end(arguments);
    if (!kept_lines) {
        write_log(level, text);
        return;
    }
    g_ptr_array_add(kept_lines, g_strdup(level));
    g_ptr_array_add(kept_lines, g_steal_pointer(&text));
}

void report_keep(GPtrArray *lines)
{
    kept_lines = lines;
}

void report_kept(const GPtrArray *lines)
{
    for (guint i = 0; i + 1 < lines->len; i += 2)
        write_log(g_ptr_array_index(lines, i), g_ptr_array_index(lines, i + 1));
}

/* Whole lines, whichever threads write them. */
static void write_all(int fd, const char *bytes, size_t size)
{
    static GMutex lock;
    g_mutex_lock(&lock);
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            break;
        bytes += written;
        size -= (size_t)written;
    }
    g_mutex_unlock(&lock);
}

char *score_text(double value, bool six_digits)
{
    /* printf writes the sign of a NaN; Python does not. */
    double shown = isnan(value) ? fabs(value) : value;
    return six_digits ? g_strdup_printf("%g", shown) : g_strdup_printf("%.5f", shown);
}

void report_round(int fd, int round, const GArray *scores, bool six_digits, double progress)
{
    if (fd < 0)
        return;
    double now = clock_now();
    g_autoptr(GString) lines = g_string_new(NULL);
    for (guint i = 0; i < scores->len; i++) {
        const struct score *score = &g_array_index(scores, struct score, i);
        g_autofree char *value = score_text(score->value, six_digits);
        if (isfinite(score->value)) {
            g_string_append_printf(
                lines, "{\"metric\":\"%s:%s\",\"value\":%s,\"step\":%d,\"time\":%.3f}\n",
                score->data, score->metric, value, round, now);
        }
    }
    g_string_append_printf(lines, "{\"progress\":%.6g}\n", progress);
    write_all(fd, lines->str, lines->len);
}

void report_rule(int fd, const char *name, const char *status, int step, const char *details)
{
    if (fd < 0)
        return;
    g_autoptr(json_auto) rule =
        json_pack("{sssssiss}", "rule", name, "status", status, "step", step, "details", details);
    g_autofree char *text = json_text_of(rule);
    g_autofree char *line = g_strconcat(text, "\n", NULL);
    write_all(fd, line, strlen(line));
}
