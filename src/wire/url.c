#include "wire/url.h"

#include <string.h>

#include "base/error.h"

char *url_decode(const char *text, size_t length, bool plus_is_space, GError **error)
{
    g_autofree char *decoded = g_malloc(length + 1);
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '+' && plus_is_space)
            c = ' ';
        if (c == '%') {
            int high = length - i > 2 ? g_ascii_xdigit_value(text[i + 1]) : -1;
            int low = length - i > 2 ? g_ascii_xdigit_value(text[i + 2]) : -1;
            if (high < 0 || low < 0) {
                error_set(error, ERROR_INVALID_ARGUMENT,
                          "Couldn't parse the specified URI: a '%%' at byte %zu is not followed by "
                          "two hexadecimal digits",
                          i);
                return NULL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        decoded[n++] = c;
    }
    decoded[n] = '\0';
    /* A NUL fails here too. */
    if (!g_utf8_validate_len(decoded, n, NULL)) {
        error_set(error, ERROR_INVALID_ARGUMENT,
                  "Couldn't parse the specified URI: it is not UTF-8 once decoded");
        return NULL;
    }
    return g_steal_pointer(&decoded);
}

static void pair_clear(void *data)
{
    struct url_pair *pair = data;
    g_free(pair->name);
    g_free(pair->value);
}

GArray *url_pairs(const char *text, size_t length, size_t limit, GError **error)
{
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(struct url_pair));
    g_array_set_clear_func(pairs, pair_clear);
    const char *end = text + length;
    for (const char *at = text; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        stop = stop ? stop : end;
        const char *equals = memchr(at, '=', (size_t)(stop - at));
        const char *name_end = equals ? equals : stop;
        const char *value = equals ? equals + 1 : stop;
        if (stop > at) {
            if (pairs->len == limit) {
                error_set(error, ERROR_INVALID_REQUEST, "more than %zu parameters", limit);
                return NULL;
            }
            struct url_pair pair = {0};
            pair.name = url_decode(at, (size_t)(name_end - at), true, error);
            if (pair.name)
                pair.value = url_decode(value, (size_t)(stop - value), true, error);
            g_array_append_val(pairs, pair);
            if (!pair.value)
                return NULL;
        }
        at = stop + 1;
    }
    return g_steal_pointer(&pairs);
}

const char *url_pair_value(const GArray *pairs, const char *name)
{
    for (guint i = 0; i < pairs->len; i++) {
        const struct url_pair *pair = &g_array_index(pairs, struct url_pair, i);
        if (strcmp(pair->name, name) == 0)
            return pair->value;
    }
    return NULL;
}
