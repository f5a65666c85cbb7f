#include "script/reason.h"

#include <string.h>

#include "script/reason_java.h"

/* ---- hearing ---- */

void reason_hear(struct reason_tail *tail, const char *bytes, size_t size)
{
    if (size > REASON_TAIL) {
        bytes += size - REASON_TAIL;
        size = REASON_TAIL;
    }
    if (tail->text->len + size > 2 * REASON_TAIL)
        g_string_erase(tail->text, 0, (gssize)(tail->text->len - REASON_TAIL));
    g_string_append_len(tail->text, bytes, (gssize)size);
}

/* ---- a Python program's traceback ---- */

static const char begin[] = "Traceback (most recent call last):";

/* Where the last one begins; -1: there is none. What Python cannot read at all (SyntaxError) begins
 * with its place. */
static int find_traceback(char **lines)
{
    int found = -1, place = -1;
    for (int i = 0; lines[i]; i++) {
        if (strstr(lines[i], begin))
            found = i;
        else if (place < 0 && g_str_has_prefix(lines[i], "  File \""))
            place = i;
    }
    return found >= 0 ? found : place;
}

/* `  File "/opt/ml/code/train.py", line 12, in main`: the file and the line; the last of the user's
 * own files, since what fails in a library was called from there. */
static char *find_place(char **lines, int from)
{
    char *own = NULL, *last = NULL;
    for (int i = from; lines[i]; i++) {
        const char *file = strstr(lines[i], "File \"");
        const char *end = file ? strstr(file, "\", line ") : NULL;
        if (!end)
            continue;
        file += strlen("File \"");
        g_autofree char *name = g_strndup(file, (gsize)(end - file));
        const char *number = end + strlen("\", line ");
        char **place = g_str_has_prefix(name, "/opt/ml/") ? &own : &last;
        g_free(*place);
        *place = g_strdup_printf("%s, line %.*s", name, (int)strspn(number, "0123456789"), number);
    }
    if (own)
        g_clear_pointer(&last, g_free);
    return own ? own : last;
}

/* The exception's line: the first that is not indented after its frames. */
static const char *find_exception(char **lines, int from)
{
    const char *exception = NULL;
    for (int i = from + 1; lines[i] && !exception; i++)
        if (*lines[i] && !g_ascii_isspace(*lines[i]))
            exception = lines[i];
    return exception;
}

/* What lathe_hints.py says of the exception behind the traceback. */
static const char hint_begin[] = "lathe: ";

static const char *find_hint(char **lines, int from)
{
    const char *hint = NULL;
    for (int i = from; lines[i]; i++)
        if (g_str_has_prefix(lines[i], hint_begin))
            hint = lines[i] + strlen(hint_begin);
    return hint;
}

/* ---- a reason ---- */

/* "No module named 'lightgbm.basic'": lightgbm; g_free. */
static char *missing_module(const char *exception)
{
    const char *name = strstr(exception, "No module named ");
    if (!name)
        return NULL;
    name += strlen("No module named ");
    name += strspn(name, "'\"");
    return g_strndup(name, strcspn(name, "'\"."));
}

static char *told_exception(const char *exception, const char *place, const char *hint,
                            const char *python)
{
    g_autoptr(GString) told = g_string_new(exception);
    if (place)
        g_string_append_printf(told, " (%s)", place);
    g_autofree char *module = missing_module(exception);
    if (hint)
        g_string_append_printf(told, "; %s", hint);
    else if (module)
        g_string_append_printf(told,
                               "; install it into the Python that runs the scripts: %s -m pip "
                               "install %s",
                               python ? python : "python3", module);
    return g_string_free(g_steal_pointer(&told), FALSE);
}

static const char *last_line(char **lines)
{
    const char *last = NULL;
    for (; *lines; lines++)
        if (*g_strchomp(*lines))
            last = *lines;
    return last;
}

static char **lines_of(const struct reason_tail *tail)
{
    g_autofree char *text = g_utf8_make_valid(tail->text->str, (gssize)tail->text->len);
    return g_strsplit(text, "\n", -1);
}

/* What was thrown; NULL: nothing was. */
static char *exception_of(const struct reason_tail *tail, const char *python)
{
    g_auto(GStrv) lines = lines_of(tail);
    int traceback = find_traceback(lines);
    const char *exception = traceback >= 0 ? find_exception(lines, traceback) : NULL;
    g_autofree char *java = reason_java(lines, traceback, exception);
    if (exception) {
        g_autofree char *place = find_place(lines, traceback);
        return told_exception(java ? java : exception, place, find_hint(lines, traceback), python);
    }
    return g_steal_pointer(&java);
}

static char *last_line_of(const struct reason_tail *tail)
{
    g_auto(GStrv) lines = lines_of(tail);
    return g_strdup(last_line(lines));
}

char *reason_of(const struct reason_tail *tails, size_t count, int status, const char *python)
{
    g_autofree char *exception = NULL;
    g_autofree char *last = NULL;
    for (size_t i = 0; i < count && !exception; i++)
        exception = exception_of(&tails[i], python);
    for (size_t i = 0; i < count && !last; i++)
        last = last_line_of(&tails[i]);
    if (exception)
        return g_steal_pointer(&exception);
    if (status > 128)
        return g_strdup_printf("the program was killed by signal %d%s%s", status - 128,
                               last ? "; its last line: " : "", last ? last : "");
    return g_steal_pointer(&last);
}
