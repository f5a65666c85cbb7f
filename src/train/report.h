/* report.h: what a training job says: its log, and metrics and progress for whoever started it. */
#ifndef LATHE_TRAIN_REPORT_H
#define LATHE_TRAIN_REPORT_H

#include <glib.h>
#include <stdbool.h>

/* A line of the log on standard output: "[2026-11-21:10:20:30:INFO] text". Levels are Python's
 * names. A tab or line end in the text would break the line and is written as #011 or a space. */
void report_log(const char *level, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* From now on report_log writes nothing, but adds level and text to `lines`, two texts a line,
 * which free what they hold (g_free); NULL: it writes again. Of a process with one thread. */
void report_keep(GPtrArray *lines);
/* Writes such lines, as of now. */
void report_kept(const GPtrArray *lines);

/* A line of the log as it is, without time and level: a round's metrics. */
void report_line(const char *line);

/* One metric of one data set after one round. */
struct score {
    const char *data;   /* "train", "validation" */
    const char *metric; /* "rmse", "error@0.7" */
    double value;
};

/* How a value stands in the log, and so in the metrics that are read from it: with five places, or
 * as early releases print it, six digits. g_free it. */
char *score_text(double value, bool six_digits);

/* Writes JSON lines to fd (none where it is negative):
 *   {"metric":"validation:auc","value":0.9,"step":12,"time":1700000000.123}
 *   {"progress":0.3}
 * in one write a round, so that lines of two writers do not mix. A value that is not finite has no
 * form in JSON and is left out; the others have the digits of the log. A reader that has gone away
 * does not stop the job. */
void report_round(int fd, int round, const GArray *scores, bool six_digits, double progress);

/* Writes what became of a debugger rule, as rules.h says, in one write. */
void report_rule(int fd, const char *name, const char *status, int step, const char *details);

#endif
