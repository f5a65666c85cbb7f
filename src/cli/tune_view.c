/* A tuning job while it runs. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/tune.h"

enum { MOST_ROWS = 12, PLOT_WIDTH = 48, SHOWN_VALUE = 10, NARROWEST = 40, WIDTH_UNKNOWN = 100 };

struct tune_view {
    bool silent, terminal;
    unsigned drawn;    /* lines on the terminal */
    GHashTable *ended; /* trials that were printed */
    char *last;        /* what was drawn last */
};

struct tune_view *tune_view_new(bool silent)
{
    struct tune_view *view = g_new0(struct tune_view, 1);
    view->silent = silent;
    view->terminal = isatty(STDOUT_FILENO);
    view->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return view;
}

void tune_view_free(struct tune_view *view)
{
    if (!view)
        return;
    g_hash_table_unref(view->ended);
    g_free(view->last);
    g_free(view);
}

/* ---- one trial ---- */

static bool objective_of(const json_t *trial, double *value)
{
    const json_t *found = json_at(trial, "FinalHyperParameterTuningJobObjectiveMetric.Value");
    *value = json_number_value(found);
    return found != NULL;
}

static bool is_maximized(const json_t *trial)
{
    const char *type = json_text_at(trial, "FinalHyperParameterTuningJobObjectiveMetric.Type");
    return g_strcmp0(type, "Maximize") == 0;
}

/* "eta=0.1312 max_depth=4": numbers as far as they can be read at a glance. */
static void add_hyperparameters(GString *text, const json_t *trial)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(trial, "TunedHyperParameters"), name, value)
    {
        char *end;
        const char *as_text = json_string_value(value);
        double number = g_ascii_strtod(as_text, &end);
        if (*end || !strchr(as_text, '.'))
            g_string_append_printf(text, " %s=%s", name, as_text);
        else
            g_string_append_printf(text, " %s=%.4g", name, number);
    }
}

static void add_trial(GString *text, const json_t *trial, const char *best)
{
    double value;
    const char *job = json_text_at(trial, "TrainingJobName");
    const char *tuning = json_text_at(trial, "TuningJobName");
    g_string_append_printf(text, "%s %-12s %-11s", g_strcmp0(job, best) == 0 ? "*" : " ",
                           job + strlen(tuning) + 1, json_text_at(trial, "TrainingJobStatus"));
    if (objective_of(trial, &value))
        g_string_append_printf(text, "%*.6g ", SHOWN_VALUE, value);
    else
        g_string_append_printf(text, "%*s ", SHOWN_VALUE, "-");
    add_hyperparameters(text, trial);
}

/* ---- progress ---- */

/* The best so far, trial by trial. */
static GArray *progress_of(const json_t *trials)
{
    GArray *best = g_array_new(FALSE, FALSE, sizeof(double));
    size_t i;
    const json_t *trial;
    json_array_foreach((json_t *)trials, i, trial)
    {
        double value, last;
        if (!objective_of(trial, &value))
            continue;
        if (best->len) {
            last = g_array_index(best, double, best->len - 1);
            value = is_maximized(trial) ? fmax(value, last) : fmin(value, last);
        }
        g_array_append_val(best, value);
    }
    return best;
}

/* A column for as many trials as there is no room for one each. */
static void add_plot(GString *text, const json_t *trials)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    g_autoptr(GArray) best = progress_of(trials);
    if (best->len < 2)
        return;
    double first = g_array_index(best, double, 0);
    double last = g_array_index(best, double, best->len - 1);
    double low = fmin(first, last), high = fmax(first, last);
    guint columns = MIN(best->len, PLOT_WIDTH);
    g_string_append_printf(text, "  best so far  %.6g ", first);
    for (guint c = 0; c < columns; c++) {
        double value = g_array_index(best, double, c *(best->len - 1) / MAX(columns - 1, 1));
        double part = high > low ? (value - low) / (high - low) : 0;
        g_string_append(text, bars[(size_t)(part * (G_N_ELEMENTS(bars) - 1) + 0.5)]);
    }
    g_string_append_printf(text, " %.6g\n", last);
}

/* ---- the whole ---- */

static void add_head(GString *text, const json_t *job)
{
    const json_t *counters = json_object_get(job, "TrainingJobStatusCounters");
    g_string_append_printf(text, "%s  %s  %d done, %d running, %d stopped, %d failed\n",
                           json_text_at(job, "HyperParameterTuningJobName"),
                           json_text_at(job, "HyperParameterTuningJobStatus"),
                           (int)json_integer_at(counters, "Completed", 0),
                           (int)json_integer_at(counters, "InProgress", 0),
                           (int)json_integer_at(counters, "Stopped", 0),
                           (int)(json_integer_at(counters, "NonRetryableError", 0) +
                                 json_integer_at(counters, "RetryableError", 0)));
}

static size_t terminal_width(void)
{
    struct winsize size;
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= NARROWEST;
    return known ? size.ws_col - 1u : WIDTH_UNKNOWN;
}

/* A line that wrapped would be two, and the next drawing would begin too low. */
static char *cut_line(const char *line)
{
    size_t width = terminal_width();
    bool fits = (size_t)g_utf8_strlen(line, -1) <= width;
    return fits ? g_strdup(line) : g_utf8_substring(line, 0, (glong)width);
}

static char *draw(const json_t *job, const json_t *trials)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *best = json_text_at(job, "BestTrainingJob.TrainingJobName");
    size_t count = json_array_size(trials);
    add_head(text, job);
    for (size_t i = count > MOST_ROWS ? count - MOST_ROWS : 0; i < count; i++) {
        add_trial(text, json_array_get(trials, i), best);
        g_string_append_c(text, '\n');
    }
    const json_t *winner = json_object_get(job, "BestTrainingJob");
    if (winner) {
        add_trial(text, winner, best);
        g_string_append_c(text, '\n');
    }
    add_plot(text, trials);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void show_on_terminal(struct tune_view *view, const json_t *job, const json_t *trials)
{
    g_autofree char *text = draw(job, trials);
    if (g_strcmp0(text, view->last) == 0)
        return;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    if (view->drawn)
        printf("\033[%uA\033[J", view->drawn);
    view->drawn = 0;
    for (char **line = lines; *line && (*line[0] || line[1]); line++, view->drawn++) {
        g_autofree char *cut = cut_line(*line);
        puts(cut);
    }
    fflush(stdout);
    g_free(view->last);
    view->last = g_steal_pointer(&text);
}

/* Each trial once, when it has ended; at the end the whole. */
static void show_ends(struct tune_view *view, const json_t *trials)
{
    size_t i;
    const json_t *trial;
    json_array_foreach((json_t *)trials, i, trial)
    {
        const char *objective = json_text_at(trial, "ObjectiveStatus");
        const char *job = json_text_at(trial, "TrainingJobName");
        if (g_strcmp0(objective, "Pending") == 0 || g_hash_table_contains(view->ended, job))
            continue;
        g_hash_table_add(view->ended, g_strdup(job));
        g_autoptr(GString) text = g_string_new(NULL);
        add_trial(text, trial, NULL);
        puts(text->str);
    }
    fflush(stdout);
}

void tune_view_update(struct tune_view *view, const json_t *job, const json_t *trials)
{
    if (view->silent)
        return;
    if (view->terminal)
        show_on_terminal(view, job, trials);
    else
        show_ends(view, trials);
}
