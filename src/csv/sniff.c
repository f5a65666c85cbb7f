/* csv_sniff_delimiter does what Lib/csv.py's Sniffer does with a sample of one line. That looks
 * first for quoted fields and what stands beside them, then at how often each character occurs. */
#include "csv/field.h"

#include <string.h>

/* How often each character was seen beside a quoted field, and which was the first of the most
 * frequent. */
struct tally {
    unsigned counts[128];
    unsigned char seen[128]; /* in the order of their first appearance */
    size_t count;
};

static void tally_add(struct tally *tally, char c)
{
    unsigned char index = (unsigned char)c;
    if (index < 128 && !tally->counts[index]++)
        tally->seen[tally->count++] = index;
}

static char tally_most(const struct tally *tally)
{
    unsigned char most = tally->count ? tally->seen[0] : 0;
    for (size_t i = 1; i < tally->count; i++)
        if (tally->counts[tally->seen[i]] > tally->counts[most])
            most = tally->seen[i];
    return (char)most;
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'';
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Python's \w, and the quotes, are never taken for delimiters. */
static bool may_delimit(char c)
{
    return !is_alphanumeric(c) && c != '_' && !is_quote(c) && (unsigned char)c < 128;
}

/* A delimiter, perhaps a space, and a quoted text from `at` on: returns the text's first quote. */
static const char *opening_quote(const char *at, const char *end)
{
    if (!may_delimit(*at++))
        return NULL;
    if (at < end && *at == ' ')
        at++;
    return at < end && is_quote(*at) ? at : NULL;
}

/* ,"...", : the same delimiter on both sides. */
static void tally_enclosed(struct tally *tally, const char *line, const char *end)
{
    for (const char *at = line; at < end; at++) {
        const char *quote = opening_quote(at, end);
        if (!quote)
            continue;
        for (const char *close = quote + 1; close + 1 < end; close++)
            if (*close == *quote && close[1] == *at) {
                tally_add(tally, *at);
                at = close + 1;
                break;
            }
    }
}

/* "...", at the start of the line. */
static void tally_first(struct tally *tally, const char *line, const char *end)
{
    if (line == end || !is_quote(*line))
        return;
    for (const char *close = line + 1; close + 1 < end; close++)
        if (*close == *line && may_delimit(close[1])) {
            tally_add(tally, close[1]);
            return;
        }
}

/* ,"..." at the end of the line. */
static void tally_last(struct tally *tally, const char *line, const char *end)
{
    for (const char *at = line; at < end; at++) {
        const char *quote = opening_quote(at, end);
        if (quote && quote + 1 < end && end[-1] == *quote) {
            tally_add(tally, *at);
            return;
        }
    }
}

static char beside_quotes(const char *line, const char *end)
{
    struct tally tally = {0};
    tally_enclosed(&tally, line, end);
    if (!tally.count)
        tally_first(&tally, line, end);
    if (!tally.count)
        tally_last(&tally, line, end);
    return tally_most(&tally);
}

/* One of Python's preferred delimiters if there is any, else the most frequent character, of
 * equally frequent ones the greatest. */
static char by_frequency(const char *line, const char *end)
{
    unsigned counts[127] = {0};
    for (const char *at = line; at < end; at++)
        if ((unsigned char)*at < 127)
            counts[(unsigned char)*at]++;
    for (const char *preferred = ",\t; :"; *preferred; preferred++)
        if (counts[(unsigned char)*preferred])
            return *preferred;
    unsigned most = 0;
    for (unsigned c = 1; c < 127; c++)
        if (counts[c] >= counts[most])
            most = c;
    return counts[most] ? (char)most : 0;
}

char csv_sniff_delimiter(const char *text, size_t size)
{
    if (!size)
        return ',';
    const char *end = text + size;
    const char *line = csv_skip_mark(text, end);
    while (line < end && csv_is_line_end(*line))
        line++;
    const char *stop = line;
    while (stop < end && !csv_is_line_end(*stop))
        stop++;
    char found = beside_quotes(line, stop);
    if (!found)
        found = by_frequency(line, stop);
    /* A line of one number has no delimiter, only the characters of numbers. */
    bool none = !found || is_alphanumeric(found) || is_quote(found) || strchr("+-._", found);
    return none ? ',' : found;
}
