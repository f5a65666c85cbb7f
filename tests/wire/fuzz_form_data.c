/* Forms with a file (multipart/form-data). The first byte says how the body is cut where it
 * arrives; the Content-Type follows, up to a line's end, then the body. What comes out is never
 * longer than what went in, and a form is the same, or refused, however it is cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/form_data.h"
#include "wire/url.h"

struct pieces {
    const uint8_t *at;
    size_t left, piece;
};

static gssize pieces_read(void *state, void *buffer, size_t size, GError **error)
{
    (void)error;
    struct pieces *pieces = state;
    size_t n = MIN(MIN(size, pieces->left), pieces->piece);
    if (n)
        memcpy(buffer, pieces->at, n);
    pieces->at += n;
    pieces->left -= n;
    return (gssize)n;
}

static void take_fields(GByteArray *into, const struct form_data *form)
{
    const GArray *fields = form_data_fields(form);
    for (guint i = 0; i < fields->len; i++) {
        const struct url_pair *pair = &g_array_index(fields, struct url_pair, i);
        g_byte_array_append(into, (const guint8 *)pair->name, (guint)strlen(pair->name));
        g_byte_array_append(into, (const guint8 *)pair->value, (guint)strlen(pair->value));
    }
    const char *name = form_data_file_name(form);
    g_byte_array_append(into, (const guint8 *)name, (guint)strlen(name));
}

/* Names, values and the file behind one another, or NULL where the form was refused. */
static GBytes *decode(const char *type, const uint8_t *body, size_t size, size_t piece)
{
    static const struct stream_source source = {pieces_read, NULL};
    struct pieces pieces = {body, size, piece};
    g_autoptr(stream_auto) sent = stream_new(&source, &pieces, -1);
    g_autoptr(form_data_auto) form = form_data_open(type, sent, NULL);
    if (!form)
        return NULL;
    g_autoptr(GByteArray) found = g_byte_array_new();
    take_fields(found, form);
    g_autoptr(stream_auto) file = form_data_file(form, 0, (gint64)size);
    g_autoptr(GBytes) bytes = stream_read_all(file, size + 1, NULL);
    if (!bytes)
        return NULL;
    gsize length;
    const void *data = g_bytes_get_data(bytes, &length);
    g_byte_array_append(found, data, (guint)length);
    return g_byte_array_free_to_bytes(g_steal_pointer(&found));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 1 ? memchr(data + 1, '\n', size - 1) : NULL;
    if (!line)
        return 0;
    size_t piece = data[0] % 16 + 1u;
    g_autofree char *type = g_strndup((const char *)data + 1, (gsize)(line - data - 1));
    size_t left = (size_t)(data + size - line - 1);
    g_autoptr(GBytes) in_pieces = decode(type, line + 1, left, piece);
    g_autoptr(GBytes) at_once = decode(type, line + 1, left, left + 1);
    if (!in_pieces != !at_once || (at_once && !g_bytes_equal(in_pieces, at_once)) ||
        (at_once && g_bytes_get_size(at_once) > left))
        abort();
    return 0;
}
