#include "program/specification.h"

#include <string.h>

#include "base/error.h"
#include "base/yaml.h"
#include "program/job_folder.h"
#include "rows/rows.h"

/* ---- reading ---- */

static bool is_specification(const char *path)
{
    return g_str_has_suffix(path, ".yaml") || g_str_has_suffix(path, ".yml") ||
           g_str_has_suffix(path, ".json");
}

/* The file's path; NULL where there is none, and with an error where there are several. */
static char *find(const char *config, GError **error)
{
    g_autoptr(GPtrArray) files = rows_files(config, error);
    g_autofree char *found = NULL;
    for (guint i = 0; files && i < files->len; i++) {
        const struct rows_file *file = g_ptr_array_index(files, i);
        const char *path = file->path;
        if (!is_specification(path))
            continue;
        if (found) {
            g_autofree char *first = g_path_get_basename(found);
            g_autofree char *second = g_path_get_basename(path);
            error_set(error, ERROR_VALIDATION,
                      "the input \"config\" holds %s and %s; one specification is needed", first,
                      second);
            return NULL;
        }
        found = g_strdup(path);
    }
    return g_steal_pointer(&found);
}

json_t *specification_read(const char *folder, bool needed, char **name, GError **error)
{
    g_autofree char *config = job_folder_path(folder, "processing/input/config");
    GError *cause = NULL;
    g_autofree char *path = NULL;
    if (g_file_test(config, G_FILE_TEST_IS_DIR))
        path = find(config, &cause);
    if (!path && !cause && !needed)
        return json_object();
    if (!path && !cause)
        error_set(&cause, ERROR_VALIDATION,
                  "the input \"config\" (%s) holds no .yaml, .yml or .json file with the "
                  "specification",
                  config);
    g_autofree char *text = NULL;
    gsize size;
    if (cause || !g_file_get_contents(path, &text, &size, &cause)) {
        g_propagate_error(error, cause);
        return NULL;
    }
    g_autofree char *base = g_path_get_basename(path);
    g_autoptr(json_auto) specification = yaml_parse(text, size, base, error);
    if (specification && !json_is_object(specification)) {
        error_set(error, ERROR_VALIDATION, "%s: a mapping of names to values is needed", base);
        return NULL;
    }
    if (name)
        *name = g_steal_pointer(&base);
    return g_steal_pointer(&specification);
}

/* ---- checking ---- */

static bool all_texts(const json_t *value)
{
    size_t i;
    const json_t *item;
    json_array_foreach((json_t *)value, i, item)
    {
        if (!json_is_string(item))
            return false;
    }
    return json_is_array(value);
}

static bool has_type(const json_t *value, enum specification_type type)
{
    switch (type) {
    case SPECIFICATION_TEXT:
        return json_is_string(value);
    case SPECIFICATION_TEXTS:
        return all_texts(value);
    case SPECIFICATION_NUMBER:
        return json_is_number(value);
    case SPECIFICATION_COUNT:
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case SPECIFICATION_BOOLEAN:
        return json_is_boolean(value);
    case SPECIFICATION_LIST:
        return json_is_array(value);
    case SPECIFICATION_OBJECT:
        return json_is_object(value);
    }
    return false;
}

static bool refuse_name(const char *what, const char *name,
                        const struct specification_member *members, size_t count, GError **error)
{
    g_autoptr(GString) known = g_string_new(NULL);
    for (size_t i = 0; i < count; i++)
        g_string_append_printf(known, "%s%s", i ? ", " : "", members[i].name);
    return error_set(error, ERROR_VALIDATION, "%s: there is no member %s; known are %s", what, name,
                     known->str);
}

bool specification_check(const json_t *object, const char *what,
                         const struct specification_member *members, size_t count, GError **error)
{
    static const char *const words[] = {"a text",        "a list of texts (numbers in quotes)",
                                        "a number",      "a whole number",
                                        "true or false", "a list",
                                        "a mapping"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)object, name, value)
    {
        size_t i = 0;
        while (i < count && strcmp(members[i].name, name) != 0)
            i++;
        if (i == count)
            return refuse_name(what, name, members, count, error);
        if (!has_type(value, members[i].type)) {
            g_autofree char *found = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
            return error_set(error, ERROR_VALIDATION, "%s: %s is %.60s, and must be %s", what, name,
                             found, words[members[i].type]);
        }
    }
    return true;
}
