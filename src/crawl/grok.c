/* Lines of logs by Grok patterns (table/grok.h). */
#include <string.h>

#include "base/error.h"
#include "crawl/classify_inside.h"
#include "table/grok.h"

#define SERDE "com.amazonaws.glue.serde.GrokSerDe"
#define LONGEST_LINE 8192
#define LOOK_LINES 200

struct grok {
    char *classification, *text, *custom;
    struct grok_pattern *pattern;
    GRegex *regex;
};

void grok_free(struct grok *grok)
{
    if (!grok)
        return;
    g_free(grok->classification);
    g_free(grok->text);
    g_free(grok->custom);
    grok_pattern_free(grok->pattern);
    if (grok->regex)
        g_regex_unref(grok->regex);
    g_free(grok);
}

/* ---- compiling ---- */

static bool compile(struct grok *grok, GError **error)
{
    g_autoptr(GError) cause = NULL;
    grok->pattern = grok_pattern_new(grok->text, grok->custom, NULL, error);
    if (!grok->pattern) {
        g_prefix_error(error, "GrokPattern: ");
        return false;
    }
    grok->regex =
        g_regex_new(grok_pattern_regex(grok->pattern), G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, &cause);
    return grok->regex || error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "GrokPattern: %s: %s.",
                                    grok->text, cause->message);
}

struct grok *grok_new(const char *classification, const char *pattern, const char *custom,
                      GError **error)
{
    struct grok *grok = g_new0(struct grok, 1);
    grok->classification = g_strdup(classification);
    grok->text = g_strdup(pattern);
    grok->custom = g_strdup(custom);
    if (compile(grok, error))
        return grok;
    grok_free(grok);
    return NULL;
}

/* ---- applying ---- */

static bool matches(const struct grok *grok, const struct line *line)
{
    return g_regex_match_full(grok->regex, line->at, (gssize)MIN(line->size, LONGEST_LINE), 0, 0,
                              NULL, NULL);
}

static json_t *schema_of(const struct grok *grok, size_t record_size)
{
    json_t *columns = json_array();
    size_t count;
    const struct grok_group *groups = grok_pattern_groups(grok->pattern, &count);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(columns,
                              json_pack("{ssss}", "Name", groups[i].name, "Type", groups[i].type));
    json_t *serde =
        json_pack("{ssss*}", "input.format", grok->text, "input.grokCustomPatterns", grok->custom);
    json_t *schema = schema_new(grok->classification, columns, SERDE, serde);
    json_t *parameters = json_object_get(schema, "Parameters");
    json_object_set_new(parameters, "grokPattern", json_string(grok->text));
    if (grok->custom)
        json_object_set_new(parameters, "grokCustomPatterns", json_string(grok->custom));
    json_object_set_new(schema, "RecordSize", json_integer((json_int_t)record_size));
    return schema;
}

/* Most lines have to be of it, and one of the first two. */
json_t *classify_grok(const struct sample *sample, const struct grok *grok)
{
    size_t position = 0, lines = 0, fitting = 0;
    struct line line;
    while (lines < LOOK_LINES && next_line(sample, &position, &line)) {
        if (!line.size)
            continue;
        fitting += matches(grok, &line);
        if (++lines == 2 && !fitting)
            return NULL;
    }
    return fitting && (double)fitting >= 0.8 * (double)lines ? schema_of(grok, position / lines)
                                                             : NULL;
}

const struct grok *const *grok_built_in(void)
{
    static const char *const built_in[][2] = {
        {"combined_apache", "^%{COMBINEDAPACHELOG}"},
        {"apache", "^%{COMMONAPACHELOG}"},
        {"linux_kernel", "^%{SYSLOGBASE} %{GREEDYDATA:message}"},
        {"microsoft_log", "^%{MICROSOFT}"},
        {"ruby_logger", "^%{RUBY_LOGGER}"},
        {"squid", "^%{SQUID}"},
        {"redismonlog", "^%{REDISMONLOG}"},
        {"redislog", "^%{REDISLOG}"}};
    static const struct grok *made[G_N_ELEMENTS(built_in) + 1];
    static gsize once;
    if (g_once_init_enter(&once)) {
        for (size_t i = 0; i < G_N_ELEMENTS(built_in); i++) {
            g_autoptr(GError) error = NULL;
            made[i] = grok_new(built_in[i][0], built_in[i][1], NULL, &error);
            g_assert_no_error(error);
        }
        g_once_init_leave(&once, 1);
    }
    return made;
}
