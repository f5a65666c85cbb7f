#include "train/report.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

void report_line(const char *line)
{
    fputs(line, stdout);
    fputc('\n', stdout);
    fflush(stdout);
}

void report_log(const char *level, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%d:%H:%M:%S", gmtime_r(&now, &utc));
    g_autoptr(GString) line = g_string_new(NULL);
    g_string_append_printf(line, "[%s:%s] %s", stamp, level, g_strchomp(text));
    g_string_replace(line, "\t", "#011", 0);
    g_strdelimit(line->str, "\r\n", ' ');
    report_line(line->str);
}

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return;
        }
        bytes += written;
        size -= (size_t)written;
    }
}

void report_round(int fd, int round, const struct score *scores, size_t count, double progress)
{
    if (fd < 0) {
        return;
    }
    double now = clock_now();
    g_autoptr(GString) lines = g_string_new(NULL);
    for (size_t i = 0; i < count; i++) {
        if (isfinite(scores[i].value)) {
            g_string_append_printf(
                lines, "{\"metric\":\"%s:%s\",\"value\":%.15g,\"step\":%d,\"time\":%.3f}\n",
                scores[i].data, scores[i].metric, scores[i].value, round, now);
        }
    }
    g_string_append_printf(lines, "{\"progress\":%.6g}\n", progress);
    write_all(fd, lines->str, lines->len);
}
