#include "wire/form_data.h"

#include <string.h>

#include "base/error.h"
#include "wire/url.h"

#define WINDOW ((size_t)64 << 10)
#define FIELDS_LIMIT ((size_t)20 << 10) /* bytes before the file, as S3 has it */
#define LONGEST_BOUNDARY 70             /* RFC 2046 */

struct form_data {
    struct stream *source;
    char *delimiter; /* CRLF, two hyphens, the boundary */
    GArray *fields;
    char *file_name;
    size_t before; /* bytes read before the file */
    gint64 least, most, given;
    bool ended;
    size_t start, end; /* of what is in the window and not taken */
    char window[WINDOW];
};

static bool malformed(GError **error, const char *why)
{
    return error_set(error, ERROR_MALFORMED_POST,
                     "The body of your POST request is not well-formed multipart/form-data: %s",
                     why);
}

void form_data_free(struct form_data *form)
{
    if (!form)
        return;
    g_free(form->delimiter);
    g_free(form->file_name);
    g_array_unref(form->fields);
    g_free(form);
}

GArray *form_data_fields(const struct form_data *form)
{
    return form->fields;
}

const char *form_data_file_name(const struct form_data *form)
{
    return form->file_name;
}

/* ---- the window ---- */

/* Reads on; false at the end of the body too, which is an error. */
static bool fill(struct form_data *form, GError **error)
{
    memmove(form->window, form->window + form->start, form->end - form->start);
    form->end -= form->start;
    form->start = 0;
    gssize n = stream_read(form->source, form->window + form->end, WINDOW - form->end, error);
    if (n > 0)
        form->end += (size_t)n;
    return n > 0 || (n == 0 && malformed(error, "it ends before its last boundary"));
}

/* The first place of a text, which begins with a CR, in the window. */
static const char *find(const struct form_data *form, const char *text)
{
    size_t length = strlen(text);
    const char *at = form->window + form->start, *end = form->window + form->end;
    while ((at = memchr(at, '\r', (size_t)(end - at)))) {
        if ((size_t)(end - at) < length)
            return NULL;
        if (memcmp(at, text, length) == 0)
            return at;
        at++;
    }
    return NULL;
}

static bool is_small(const struct form_data *form, size_t more, GError **error)
{
    return form->before + more <= FIELDS_LIMIT ||
           error_set(error, ERROR_POST_TOO_LARGE,
                     "Your POST request fields preceding the upload file were too large: more than "
                     "%zu bytes",
                     FIELDS_LIMIT);
}

/* What stands before the text, which is taken too; g_free. */
static char *take_until(struct form_data *form, const char *text, GError **error)
{
    const char *at;
    while (!(at = find(form, text)))
        if (!is_small(form, form->end - form->start, error) || !fill(form, error))
            return NULL;
    size_t length = (size_t)(at - (form->window + form->start));
    if (!is_small(form, length, error))
        return NULL;
    g_autofree char *taken = g_strndup(form->window + form->start, length);
    form->start += length + strlen(text);
    form->before += length;
    if (strlen(taken) == length && g_utf8_validate(taken, -1, NULL))
        return g_steal_pointer(&taken);
    malformed(error, "a field is not UTF-8");
    return NULL;
}

/* ---- fields ---- */

/* The boundary of "multipart/form-data; boundary=..."; g_free. */
static char *boundary_of(const char *content_type)
{
    const char *at = content_type;
    while ((at = strchr(at, ';'))) {
        at += 1 + strspn(at + 1, " \t");
        if (g_ascii_strncasecmp(at, "boundary=", 9) != 0)
            continue;
        at += 9;
        bool quoted = *at == '"';
        size_t length = quoted ? strcspn(at + 1, "\"") : strcspn(at, "; \t");
        return length && length <= LONGEST_BOUNDARY ? g_strndup(at + quoted, length) : NULL;
    }
    return NULL;
}

/* A parameter of a Content-Disposition line, or NULL; g_free. */
static char *parameter(const char *line, const char *name)
{
    const char *at = line;
    size_t length = strlen(name);
    while ((at = strchr(at, ';'))) {
        at += 1 + strspn(at + 1, " \t");
        if (g_ascii_strncasecmp(at, name, length) != 0 || at[length] != '=')
            continue;
        at += length + 1;
        if (*at != '"')
            return g_strndup(at, strcspn(at, "; \t"));
        GString *value = g_string_new(NULL);
        for (at++; *at && *at != '"'; at++) {
            at += at[0] == '\\' && (at[1] == '"' || at[1] == '\\');
            g_string_append_c(value, *at);
        }
        return g_string_free(value, FALSE);
    }
    return NULL;
}

static const char *disposition_of(char **lines)
{
    static const char header[] = "content-disposition:";
    for (; *lines; lines++)
        if (g_ascii_strncasecmp(*lines, header, sizeof header - 1) == 0)
            return *lines;
    return NULL;
}

static char *last_name(const char *path)
{
    const char *name = path;
    for (const char *at = path; *at; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return g_strdup(name);
}

/* One part, from behind its boundary. *file: it is the file, whose bytes come next. */
static bool read_part(struct form_data *form, bool *file, GError **error)
{
    g_autofree char *head = take_until(form, "\r\n\r\n", error);
    if (!head)
        return false;
    if (g_str_has_prefix(head, "--"))
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "POST requires exactly one file upload per request.");
    g_auto(GStrv) lines = g_strsplit(head, "\r\n", -1);
    const char *disposition = disposition_of(lines);
    g_autofree char *name = disposition ? parameter(disposition, "name") : NULL;
    if (!name)
        return malformed(error, "a part has no Content-Disposition with a name");
    *file = g_ascii_strcasecmp(name, "file") == 0;
    if (*file) {
        g_autofree char *path = parameter(disposition, "filename");
        form->file_name = last_name(path ? path : "");
        return true;
    }
    struct url_pair pair = {g_steal_pointer(&name), take_until(form, form->delimiter, error)};
    if (!pair.value) {
        g_free(pair.name);
        return false;
    }
    g_array_append_val(form->fields, pair);
    return true;
}

static void clear_pair(void *data)
{
    struct url_pair *pair = data;
    g_free(pair->name);
    g_free(pair->value);
}

static bool read_fields(struct form_data *form, GError **error)
{
    /* The first boundary has no line before it. */
    memcpy(form->window, "\r\n", 2);
    form->end = 2;
    g_autofree char *preamble = take_until(form, form->delimiter, error);
    bool file = false, read = preamble != NULL;
    while (read && !file)
        read = read_part(form, &file, error);
    return read;
}

struct form_data *form_data_open(const char *content_type, struct stream *body, GError **error)
{
    g_autofree char *boundary = boundary_of(content_type);
    if (!boundary) {
        malformed(error, "its Content-Type has no boundary");
        return NULL;
    }
    g_autoptr(form_data_auto) form = g_new(struct form_data, 1);
    *form = (struct form_data){.source = body};
    form->delimiter = g_strconcat("\r\n--", boundary, NULL);
    form->fields = g_array_new(FALSE, FALSE, sizeof(struct url_pair));
    g_array_set_clear_func(form->fields, clear_pair);
    return read_fields(form, error) ? g_steal_pointer(&form) : NULL;
}

/* ---- the file ---- */

/* Behind the file: what follows counts for nothing, but has to be taken off the connection. */
static bool finish(struct form_data *form, GError **error)
{
    form->ended = true;
    gssize n;
    while ((n = stream_read(form->source, form->window, WINDOW, error)) > 0)
        ;
    if (n < 0)
        return false;
    return form->given >= form->least ||
           error_set(error, ERROR_ENTITY_TOO_SMALL,
                     "Your proposed upload is smaller than the minimum allowed size: "
                     "%" G_GINT64_FORMAT " bytes, not %" G_GINT64_FORMAT,
                     form->given, form->least);
}

/* Bytes in the window that are the file's for certain; *last: the boundary follows them. */
static size_t certain(const struct form_data *form, bool *last)
{
    const char *at = find(form, form->delimiter);
    *last = at != NULL;
    if (at)
        return (size_t)(at - (form->window + form->start));
    size_t length = form->end - form->start, tail = strlen(form->delimiter) - 1;
    return length > tail ? length - tail : 0;
}

static gssize file_read(void *state, void *buffer, size_t size, GError **error)
{
    struct form_data *form = state;
    bool last;
    if (form->ended)
        return 0;
    size_t length = certain(form, &last);
    while (length == 0 && !last) {
        if (!fill(form, error))
            return -1;
        length = certain(form, &last);
    }
    if (length == 0)
        return finish(form, error) ? 0 : -1;
    length = MIN(length, size);
    memcpy(buffer, form->window + form->start, length);
    form->start += length;
    form->given += (gint64)length;
    if (form->given <= form->most)
        return (gssize)length;
    error_set(error, ERROR_ENTITY_TOO_LARGE,
              "Your proposed upload exceeds the maximum allowed size of %" G_GINT64_FORMAT " bytes",
              form->most);
    return -1;
}

struct stream *form_data_file(struct form_data *form, gint64 least, gint64 most)
{
    static const struct stream_source source = {file_read, NULL};
    form->least = least;
    form->most = most;
    return stream_new(&source, form, -1);
}
