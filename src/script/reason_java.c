#include "script/reason_java.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

/* The text behind a line's beginning, or NULL. */
static const char *behind(const char *line, const char *begin)
{
    return g_str_has_prefix(line, begin) ? line + strlen(begin) : NULL;
}

/* Of `Exception in thread "main" java.lang.IllegalStateException: words`, from the class on. */
static const char *uncaught(const char *line)
{
    const char *name = behind(line, "Exception in thread \"");
    const char *end = name ? strchr(name, '"') : NULL;
    return end && end[1] == ' ' ? end + 2 : NULL;
}

/* Py4J's exception names the call; the line after it, `: java.lang...`, is what was thrown. */
static const char *thrown(char **lines, int from, const char *exception)
{
    const char *found = NULL;
    for (int i = MAX(from, 0); lines[i] && !found; i++)
        if (!exception)
            found = uncaught(lines[i]);
        else if (lines[i] == exception && lines[i + 1])
            found = behind(lines[i + 1], ": ");
    return found;
}

static const char *last_cause(char **lines, int from)
{
    const char *cause = NULL;
    for (int i = MAX(from, 0); lines[i]; i++) {
        const char *found = behind(lines[i], "Caused by: ");
        cause = found ? found : cause;
    }
    return cause;
}

/* Java's own memory, which is not the sandbox's: the program goes on, or fails at another place. */
static const char *out_of_memory(char **lines)
{
    for (; *lines; lines++) {
        const char *found = strstr(*lines, "java.lang.OutOfMemoryError");
        if (found)
            return found;
    }
    return NULL;
}

/* What spark-submit says of a main class that is not there. */
static const char *not_found(char **lines)
{
    for (; *lines; lines++)
        if (g_str_has_prefix(*lines, "Error: Failed to load class "))
            return behind(*lines, "Error: ");
    return NULL;
}

static const char more_memory[] =
    "; the driver has as much memory as spark.driver.memory says (1g unless told): "
    "in the SDK's configuration= as spark-defaults, in Glue's --conf";

char *reason_java(char **lines, int from, const char *exception)
{
    if (exception && !g_str_has_prefix(exception, "py4j."))
        return NULL; /* what Python says is enough */
    const char *first = thrown(lines, from, exception);
    const char *memory = out_of_memory(lines);
    first = first ? first : memory;
    if (!first)
        return exception ? NULL : g_strdup(not_found(lines));
    const char *cause = last_cause(lines, from);
    bool is_told = !cause || strstr(first, cause);
    return g_strconcat(first, is_told ? "" : "; caused by: ", is_told ? "" : cause,
                       memory ? more_memory : "", NULL);
}
