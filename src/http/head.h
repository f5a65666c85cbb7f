/* head.h: the head of one request: its fields, and what HTTP itself must refuse in it. */
#ifndef LATHE_HTTP_HEAD_H
#define LATHE_HTTP_HEAD_H

#include <glib.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

struct http_field {
    const char *name;
    const char *value;
};

/* Zero before the first use; reused from request to request. Strings are MHD's and live as long as
 * the request does, until http_head_keep has copied them. */
struct http_head {
    struct http_field *fields;
    size_t count, capacity;
    const char *block; /* the head in memory, from the method to the empty line */
    size_t block_size;
    char *copy;            /* block's copy, where there is one */
    gint64 content_length; /* 0: no body; -1: chunked */
    bool expects_continue;
    bool has_host, has_length;
};

/* Reads the head that MHD has parsed. Returns 0, or the status to refuse it with and why. target is
 * the request's as sent; method and version are the pointers that MHD's handler is given. */
unsigned http_head_read(struct http_head *head, struct MHD_Connection *connection,
                        const char *method, const char *target, const char *version,
                        const char **why);

/* The value of a field, whatever the case of its name, or NULL. */
const char *http_head_find(const struct http_head *head, const char *name);

/* Copies the strings, so that they outlive the request in MHD. */
void http_head_keep(struct http_head *head);

void http_head_reset(struct http_head *head);
void http_head_clear(struct http_head *head);

#endif
