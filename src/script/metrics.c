#include "script/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

/* How a tab stands in the logs of SageMaker's containers, which expressions are written for. */
#define TAB "#011"
/* A longer line is cut: an expression that looks back and forth takes long on it. */
enum { LONGEST_LINE = 4096 };

struct definition {
    char *name;
    GRegex *regex;
    bool asks_for_tab; /* as "#011" */
};

struct metrics {
    GArray *definitions;
    GString *line;
    int report;
};

static void clear_definition(void *data)
{
    struct definition *definition = data;
    g_free(definition->name);
    g_regex_unref(definition->regex);
}

static bool add_definition(struct metrics *metrics, const json_t *given, GError **error)
{
    g_autoptr(GError) cause = NULL;
    const char *regex = json_text_at(given, "Regex");
    struct definition definition = {.name = g_strdup(json_text_at(given, "Name")),
                                    .regex = g_regex_new(regex, G_REGEX_RAW, 0, &cause),
                                    .asks_for_tab = strstr(regex, TAB) != NULL};
    if (definition.regex) {
        g_array_append_val(metrics->definitions, definition);
        return true;
    }
    error_set(error, ERROR_VALIDATION, "The Regex of the metric %s is wrong: %s", definition.name,
              cause->message);
    g_free(definition.name);
    return false;
}

struct metrics *metrics_new(const json_t *definitions, int report, GError **error)
{
    struct metrics *metrics = g_new0(struct metrics, 1);
    metrics->definitions = g_array_new(false, false, sizeof(struct definition));
    g_array_set_clear_func(metrics->definitions, clear_definition);
    metrics->line = g_string_new(NULL);
    metrics->report = report;
    size_t i;
    const json_t *definition;
    json_array_foreach((json_t *)definitions, i, definition)
    {
        if (add_definition(metrics, definition, error))
            continue;
        metrics_free(metrics);
        return NULL;
    }
    return metrics;
}

bool metrics_check(const json_t *definitions, GError **error)
{
    struct metrics *metrics = metrics_new(definitions, -1, error);
    metrics_free(metrics);
    return metrics != NULL;
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics)
        return;
    g_array_unref(metrics->definitions);
    g_string_free(metrics->line, TRUE);
    g_free(metrics);
}

static void tell(const struct metrics *metrics, const char *name, const char *text)
{
    char *end;
    double value = text ? g_ascii_strtod(text, &end) : NAN;
    if (!text || end == text || !isfinite(value))
        return;
    g_autoptr(json_auto) line =
        json_pack("{sssfsf}", "metric", name, "value", value, "time", clock_now());
    g_autofree char *words = line ? json_text_of(line) : NULL;
    g_autofree char *ended = g_strconcat(words ? words : "", "\n", NULL);
    if (words && metrics->report >= 0) /* who does not hear it loses a metric, no more */
        file_write_all(metrics->report, ended, strlen(ended), NULL);
}

static void find(const struct metrics *metrics, const struct definition *definition,
                 const GString *line)
{
    g_autoptr(GMatchInfo) match = NULL;
    if (!g_regex_match_full(definition->regex, line->str, (gssize)line->len, 0, 0, &match, NULL))
        return;
    g_autofree char *value = g_match_info_fetch(match, 1);
    tell(metrics, definition->name, value);
}

static void take_line(struct metrics *metrics)
{
    bool has_tab = memchr(metrics->line->str, '\t', metrics->line->len) != NULL;
    g_autoptr(GString) told =
        has_tab ? g_string_new_len(metrics->line->str, (gssize)metrics->line->len) : NULL;
    if (told)
        g_string_replace(told, "\t", TAB, 0);
    for (guint i = 0; i < metrics->definitions->len; i++) {
        const struct definition *definition =
            &g_array_index(metrics->definitions, struct definition, i);
        find(metrics, definition, definition->asks_for_tab && told ? told : metrics->line);
    }
    g_string_truncate(metrics->line, 0);
}

void metrics_hear(struct metrics *metrics, const char *bytes, size_t size)
{
    if (!metrics->definitions->len)
        return;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '\n')
            take_line(metrics);
        else if (metrics->line->len < LONGEST_LINE)
            g_string_append_c(metrics->line, bytes[i]);
    }
}
