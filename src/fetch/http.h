/* http.h: one answer of a server over HTTP(S), by libcurl, which is loaded when it is first needed:
 * only processes that fetch pay for it. */
#ifndef LATHE_FETCH_HTTP_H
#define LATHE_FETCH_HTTP_H

#include "fetch/address.h"

struct http_answer {
    long status;
    char *etag, *modified; /* as they came, or NULL */
    gint64 length;         /* of the body that comes; -1: not told */
    gint64 first, total;   /* Content-Range; -1: not told */
    double retry_after;    /* seconds; 0: not told */
};
void http_answer_clear(struct http_answer *answer);

struct http_question {
    const char *url;
    const struct fetch_rules *rules;
    gint64 from;          /* bytes that are here: the rest is asked for; 0: the whole */
    const char *if_range; /* what they belong to */
    const char *if_none_match, *if_modified; /* of a whole file that is here, or NULL */
    /* The body of a 200 or a 206, piece by piece, after the answer's head is known. */
    bool (*take)(const struct http_answer *answer, const void *bytes, size_t size, void *data,
                 GError **error);
    void *data;
};

enum http_end {
    HTTP_ANSWERED, /* a whole answer; of which status is not looked at, but what is worth another
                      try is none */
    HTTP_AGAIN,    /* something went wrong that may pass: with an error */
    HTTP_FAILED,   /* with an error */
};

/* Asks, following redirects, each held against the rules: before it is looked up by its name, and
 * by the address that is connected to. The caller clears the answer. */
enum http_end http_ask(const struct http_question *question, struct http_answer *answer,
                       GError **error);

/* "host:port" of an address, as fetch_rules list it; NULL where it is none, g_free. */
char *http_place(const char *url);

/* An address as errors and logs show it: without its query, where keys are; g_free. */
char *http_shown(const char *url);

#endif
