/* url.h: percent-encoding, and the pairs of a query or a form. */
#ifndef LATHE_WIRE_URL_H
#define LATHE_WIRE_URL_H

#include <glib.h>
#include <stdbool.h>

/* Decodes once; '+' becomes a space where plus_is_space. NULL and ERROR_INVALID_ARGUMENT where a
 * '%' has no two digits, or the result holds a NUL or is not UTF-8. g_free. */
char *url_decode(const char *text, size_t length, bool plus_is_space, GError **error);

struct url_pair {
    char *name, *value; /* decoded; "" where there is no '=' */
};

/* A query's or form's pairs, in order, in an array of struct url_pair that frees them; at most
 * `limit` of them. */
GArray *url_pairs(const char *text, size_t length, size_t limit, GError **error);
/* The first value of a name, or NULL. */
const char *url_pair_value(const GArray *pairs, const char *name);

#endif
