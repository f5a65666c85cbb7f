/* plain_put.h: the bodies of requests that put records, read without a tree: in the plain form in
 * which clients write them, hundreds of records make one of thousands of values. */
#ifndef LATHE_SERVICE_PLAIN_PUT_H
#define LATHE_SERVICE_PLAIN_PUT_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct plain_record {
    size_t at, size; /* its bytes, decoded, in `bytes` */
    size_t key;      /* where its partition key begins in `keys`, ended by NUL */
};

struct plain_put {
    char *stream; /* its name */
    GByteArray *bytes, *keys;
    GArray *records; /* struct plain_record */
};

/* Reads {stream_member: name, "Records": [{"Data": base64}, ...]}, in any order, each record with a
 * "PartitionKey" where keyed. False where the body has anything else in it (an escape, a null, a
 * letter beyond ASCII, another member), too much of it, or an error: it is to be read in the
 * general way. What it takes is valid by the shapes of Firehose and Kinesis. To be cleared in both
 * cases. */
bool plain_put_read(struct plain_put *put, const char *stream_member, bool keyed, const char *body,
                    size_t size);
void plain_put_clear(struct plain_put *put);

#endif
