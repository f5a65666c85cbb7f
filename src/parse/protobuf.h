/* protobuf.h: the fields of a protocol buffers message in memory, one after another. */
#ifndef LATHE_PARSE_PROTOBUF_H
#define LATHE_PARSE_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is left of a message; at == end: nothing. */
struct protobuf {
    const unsigned char *at, *end;
};

struct protobuf_field {
    uint64_t number;       /* the field's */
    uint64_t value;        /* of a varint; else 0 */
    struct protobuf bytes; /* of bytes, a text, a message or a number of fixed size; else at is NULL
                            */
};

/* Takes the next field. False: what is there is no field, or is cut off. */
bool protobuf_next(struct protobuf *message, struct protobuf_field *field);

/* How many bytes are left. */
size_t protobuf_size(struct protobuf message);

#endif
