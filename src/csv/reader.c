#include "csv/field.h"

#include "parse/block.h"
#include "parse/word.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where a field's bytes are, still as written. */
struct span {
    const char *start, *stop;
    const char *after; /* behind the closing quote, or `stop` */
    bool quoted;
    bool marked; /* doubled quotes or escapes are to be undone */
};

static inline bool ends_field(char c, char delimiter)
{
    return c == delimiter || csv_is_line_end(c);
}

/* The first byte of [at, end) that ends an unquoted field or is `escape`. */
static inline const char *find_stop(const char *at, const char *end, char delimiter, char escape)
{
    uint64_t delimiters = word_of(delimiter), feeds = word_of('\n'), returns = word_of('\r');
    uint64_t escapes = word_of(escape ? escape : delimiter);
    for (; end - at >= 8; at += 8) {
        uint64_t word = word_load(at);
        uint64_t marks = word_equal(word, delimiters) | word_equal(word, feeds) |
                         word_equal(word, returns) | word_equal(word, escapes);
        if (marks)
            return at + word_first(marks);
    }
    while (at < end && !ends_field(*at, delimiter) && (!escape || *at != escape))
        at++;
    return at;
}

static struct span plain_span(const char *at, const char *end, const struct csv_dialect *dialect)
{
    struct span span = {.start = at};
    at = find_stop(at, end, dialect->delimiter, dialect->escape);
    while (dialect->escape && at < end && *at == dialect->escape) {
        span.marked = true;
        at = end - at > 2 ? at + 2 : end;
        at = find_stop(at, end, dialect->delimiter, dialect->escape);
    }
    span.stop = span.after = at;
    if (span.marked && at - span.start == 2 && span.start[1] == 'N')
        span.marked = false; /* \N */
    return span;
}

/* False where the quote at `at` is not closed. */
static bool quoted_span(const char *at, const char *end, const struct csv_dialect *dialect,
                        struct span *span)
{
    *span = (struct span){.start = ++at, .quoted = true};
    for (;;) {
        const char *quote = memchr(at, dialect->quote, (size_t)(end - at));
        const char *limit = quote ? quote : end;
        const char *escape =
            dialect->escape ? memchr(at, dialect->escape, (size_t)(limit - at)) : NULL;
        if (escape) {
            span->marked = true;
            if (end - escape <= 2)
                return false;
            at = escape + 2;
        } else if (!quote) {
            return false;
        } else if (quote + 1 < end && quote[1] == dialect->quote) {
            span->marked = true;
            at = quote + 2;
        } else {
            span->stop = quote;
            span->after = quote + 1;
            return true;
        }
    }
}

static inline bool find_span(const char *at, const char *end, const struct csv_dialect *dialect,
                             struct span *span)
{
    if (at < end && *at == dialect->quote && !dialect->no_quotes)
        return quoted_span(at, end, dialect, span);
    *span = plain_span(at, end, dialect);
    return true;
}

/* The span's bytes as they are meant, appended to the scratch memory; NULL where it is full. */
static const char *undo_marks(struct csv_reader *reader, const struct span *span, size_t *size)
{
    struct csv_scratch *scratch = &reader->scratch;
    if (scratch->size - scratch->used < (size_t)(span->stop - span->start))
        return NULL;
    char *start = scratch->bytes + scratch->used, *out = start;
    for (const char *at = span->start; at < span->stop; at++) {
        bool mark = (reader->dialect.escape && *at == reader->dialect.escape) ||
                    (span->quoted && *at == reader->dialect.quote);
        if (mark && at + 1 < span->stop)
            at++;
        *out++ = *at;
    }
    *size = (size_t)(out - start);
    scratch->used += *size;
    return start;
}

/* How many bytes of a UTF-8 sequence start at `at`; 0 where it is none (RFC 3629, section 4). */
static size_t sequence_size(const unsigned char *at, const unsigned char *end)
{
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if (!size || at[0] > 0xf4 || (size_t)(end - at) < size)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xed && at[1] >= 0xa0;
    bool beyond = at[0] == 0xf4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : size;
}

/* The first byte that is not UTF-8, or NULL. */
static const char *find_not_utf8(const char *at, const char *end)
{
    while (at < end) {
        if (end - at >= 8 && !(word_load(at) & 0x8080808080808080u)) {
            at += 8;
            continue;
        }
        size_t size = sequence_size((const unsigned char *)at, (const unsigned char *)end);
        if (!size)
            return at;
        at += size;
    }
    return NULL;
}

/* csv_field where quotes, escapes or UTF-8 have to be looked at. */
static const char *full_field(struct csv_reader *reader, const char *at, size_t column,
                              struct csv_text *field, struct lathe_error *error)
{
    const struct csv_dialect *dialect = &reader->dialect;
    struct span span;
    if (!find_span(at, reader->end, dialect, &span)) {
        csv_fail(reader, at, column, error, LATHE_INVALID_DATA,
                 "the quote that opens here is never closed: %s",
                 csv_show(at, (size_t)(reader->end - at)).text);
        return NULL;
    }
    if (span.after < reader->end && !ends_field(*span.after, dialect->delimiter)) {
        const char *stop = find_stop(span.after, reader->end, dialect->delimiter, 0);
        csv_fail(reader, span.after, column, error, LATHE_INVALID_DATA,
                 "found %s after the closing quote, expected a delimiter or the end of the line "
                 "(a quote inside quotes is written twice)",
                 csv_show(span.after, (size_t)(stop - span.after)).text);
        return NULL;
    }
    size_t size = (size_t)(span.stop - span.start);
    const char *bytes = span.start;
    if (span.marked && reader->scratch.bytes)
        bytes = undo_marks(reader, &span, &size);
    if (!bytes || size > UINT32_MAX) {
        csv_fail(reader, at, column, error, LATHE_LIMIT, "a field of %zu bytes, more than %s",
                 (size_t)(span.stop - span.start),
                 bytes ? "the limit of 4 GiB" : "the memory for quoted fields has left");
        return NULL;
    }
    const char *wrong = dialect->utf8 ? find_not_utf8(span.start, span.stop) : NULL;
    if (wrong) {
        csv_fail(reader, wrong, column, error, LATHE_INVALID_DATA,
                 "byte 0x%02x is not UTF-8, in %s", (unsigned)(unsigned char)*wrong,
                 csv_show(span.start, (size_t)(span.stop - span.start)).text);
        return NULL;
    }
    *field = (struct csv_text){bytes, (uint32_t)size, span.quoted};
    return span.after;
}

const char *csv_field(struct csv_reader *reader, const char *at, size_t column,
                      struct csv_text *field, struct lathe_error *error)
{
    const struct csv_dialect *dialect = &reader->dialect;
    bool quoted = at < reader->end && *at == dialect->quote && !dialect->no_quotes;
    if (!quoted && !dialect->escape && !dialect->utf8) {
        /* Nearly all fields there are: full_field would do the same. */
        const char *stop = find_stop(at, reader->end, dialect->delimiter, 0);
        if ((size_t)(stop - at) <= UINT32_MAX) {
            *field = (struct csv_text){at, (uint32_t)(stop - at), false};
            return stop;
        }
    }
    return full_field(reader, at, column, field, error);
}

bool csv_record_begin(struct csv_reader *reader)
{
    while (reader->at < reader->end && csv_is_line_end(*reader->at))
        csv_record_finish(reader, reader->at, false);
    reader->record_line = reader->line;
    return reader->at < reader->end;
}

void csv_record_finish(struct csv_reader *reader, const char *at, bool quoted)
{
    if (quoted || reader->dialect.escape)
        reader->line += csv_count_lines(reader->at, at);
    if (at < reader->end) {
        at += *at == '\r' && reader->end - at > 1 && at[1] == '\n' ? 2 : 1;
        reader->line++;
    }
    reader->at = at;
}

/* Lines are short: memchr would be called for each. */
static size_t count_feeds(const char *at, const char *to)
{
    size_t count = 0;
    for (; to - at >= BLOCK_SIZE; at += BLOCK_SIZE)
        count += (size_t)__builtin_popcountll(block_equal((const unsigned char *)at, 0, '\n'));
    for (; at < to; at++)
        count += *at == '\n';
    return count;
}

size_t csv_count_lines(const char *from, const char *to)
{
    size_t count = count_feeds(from, to);
    for (const char *at = from; (at = memchr(at, '\r', (size_t)(to - at))); at++)
        count += at + 1 == to || at[1] != '\n';
    return count;
}

const char *csv_skip_mark(const char *at, const char *end)
{
    return end - at >= 3 && !memcmp(at, "\xef\xbb\xbf", 3) ? at + 3 : at;
}

void csv_reader_start(struct csv_reader *reader, const char *name, const char *text, size_t size,
                      const struct csv_dialect *dialect, struct csv_scratch scratch)
{
    struct csv_dialect chosen = dialect ? *dialect : (struct csv_dialect){0};
    if (!chosen.delimiter)
        chosen.delimiter = ',';
    if (!chosen.quote)
        chosen.quote = '"';
    if (chosen.escape == chosen.quote)
        chosen.escape = 0; /* that is the doubled quote */
    *reader = (struct csv_reader){
        .at = text && !chosen.inside ? csv_skip_mark(text, text + size) : text,
        .end = text ? text + size : NULL,
        .line = 1,
        .record_line = 1,
        .name = name,
        .dialect = chosen,
        .scratch = scratch,
    };
}

enum csv_step csv_reader_next(struct csv_reader *reader, struct csv_text *fields, size_t room,
                              size_t *count, struct lathe_error *error)
{
    *count = 0;
    if (!csv_record_begin(reader))
        return CSV_END;
    const char *at = reader->at;
    bool quoted = false;
    for (;;) {
        struct csv_text field;
        at = csv_field(reader, at, *count, &field, error);
        if (!at)
            return CSV_FAILED;
        quoted = quoted || field.quoted;
        if (*count < room)
            fields[*count] = field;
        ++*count;
        if (at == reader->end || *at != reader->dialect.delimiter)
            break;
        at++;
    }
    csv_record_finish(reader, at, quoted);
    return CSV_RECORD;
}

/* The same for text in which a line end always ends a record. */
static size_t whole_lines(const char *text, size_t size)
{
    for (size_t i = size; i > 0; i--)
        if (text[i - 1] == '\n' || (text[i - 1] == '\r' && i < size))
            return i;
    return 0;
}

size_t csv_whole_records(const char *text, size_t size, const struct csv_dialect *dialect)
{
    if (!size)
        return 0;
    struct csv_reader reader;
    csv_reader_start(&reader, NULL, text, size, dialect, (struct csv_scratch){0});
    bool quotes = !reader.dialect.no_quotes && memchr(text, reader.dialect.quote, size);
    if (!quotes && !reader.dialect.escape)
        return whole_lines(text, size);

    size_t whole = 0;
    const char *at = reader.at, *end = reader.end;
    struct span span;
    while (at < end && find_span(at, end, &reader.dialect, &span)) {
        /* What follows a closing quote wrongly is left to the reader to refuse. */
        at = find_stop(span.after, end, reader.dialect.delimiter, 0);
        if (at == end || (*at == '\r' && at + 1 == end))
            break;
        bool line_end = csv_is_line_end(*at);
        at += *at == '\r' && at[1] == '\n' ? 2 : 1;
        if (line_end)
            whole = (size_t)(at - text);
    }
    return whole;
}

struct csv_shown csv_show(const char *bytes, size_t size)
{
    struct csv_shown shown;
    char *out = shown.text;
    const unsigned char *at = (const unsigned char *)bytes, *end = at + size;
    const unsigned char *limit = size > 40 ? at + 40 : end;
    *out++ = '"';
    while (at < limit) {
        size_t length = sequence_size(at, end);
        if (!length || *at < 0x20 || *at == 0x7f) {
            out += sprintf(out, "\\x%02x", *at++);
            continue;
        }
        memcpy(out, at, length);
        out += length;
        at += length;
    }
    strcpy(out, at < end ? "\"..." : "\"");
    return shown;
}

bool csv_fail(const struct csv_reader *reader, const char *at, size_t column,
              struct lathe_error *error, enum lathe_code code, const char *format, ...)
{
    char what[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    size_t line = reader->record_line + csv_count_lines(reader->at, at);
    return fail(error, code, "%s%sline %zu, column %zu: %s", reader->name ? reader->name : "",
                reader->name ? ", " : "", line, column + 1, what);
}
