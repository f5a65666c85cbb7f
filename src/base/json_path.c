#include "base/json_path.h"

#include <string.h>

#include "base/error.h"

static void free_step(void *of)
{
    struct json_path_step *step = of;
    g_ptr_array_unref(step->names);
    g_array_unref(step->indexes);
    g_free(step);
}

void json_path_free(struct json_path *path)
{
    if (!path)
        return;
    g_ptr_array_unref(path->steps);
    g_free(path->text);
    g_free(path);
}

bool json_path_is_single(const struct json_path_step *step)
{
    return (step->choice == JSON_PATH_NAMES && step->names->len == 1) ||
           (step->choice == JSON_PATH_INDEXES && step->indexes->len == 1);
}

static struct json_path_step *add_step(struct json_path *path)
{
    struct json_path_step *step = g_new0(struct json_path_step, 1);
    step->names = g_ptr_array_new_with_free_func(g_free);
    step->indexes = g_array_new(FALSE, FALSE, sizeof(gint64));
    step->from = G_MININT64;
    step->to = G_MAXINT64;
    g_ptr_array_add(path->steps, step);
    return step;
}

/* Takes the character, with the blanks around it, where it stands there. */
static bool takes(const char **at, char c)
{
    const char *start = *at + strspn(*at, " ");
    if (*start != c)
        return false;
    *at = start + 1 + strspn(start + 1, " ");
    return true;
}

static bool take_number(const char **at, gint64 *number)
{
    const char *digits = *at + (**at == '-');
    size_t count = strspn(digits, "0123456789");
    if (!count || count > 9)
        return false;
    *number = g_ascii_strtoll(*at, NULL, 10);
    *at = digits + count;
    return true;
}

/* 'name' or "name". */
static bool take_quoted(const char **at, struct json_path_step *step)
{
    const char *end = strchr(*at + 1, **at);
    if (!end)
        return false;
    g_ptr_array_add(step->names, g_strndup(*at + 1, (gsize)(end - *at - 1)));
    *at = end + 1;
    return true;
}

static bool take_names(const char **at, struct json_path_step *step)
{
    step->choice = JSON_PATH_NAMES;
    do {
        if ((**at != '\'' && **at != '"') || !take_quoted(at, step))
            return false;
    } while (takes(at, ','));
    return true;
}

static bool take_numbers(const char **at, struct json_path_step *step)
{
    gint64 number = 0;
    bool found = take_number(at, &number);
    if (takes(at, ':')) {
        step->choice = JSON_PATH_SLICE;
        step->from = found ? number : step->from;
        if (take_number(at, &number))
            step->to = number;
        return true;
    }
    step->choice = JSON_PATH_INDEXES;
    while (found) {
        g_array_append_val(step->indexes, number);
        if (!takes(at, ','))
            return true;
        found = take_number(at, &number);
    }
    return false;
}

static bool take_bracket(const char **at, struct json_path_step *step)
{
    bool taken = true;
    if (takes(at, '*'))
        step->choice = JSON_PATH_ALL;
    else
        taken = **at == '\'' || **at == '"' ? take_names(at, step) : take_numbers(at, step);
    return taken && takes(at, ']');
}

static bool take_member(const char **at, struct json_path_step *step)
{
    if (takes(at, '*')) {
        step->choice = JSON_PATH_ALL;
        return true;
    }
    size_t size = strcspn(*at, ".[]()*?@$,: '\"");
    step->choice = JSON_PATH_NAMES;
    g_ptr_array_add(step->names, g_strndup(*at, size));
    *at += size;
    return size > 0;
}

static bool take_step(const char **at, struct json_path *path)
{
    struct json_path_step *step = add_step(path);
    if (takes(at, '.'))
        return take_member(at, step);
    return takes(at, '[') && take_bracket(at, step);
}

struct json_path *json_path_parse(const char *text, GError **error)
{
    struct json_path *path = g_new0(struct json_path, 1);
    path->text = g_strdup(text);
    path->steps = g_ptr_array_new_with_free_func(free_step);
    const char *at = text;
    bool taken = takes(&at, '$');
    while (taken && *at)
        taken = take_step(&at, path);
    if (taken)
        return path;
    error_set(error, ERROR_VALIDATION,
              "%s is no JSONPath that a batch transform reads: behind \"%.*s\" one of .name, "
              "['name'], ['a','b'], [0], [0,-1], [1:], .* and [*] is needed, from $ on.",
              text, (int)(at - text), text);
    json_path_free(path);
    return NULL;
}
