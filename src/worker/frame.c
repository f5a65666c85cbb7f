#include "worker/frame.h"

#include <string.h>

void frame_put(GByteArray *out, enum frame_kind kind, const void *bytes, size_t size)
{
    guint32 length = GUINT32_TO_LE((guint32)size);
    guint8 head[FRAME_HEAD] = {0};
    memcpy(head, &length, sizeof length);
    head[sizeof length] = (guint8)kind;
    g_byte_array_append(out, head, FRAME_HEAD);
    if (size)
        g_byte_array_append(out, bytes, (guint)size);
}

bool frame_take(GByteArray *in, size_t longest, enum frame_kind *kind, GBytes **bytes, bool *broken)
{
    if (in->len < FRAME_HEAD)
        return false;
    guint32 length;
    memcpy(&length, in->data, sizeof length);
    length = GUINT32_FROM_LE(length);
    *kind = in->data[sizeof length];
    *broken = length > longest || *kind < FRAME_READY || *kind > FRAME_CANCEL;
    if (*broken || in->len - FRAME_HEAD < length)
        return false;
    *bytes = g_bytes_new(in->data + FRAME_HEAD, length);
    g_byte_array_remove_range(in, 0, FRAME_HEAD + length);
    return true;
}
