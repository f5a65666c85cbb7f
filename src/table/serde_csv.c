/* Hive's OpenCSVSerde: opencsv's CSVReader with its way of quotes and escapes, a line at a time. */
#include <string.h>

#include "table/serde.h"

struct csv {
    char separator, quote, escape;
};

static char character(const struct relation *relation, const char *option, const char *fallback)
{
    return *relation_option(relation, option, fallback);
}

static bool open_csv(struct serde *serde, GError **error)
{
    (void)error;
    struct csv *csv = g_new0(struct csv, 1);
    csv->separator = character(serde->relation, "separatorChar", ",");
    csv->quote = character(serde->relation, "quoteChar", "\"");
    csv->escape = character(serde->relation, "escapeChar", "\\");
    serde->state = csv;
    return true;
}

static void close_csv(struct serde *serde)
{
    g_free(serde->state);
}

/* The lines of opencsv: within quotes a quote stands twice or behind an escape; what follows a
 * closing quote still belongs to the field. Fields are cut out into the scratch, which has room for
 * the line. */
struct cutting {
    const struct csv *csv;
    const char *line;
    size_t size, at;
    char *out;
    bool quoted;
};

static bool takes_next(const struct cutting *cutting, bool inside)
{
    if (!inside || cutting->at + 1 >= cutting->size)
        return false;
    char next = cutting->line[cutting->at + 1];
    return next == cutting->csv->quote || next == cutting->csv->escape;
}

static bool doubled(const struct cutting *cutting)
{
    return cutting->quoted && cutting->at + 1 < cutting->size &&
           cutting->line[cutting->at + 1] == cutting->csv->quote;
}

static struct serde_field cut_field(struct cutting *cutting)
{
    const struct csv *csv = cutting->csv;
    char *start = cutting->out;
    bool inside = false; /* a quote that opened in the middle of a field */
    for (; cutting->at < cutting->size; cutting->at++) {
        char c = cutting->line[cutting->at];
        if (c == csv->escape && csv->escape != csv->quote &&
            takes_next(cutting, cutting->quoted || inside)) {
            *cutting->out++ = cutting->line[++cutting->at];
        } else if (c == csv->quote && doubled(cutting)) {
            *cutting->out++ = cutting->line[++cutting->at];
        } else if (c == csv->quote) {
            cutting->quoted = !cutting->quoted;
            inside = !inside;
        } else if (c == csv->separator && !cutting->quoted) {
            break;
        } else if (c != csv->escape || csv->escape == csv->quote) {
            *cutting->out++ = c;
        }
    }
    return (struct serde_field){start, (size_t)(cutting->out - start)};
}

static bool read_csv(const struct serde *serde, struct serde_work *work, const char *line,
                     size_t size, struct sink *const *columns, uint64_t row, GError **error)
{
    g_string_set_size(work->scratch, size + 1);
    struct cutting cutting = {serde->state, line, size, 0, work->scratch->str, false};
    bool more = true;
    for (guint i = 0; i < work->fields->len; i++) {
        struct serde_field *field = &g_array_index(work->fields, struct serde_field, i);
        *field = (struct serde_field){0};
        if (!more)
            continue;
        *field = cut_field(&cutting);
        more = cutting.at < cutting.size;
        cutting.at++;
    }
    return serde_set_fields(serde, work, columns, row, error);
}

const struct serde_kind serde_csv = {.open = open_csv, .close = close_csv, .read = read_csv};
