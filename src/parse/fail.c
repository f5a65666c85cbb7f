#include "parse/fail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool fail(struct lathe_error *error, enum lathe_code code, const char *format, ...)
{
    if (!error)
        return false;
    error->code = code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return false;
}

bool fail_memory(struct lathe_error *error, const char *what)
{
    return fail(error, LATHE_NO_MEMORY, "no memory for %s", what);
}

bool fail_prefix(struct lathe_error *error, const char *format, ...)
{
    if (!error)
        return false;
    char whole[sizeof error->message];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(whole, sizeof whole, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    size_t used = (size_t)length < sizeof whole ? (size_t)length : sizeof whole - 1;
    size_t rest = sizeof whole - 1 - used, kept = strlen(error->message);
    if (kept > rest)
        kept = rest;
    memcpy(whole + used, error->message, kept);
    whole[used + kept] = '\0';
    memcpy(error->message, whole, used + kept + 1);
    return false;
}
