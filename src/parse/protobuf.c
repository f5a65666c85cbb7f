#include "parse/protobuf.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 }; /* how fields are written */

size_t protobuf_size(struct protobuf message)
{
    return (size_t)(message.end - message.at);
}

static bool take_varint(struct protobuf *message, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; message->at < message->end && shift < 64; shift += 7) {
        unsigned char byte = *message->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

bool protobuf_next(struct protobuf *message, struct protobuf_field *field)
{
    uint64_t key, size = 0;
    if (!take_varint(message, &key))
        return false;
    *field = (struct protobuf_field){.number = key >> 3};
    if ((key & 7) == VARINT)
        return take_varint(message, &field->value);
    if ((key & 7) == BYTES ? !take_varint(message, &size)
                           : (key & 7) != FIXED64 && (key & 7) != FIXED32)
        return false;
    size = (key & 7) == FIXED64 ? 8 : (key & 7) == FIXED32 ? 4 : size;
    if (size > protobuf_size(*message))
        return false;
    field->bytes = (struct protobuf){message->at, message->at + size};
    message->at += size;
    return true;
}
