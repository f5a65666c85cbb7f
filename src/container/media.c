#include "container/media.h"

#include <glib.h>
#include <string.h>
#include <strings.h>

#define CSV_REPLY "text/csv; charset=utf-8"

struct media {
    const char *type;
    int format; /* enum lathe_row_format or enum lathe_answer_format */
    const char *reply;
};

static const struct media rows_media[] = {
    {"text/csv", LATHE_ROWS_CSV, NULL},
    {"csv", LATHE_ROWS_CSV, NULL},
    {"text/libsvm", LATHE_ROWS_LIBSVM, NULL},
    {"text/x-libsvm", LATHE_ROWS_LIBSVM, NULL},
    {"libsvm", LATHE_ROWS_LIBSVM, NULL},
    {"application/json", LATHE_ROWS_JSON, NULL},
    {"application/jsonlines", LATHE_ROWS_JSON_LINES, NULL},
    {NULL, 0, NULL},
};

static const struct media answer_media[] = {
    {"text/csv", LATHE_ANSWERS_CSV, CSV_REPLY},
    {"csv", LATHE_ANSWERS_CSV, CSV_REPLY},
    {"application/json", LATHE_ANSWERS_JSON, "application/json"},
    {"application/jsonlines", LATHE_ANSWERS_JSON_LINES, "application/jsonlines"},
    {"*/*", LATHE_ANSWERS_CSV, CSV_REPLY},
    {"text/*", LATHE_ANSWERS_CSV, CSV_REPLY},
    {"application/*", LATHE_ANSWERS_JSON, "application/json"},
    {NULL, 0, NULL},
};

/* The row of one media range, its parameters (";q=0.5") left out; or NULL. */
static const struct media *find(const struct media *media, const char *range, size_t length)
{
    while (length && *range == ' ') {
        range++;
        length--;
    }
    size_t type = 0;
    while (type < length && range[type] != ';' && range[type] != ' ')
        type++;
    for (; media->type; media++)
        if (strlen(media->type) == type && strncasecmp(media->type, range, type) == 0)
            return media;
    return NULL;
}

bool media_read_format(const char *content_type, enum lathe_row_format *format)
{
    const char *type = content_type && *content_type ? content_type : "text/csv";
    const struct media *media = find(rows_media, type, strlen(type));
    if (media)
        *format = (enum lathe_row_format)media->format;
    return media != NULL;
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

bool media_write_format(const char *accept, bool bundle, enum lathe_answer_format *format,
                        const char **content_type)
{
    const char *at = accept && *accept ? accept : "*/*";
    for (;;) {
        size_t length = strcspn(at, ",");
        const struct media *media = find(answer_media, at, length);
        if (media) {
            *format = (enum lathe_answer_format)media->format;
            *content_type = media->reply;
            if (bundle && *format == LATHE_ANSWERS_JSON_LINES && wants_text(at, length))
                *format = LATHE_ANSWERS_JSON_LINES_TEXT;
            return true;
        }
        if (!at[length])
            return false;
        at += length + 1;
    }
}

/* ---- the XGBoost container's way ---- */

/* cgi.parse_header: what stands before the first semicolon, without blanks around it. */
static char *main_value(const char *header)
{
    return g_strstrip(g_strndup(header, strcspn(header, ";")));
}

/* label_size, where it is given, is 1. */
static bool label_size_is_right(const char *lower)
{
    g_auto(GStrv) parameters = g_strsplit(lower, ";", -1);
    for (char **parameter = parameters; *parameter; parameter++) {
        char *value = strchr(*parameter, '=');
        if (parameter == parameters || !value)
            continue;
        *value++ = '\0';
        g_strstrip(value);
        if (strcmp(g_strstrip(*parameter), "label_size") == 0)
            return strcmp(value, "1") == 0 || strcmp(value, "\"1\"") == 0;
    }
    return true;
}

char *media_container_format(const char *content_type, enum lathe_row_format *format)
{
    *format = LATHE_ROWS_LIBSVM;
    if (!content_type)
        return NULL;
    g_autofree char *lower = g_ascii_strdown(content_type, -1);
    g_autofree char *type = main_value(lower);
    static const char *const libsvm[] = {"libsvm", "text/libsvm", "text/x-libsvm", NULL};
    static const char *const others[] = {"parquet", "application/x-parquet", "recordio-protobuf",
                                         "application/x-recordio-protobuf", NULL};
    if (g_strv_contains(libsvm, type))
        return NULL;
    if (strcmp(type, "csv") == 0 || strcmp(type, "text/csv") == 0) {
        *format = LATHE_ROWS_CSV;
        return label_size_is_right(lower)
                   ? NULL
                   : g_strdup_printf("%s is not an accepted csv ContentType. Optional parameter "
                                     "label_size must be equal to 1",
                                     content_type);
    }
    if (g_strv_contains(others, type))
        return g_strdup_printf("Content-type %s is not supported.", content_type);
    return g_strdup_printf("%s is not an accepted ContentType: csv, libsvm, parquet, "
                           "recordio-protobuf, text/csv, text/libsvm, text/x-libsvm, "
                           "application/x-parquet, application/x-recordio-protobuf.",
                           content_type);
}

/* What can be written of the types that it accepts; it fails itself where content is not selected
 * and the type is neither CSV nor JSON. */
static bool container_writes(const char *type, bool selected, enum lathe_answer_format *format,
                             const char **content_type)
{
    static const char *const written[] = {"text/csv", "application/json", "application/jsonlines"};
    for (size_t i = 0; i < G_N_ELEMENTS(written) - !selected; i++)
        if (strcmp(written[i], type) == 0)
            return media_write_format(type, false, format, content_type);
    return false;
}

char *media_container_answer(const struct xgboost_release *release, bool selected,
                             const char *accept, const char *fallback,
                             enum lathe_answer_format *format, const char **content_type,
                             unsigned *status)
{
    static const char *const accepted[] = {"application/json", "application/jsonlines",
                                           "application/x-recordio-protobuf", "text/csv", NULL};
    container_writes("text/csv", false, format, content_type);
    if (!release->writes_lines && !selected)
        return NULL; /* whatever was asked for */
    g_autofree char *asked = main_value(accept ? accept : "");
    g_autofree char *type = g_ascii_strdown(asked, -1);
    if (!*asked || strcmp(asked, "*/*") == 0) {
        g_free(type);
        type = g_strdup(fallback ? fallback : "text/csv");
    } else if (!g_strv_contains(accepted, type)) {
        *status = 406;
        return g_strdup_printf(
            "Accept type %s is not supported. Please use supported accept types: "
            "['application/json', 'application/jsonlines', 'application/x-recordio-protobuf', "
            "'text/csv'].",
            asked);
    }
    if (container_writes(type, selected, format, content_type))
        return NULL;
    *status = 500;
    return g_strdup_printf("Internal Server Error: this image does not write %s%s", type,
                           selected ? " here" : " unless SAGEMAKER_INFERENCE_OUTPUT selects what");
}

char *media_container_answer_of_many(const char *accept, const char *fallback,
                                     enum lathe_answer_format *format, const char **content_type,
                                     unsigned *status)
{
    const char *usual = fallback ? fallback : "application/json";
    const char *asked = media_is_any(accept) ? usual : accept;
    g_autofree char *type = g_ascii_strdown(asked, -1);
    bool csv = strcmp(type, "text/csv") == 0 || strcmp(type, "csv") == 0;
    bool json = strcmp(type, "application/json") == 0 || strcmp(type, "json") == 0;
    *format = csv ? LATHE_ANSWERS_CSV_ONE_LINE : LATHE_ANSWERS_JSON_ARRAY;
    *content_type = csv ? "text/csv" : "application/json";
    if (csv || json)
        return NULL;
    *status = 415;
    return g_strdup_printf("Encoding to accept type %s failed with exception: %s is not an "
                           "accepted Accept type. Please choose one of the following: ['text/csv', "
                           "'application/json'].",
                           asked, asked);
}
