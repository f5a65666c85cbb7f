/* Hive's RegexSerDe: the groups of a regular expression that the whole line matches are the
 * columns; a line that it does not match is a row of nulls. */
#include <string.h>

#include "base/error.h"
#include "table/regex.h"
#include "table/serde.h"

static bool open_regex(struct serde *serde, GError **error)
{
    const char *pattern = relation_option(serde->relation, "input.regex", NULL);
    bool folds =
        g_ascii_strcasecmp(relation_option(serde->relation, "input.regex.case.insensitive", ""),
                           "true") == 0;
    if (!pattern)
        return error_set(error, ERROR_VALIDATION,
                         "HIVE_INVALID_METADATA: the table has no SerDe property input.regex");
    g_autofree char *whole = g_strdup_printf("%s(?:%s)\\z", folds ? "(?i)" : "", pattern);
    serde->state = regex_new(whole, strlen(whole), error);
    return serde->state != NULL;
}

static void close_regex(struct serde *serde)
{
    regex_free(serde->state);
}

static void begin_regex(const struct serde *serde, struct serde_work *work)
{
    work->state = regex_match_new(serde->state);
}

static void end_regex(struct serde_work *work)
{
    regex_match_free(work->state);
}

static void take_group(const struct regex_match *match, const char *line, guint group,
                       struct serde_field *field)
{
    size_t start, end;
    *field = (struct serde_field){0};
    if (regex_group(match, group, &start, &end))
        *field = (struct serde_field){line + start, end - start};
}

static bool read_regex(const struct serde *serde, struct serde_work *work, const char *line,
                       size_t size, struct sink *const *columns, uint64_t row, GError **error)
{
    bool found;
    if (!regex_find(serde->state, work->state, line, size, 0, true, &found, error))
        return false;
    for (guint i = 0; i < work->fields->len; i++) {
        struct serde_field *field = &g_array_index(work->fields, struct serde_field, i);
        *field = (struct serde_field){0};
        if (found)
            take_group(work->state, line, i + 1, field);
    }
    return serde_set_fields(serde, work, columns, row, error);
}

const struct serde_kind serde_regex = {.open = open_regex,
                                       .close = close_regex,
                                       .begin = begin_regex,
                                       .end = end_regex,
                                       .read = read_regex};
