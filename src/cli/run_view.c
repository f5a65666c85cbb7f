/* The steps of an execution while it runs. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "service/home.h"

/* How often the view is drawn anew where nothing changed, and logs are asked for their last line.
 */
#define FRAME_SECONDS 0.25
#define LAST_WORDS 60

struct run_view {
    const struct definition *definition;
    bool silent, terminal, ended;
    int width;         /* of the longest step's name */
    unsigned drawn;    /* lines on the terminal */
    double frame;      /* when it was last drawn */
    GHashTable *shown; /* step -> the status that was printed */
    GHashTable *words; /* step -> the last line of its log */
};

struct run_view *run_view_new(const struct definition *definition, bool silent)
{
    struct run_view *view = g_new0(struct run_view, 1);
    view->definition = definition;
    view->silent = silent;
    view->terminal = isatty(STDOUT_FILENO);
    view->shown = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    view->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < definition->steps->len; i++) {
        const struct definition_step *step = g_ptr_array_index(definition->steps, i);
        view->width = MAX(view->width, (int)strlen(step->name));
    }
    return view;
}

void run_view_free(struct run_view *view)
{
    if (!view)
        return;
    g_hash_table_unref(view->shown);
    g_hash_table_unref(view->words);
    g_free(view);
}

const json_t *run_step(const json_t *steps, const char *name)
{
    size_t i;
    const json_t *step;
    json_array_foreach((json_t *)steps, i, step)
    {
        if (g_strcmp0(json_text_at(step, "StepName"), name) == 0)
            return step;
    }
    return NULL;
}

const char *run_job_name(const json_t *step, const char *kind)
{
    if (!kind) /* a kind with logs that is no step, as Glue's jobs */
        return NULL;
    const char *arn = json_text_at(json_at(json_object_get(step, "Metadata"), kind), "Arn");
    return arn ? strrchr(arn, '/') + 1 : NULL;
}

/* ---- a step's last words ---- */

static char *last_message(const char *group, const char *job)
{
    g_autoptr(json_auto) find =
        json_pack("{ssso}", "logGroupName", group, "logStreamNamePrefix", json_sprintf("%s/", job));
    g_autoptr(json_auto) found = cli_ask("logs", "DescribeLogStreams", find, NULL);
    const char *stream = json_text_at(found, "logStreams[0].logStreamName");
    if (!stream)
        return NULL;
    g_autoptr(json_auto) tail = json_pack("{sssssisb}", "logGroupName", group, "logStreamName",
                                          stream, "limit", 1, "startFromHead", 0);
    g_autoptr(json_auto) events = cli_ask("logs", "GetLogEvents", tail, NULL);
    const char *message = json_text_at(events, "events[0].message");
    if (!message)
        return NULL;
    /* XGBoost's container writes tabs as #011. */
    g_auto(GStrv) words = g_strsplit(message, "#011", -1);
    g_autofree char *line = g_strjoinv(" ", words);
    return g_utf8_substring(line, 0, MIN(LAST_WORDS, g_utf8_strlen(line, -1)));
}

static void ask_for_words(struct run_view *view, const json_t *step)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++) {
        const char *job = kind->log_group ? run_job_name(step, kind->step_metadata) : NULL;
        char *words = job ? last_message(kind->log_group, job) : NULL;
        if (words)
            g_hash_table_insert(view->words, g_strdup(json_text_at(step, "StepName")), words);
    }
}

/* ---- lines ---- */

static bool is_final(const char *status)
{
    return strcmp(status, "Succeeded") == 0 || strcmp(status, "Failed") == 0 ||
           strcmp(status, "Stopped") == 0;
}

static char *line_of(const struct run_view *view, const char *name, const json_t *step)
{
    const char *status = step          ? json_text_at(step, "StepStatus")
                         : view->ended ? "not run"
                                       : "waits";
    const char *words = g_hash_table_lookup(view->words, name);
    const char *outcome = json_text_at(step, "Metadata.Condition.Outcome");
    const char *reason = json_text_at(step, "FailureReason");
    gint64 attempts = json_integer_at(step, "AttemptCount", 1);
    if (json_object_get(step, "CacheHitResult"))
        words = "as in an earlier execution";
    else if (outcome)
        words = outcome;
    else if (reason)
        words = reason;
    else if (!words)
        words = "";
    GString *line = g_string_new(NULL);
    g_string_append_printf(line, "%-*s  %-9s", view->width, name, status);
    if (step) {
        double end = json_number_at(step, "EndTime", clock_now());
        g_string_append_printf(line, " %7.1f s", end - json_number_at(step, "StartTime", end));
    }
    if (attempts > 1)
        g_string_append_printf(line, "  attempt %d", (int)attempts);
    if (*words)
        g_string_append_printf(line, "  %s", words);
    return g_string_free(line, FALSE);
}

/* Prints the steps whose status changed. Returns whether any did. */
static bool print_changes(struct run_view *view, const json_t *steps, bool print)
{
    bool any = false;
    size_t i;
    const json_t *step;
    json_array_foreach((json_t *)steps, i, step)
    {
        const char *name = json_text_at(step, "StepName");
        const char *status = json_text_at(step, "StepStatus");
        if (g_strcmp0(g_hash_table_lookup(view->shown, name), status) == 0)
            continue;
        any = true;
        g_hash_table_insert(view->shown, g_strdup(name), g_strdup(status));
        if (is_final(status))
            ask_for_words(view, step);
        g_autofree char *line = line_of(view, name, step);
        if (print)
            puts(line);
    }
    if (print && any)
        fflush(stdout);
    return any;
}

static void draw(struct run_view *view, const json_t *steps)
{
    /* A line that wrapped would be two to go up; it is cut instead. */
    printf("\033[?7l");
    if (view->drawn)
        printf("\033[%uA", view->drawn);
    view->drawn = view->definition->steps->len;
    for (guint i = 0; i < view->drawn; i++) {
        const struct definition_step *one = g_ptr_array_index(view->definition->steps, i);
        const json_t *step = run_step(steps, one->name);
        const char *status = json_text_at(step, "StepStatus");
        if (status && !is_final(status))
            ask_for_words(view, step);
        g_autofree char *line = line_of(view, one->name, step);
        printf("\r\033[K%s\n", line);
    }
    printf("\033[?7h");
    fflush(stdout);
}

void run_view_update(struct run_view *view, const json_t *steps, bool ended)
{
    view->ended = ended;
    if (view->silent)
        return;
    bool changed = print_changes(view, steps, !view->terminal);
    double now = clock_monotonic();
    if (!view->terminal || (!changed && !ended && now - view->frame < FRAME_SECONDS))
        return;
    view->frame = now;
    draw(view, steps);
}
