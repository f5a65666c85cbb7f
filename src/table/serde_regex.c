/* Hive's RegexSerDe: the groups of a regular expression that the whole line matches are the
 * columns. Glue's GrokSerDe: a column is the group of its name in a Grok pattern that the line has
 * anywhere, of several the first that took part. A line without a match is a row of nulls. */
#include <string.h>

#include "base/error.h"
#include "table/grok.h"
#include "table/regex.h"
#include "table/serde.h"

struct regex_state {
    struct regex *regex;
    bool whole;      /* the line has to begin with the match */
    GArray *columns; /* size_t: of each group from 1 on its column's number */
};

static bool open_state(struct serde *serde, const char *pattern, bool whole, GError **error)
{
    struct regex_state *state = g_new0(struct regex_state, 1);
    state->columns = g_array_new(FALSE, FALSE, sizeof(size_t));
    state->whole = whole;
    state->regex = regex_new(pattern, strlen(pattern), error);
    serde->state = state;
    return state->regex != NULL;
}

static bool fail_missing(const char *property, GError **error)
{
    return error_set(error, ERROR_VALIDATION,
                     "HIVE_INVALID_METADATA: the table has no SerDe property %s", property);
}

static bool open_regex(struct serde *serde, GError **error)
{
    const char *pattern = relation_option(serde->relation, "input.regex", NULL);
    bool folds =
        g_ascii_strcasecmp(relation_option(serde->relation, "input.regex.case.insensitive", ""),
                           "true") == 0;
    if (!pattern)
        return fail_missing("input.regex", error);
    g_autofree char *whole = g_strdup_printf("%s(?:%s)\\z", folds ? "(?i)" : "", pattern);
    if (!open_state(serde, whole, true, error))
        return false;
    struct regex_state *state = serde->state;
    for (size_t i = 0; i < serde->relation->column_count; i++)
        g_array_append_val(state->columns, i);
    return true;
}

/* ---- Grok ---- */

/* Of each column's name its number. */
static GHashTable *wanted_of(const struct relation *relation)
{
    GHashTable *wanted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (size_t i = 0; i < relation->column_count; i++)
        g_hash_table_insert(wanted, g_utf8_strdown(relation->columns[i].name, -1),
                            GSIZE_TO_POINTER(i));
    return wanted;
}

static struct grok_pattern *expand(const struct serde *serde, GHashTable *wanted, GError **error)
{
    const char *text = relation_option(serde->relation, "input.format", NULL);
    const char *custom = relation_option(serde->relation, "input.grokCustomPatterns", NULL);
    g_autoptr(GError) cause = NULL;
    struct grok_pattern *pattern = text ? grok_pattern_new(text, custom, wanted, &cause) : NULL;
    if (!text)
        fail_missing("input.format", error);
    else if (!pattern)
        error_set(error, ERROR_VALIDATION,
                  "HIVE_INVALID_METADATA: The SerDe property input.format: %s", cause->message);
    return pattern;
}

static bool open_grok(struct serde *serde, GError **error)
{
    g_autoptr(GHashTable) wanted = wanted_of(serde->relation);
    struct grok_pattern *pattern = expand(serde, wanted, error);
    if (!pattern)
        return false;
    bool opened = open_state(serde, grok_pattern_regex(pattern), false, error);
    struct regex_state *state = serde->state;
    size_t count;
    const struct grok_group *groups = grok_pattern_groups(pattern, &count);
    for (size_t i = 0; i < count; i++) {
        size_t column = GPOINTER_TO_SIZE(g_hash_table_lookup(wanted, groups[i].name));
        g_array_append_val(state->columns, column);
    }
    grok_pattern_free(pattern);
    return opened;
}

/* ---- lines ---- */

static void close_regex(struct serde *serde)
{
    struct regex_state *state = serde->state;
    if (!state)
        return;
    regex_free(state->regex);
    g_array_unref(state->columns);
    g_free(state);
}

static void begin_regex(const struct serde *serde, struct serde_work *work)
{
    const struct regex_state *state = serde->state;
    work->state = regex_match_new(state->regex);
}

static void end_regex(struct serde_work *work)
{
    regex_match_free(work->state);
}

static void take_groups(const struct regex_state *state, struct serde_work *work, const char *line)
{
    for (guint i = 0; i < state->columns->len; i++) {
        size_t start, end, column = g_array_index(state->columns, size_t, i);
        struct serde_field *field = &g_array_index(work->fields, struct serde_field, column);
        if (!field->bytes && regex_group(work->state, i + 1, &start, &end))
            *field = (struct serde_field){line + start, end - start};
    }
}

static bool read_regex(const struct serde *serde, struct serde_work *work, const char *line,
                       size_t size, struct sink *const *columns, uint64_t row, GError **error)
{
    const struct regex_state *state = serde->state;
    bool found;
    if (!regex_find(state->regex, work->state, line, size, 0, state->whole, &found, error))
        return false;
    for (guint i = 0; i < work->fields->len; i++)
        g_array_index(work->fields, struct serde_field, i) = (struct serde_field){0};
    if (found)
        take_groups(state, work, line);
    return serde_set_fields(serde, work, columns, row, error);
}

const struct serde_kind serde_regex = {.forgives = true,
                                       .open = open_regex,
                                       .close = close_regex,
                                       .begin = begin_regex,
                                       .end = end_regex,
                                       .read = read_regex};

const struct serde_kind serde_grok = {.forgives = true,
                                      .open = open_grok,
                                      .close = close_regex,
                                      .begin = begin_regex,
                                      .end = end_regex,
                                      .read = read_regex};
