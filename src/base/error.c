#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static const struct {
    const char *name;
    unsigned status;
} table[] = {
#define ERROR_ROW(code, name, status) [code] = {name, status},
    ERROR_TABLE(ERROR_ROW)
#undef ERROR_ROW
};

GQuark error_quark(void)
{
    return g_quark_from_static_string("lathe-error");
}

static unsigned row_of(const GError *error)
{
    bool ours = error->domain == LATHE_ERROR && error->code >= 0 &&
                (size_t)error->code < G_N_ELEMENTS(table);
    return ours ? (unsigned)error->code : ERROR_INTERNAL;
}

const char *error_name(const GError *error)
{
    return table[row_of(error)].name;
}

const char *error_name_s3(const GError *error)
{
    switch (row_of(error)) {
    case ERROR_INTERNAL:
        return "InternalError";
    case ERROR_UNKNOWN_OPERATION:
        return table[ERROR_NOT_IMPLEMENTED].name;
    default:
        return error_name(error);
    }
}

unsigned error_status(const GError *error)
{
    return table[row_of(error)].status;
}

enum error_code error_code_named(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return (enum error_code)i;
    return ERROR_INTERNAL;
}

bool error_set(GError **error, enum error_code code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error_literal(error, LATHE_ERROR, (int)code, text);
    return false;
}

/* What passes: a client does well to come again. */
static bool is_shortage(int errno_value)
{
    return errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM ||
           errno_value == ENOBUFS;
}

bool error_set_errno(GError **error, int errno_value, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (errno_value == ENOSPC || errno_value == EDQUOT)
        return error_set(error, ERROR_SERVICE_UNAVAILABLE,
                         "%s: %s. Nothing that was stored before is lost; free some space on the "
                         "disk of lathe's home and send it again",
                         text, g_strerror(errno_value));
    return error_set(error, is_shortage(errno_value) ? ERROR_SERVICE_UNAVAILABLE : ERROR_INTERNAL,
                     "%s: %s", text, g_strerror(errno_value));
}

bool error_set_lathe(GError **error, enum error_code code, const struct lathe_error *cause)
{
    return error_set(error, code, "%s", cause->message);
}
