#include "serve/media.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *type;
    enum lathe_format format;
    bool read, written;
    const char *reply;
} media[] = {
    {"text/csv", LATHE_CSV, true, true, "text/csv; charset=utf-8"},
    {"csv", LATHE_CSV, true, true, "text/csv; charset=utf-8"},
    {"text/libsvm", LATHE_LIBSVM, true, false, NULL},
    {"text/x-libsvm", LATHE_LIBSVM, true, false, NULL},
    {"libsvm", LATHE_LIBSVM, true, false, NULL},
    {"application/json", LATHE_JSON, true, true, "application/json"},
    {"application/jsonlines", LATHE_JSON_LINES, true, true, "application/jsonlines"},
    {"*/*", LATHE_CSV, false, true, "text/csv; charset=utf-8"},
    {"text/*", LATHE_CSV, false, true, "text/csv; charset=utf-8"},
    {"application/*", LATHE_JSON, false, true, "application/json"},
};

/* The row of one media range, its parameters (";q=0.5") left out. */
static int find(const char *range, size_t length)
{
    while (length && *range == ' ') {
        range++;
        length--;
    }
    size_t type = 0;
    while (type < length && range[type] != ';' && range[type] != ' ')
        type++;
    for (size_t i = 0; i < G_N_ELEMENTS(media); i++)
        if (strlen(media[i].type) == type && strncasecmp(media[i].type, range, type) == 0)
            return (int)i;
    return -1;
}

bool media_read_format(const char *content_type, enum lathe_format *format)
{
    const char *type = content_type && *content_type ? content_type : "text/csv";
    int row = find(type, strlen(type));
    if (row < 0 || !media[row].read)
        return false;
    *format = media[row].format;
    return true;
}

bool media_is_any(const char *accept)
{
    return !accept || !*accept || strcmp(accept, "*/*") == 0;
}

/* Whether the range has the parameter data=text: JSON Lines for text algorithms. */
static bool wants_text(const char *range, size_t length)
{
    const char *parameters = memchr(range, ';', length);
    for (const char *at = parameters; at && at < range + length; at++)
        if ((size_t)(range + length - at) >= 9 && g_ascii_strncasecmp(at, "data=text", 9) == 0)
            return true;
    return false;
}

bool media_write_format(const char *accept, bool bundle, enum lathe_format *format,
                        const char **content_type)
{
    const char *at = accept && *accept ? accept : "*/*";
    for (;;) {
        size_t length = strcspn(at, ",");
        int row = find(at, length);
        if (row >= 0 && media[row].written) {
            *format = media[row].format;
            *content_type = media[row].reply;
            if (bundle && *format == LATHE_JSON_LINES && wants_text(at, length))
                *format = LATHE_JSON_LINES_TEXT;
            return true;
        }
        if (!at[length])
            return false;
        at += length + 1;
    }
}
