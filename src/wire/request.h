/* request.h: an HTTP request as the protocols read it, wherever it came from. Everything in it is
 * borrowed. */
#ifndef LATHE_WIRE_REQUEST_H
#define LATHE_WIRE_REQUEST_H

#include <stddef.h>

struct wire_header {
    const char *name, *value;
};

struct wire_request {
    const char *method;
    const char *path;  /* percent-encoded */
    const char *query; /* percent-encoded, without the '?' */
    const struct wire_header *headers;
    size_t header_count;
};

/* A header's value, whatever the case of its name, or NULL. */
const char *wire_header(const struct wire_request *request, const char *name);

#endif
