/* Requests of MLflow's: what has to be there, what it may be called, and in whose words it is
 * refused. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/page.h"
#include "service/mlflow/mlflow_inside.h"

#define HINT " See the API docs for more information about request parameters."

/* ---- refusals ---- */

bool mlflow_missing(GError **error, const char *path)
{
    return error_set(error, ERROR_MLFLOW_VALUE, "Missing value for required parameter '%s'." HINT,
                     path);
}

bool mlflow_invalid(GError **error, const char *path, const json_t *value, const char *why)
{
    g_autofree char *text = json_text_of(value);
    return error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid value %.1024s for parameter '%s' supplied: %s", text, path, why);
}

const char *mlflow_text(const json_t *request, const char *member, GError **error)
{
    const char *text = json_text_at(request, member);
    if (text && *text)
        return text;
    mlflow_missing(error, member);
    return NULL;
}

const char *mlflow_run_id_in(const json_t *request, GError **error)
{
    const char *old = json_text_at(request, "run_uuid");
    const char *text = json_text_at(request, "run_id");
    return (!text || !*text) && old && *old ? old : mlflow_text(request, "run_id", error);
}

/* ---- names and lengths ---- */

/* Letters and digits of all scripts, as Python's \w. */
static bool has_plain_characters(const char *key)
{
    for (const char *at = key; *at; at = g_utf8_next_char(at)) {
        gunichar character = g_utf8_get_char(at);
        if (!g_unichar_isalnum(character) && (character > 127 || !strchr("/_.- :", (int)character)))
            return false;
    }
    return true;
}

/* Whether the name stays itself as the path of a file. */
static bool is_own_path(const char *key)
{
    if (*key == '/' || g_str_has_prefix(key, "..") || !*key)
        return false;
    if (!strchr(key, '/'))
        return strcmp(key, ".") != 0;
    g_auto(GStrv) parts = g_strsplit(key, "/", -1);
    for (char **part = parts; *part; part++)
        if (!**part || strcmp(*part, ".") == 0 || strcmp(*part, "..") == 0)
            return false;
    return true;
}

bool mlflow_check_key(const char *path, const char *key, GError **error)
{
    if (has_plain_characters(key) && is_own_path(key))
        return true;
    g_autoptr(json_auto) value = json_string(key);
    if (!has_plain_characters(key))
        return mlflow_invalid(error, path, value,
                              "Names may only contain alphanumerics, underscores (_), dashes (-), "
                              "periods (.), spaces ( ), colon(:) and slashes (/).");
    return mlflow_invalid(error, path, value,
                          "Names may be treated as files in certain cases, and must not resolve to "
                          "other names when treated as such. This name would resolve to another");
}

bool mlflow_check_length(const char *what, size_t limit, const char *value, GError **error)
{
    return strlen(value) <= limit || (size_t)g_utf8_strlen(value, -1) <= limit ||
           error_set(error, ERROR_MLFLOW_VALUE, "'%s' exceeds the maximum length of %zu characters",
                     what, limit);
}

/* ---- pages ---- */

static bool read_limit(const json_t *request, gint64 standard, gint64 most, gint64 *limit,
                       GError **error)
{
    *limit = json_integer_at(request, "max_results", standard);
    if (*limit < 1)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Invalid value %" G_GINT64_FORMAT " for parameter 'max_results' supplied: "
                         "It must be a positive integer",
                         *limit);
    return *limit <= most ||
           error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid value %" G_GINT64_FORMAT " for parameter 'max_results' supplied: It "
                     "must be at most %" G_GINT64_FORMAT,
                     *limit, most);
}

bool mlflow_page(const json_t *request, gint64 standard, gint64 most, const json_t *all,
                 const char *member, struct reply *reply, GError **error)
{
    gint64 limit;
    struct page page;
    size_t count = json_array_size(all);
    if (!read_limit(request, standard, most, &limit, error) ||
        !page_find(&page, member, json_text_at(request, "page_token"), count, (size_t)limit,
                   ERROR_MLFLOW_VALUE, error))
        return false;
    json_t *found = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append(found, json_array_get(all, i));
    g_autofree char *next = page_next(&page, member, count);
    reply->output = json_pack("{soss*}", member, found, "next_page_token", next);
    return true;
}

/* ---- values ---- */

gint64 mlflow_milliseconds(double seconds)
{
    return (gint64)llround(seconds * 1000);
}

json_t *mlflow_pairs(const json_t *object)
{
    json_t *pairs = json_array();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value)
        json_array_append_new(pairs, json_pack("{sssO}", "key", key, "value", value));
    return pairs;
}

void mlflow_put_pairs(json_t *object, const json_t *pairs)
{
    size_t i;
    const json_t *pair;
    json_array_foreach((json_t *)pairs, i, pair)
    {
        const char *key = json_text_at(pair, "key"), *value = json_text_at(pair, "value");
        if (key)
            json_object_set_new(object, key, json_string(value ? value : ""));
    }
}

json_t *mlflow_object_in(json_t *object, const char *member)
{
    if (!json_object_get(object, member))
        json_object_set_new(object, member, json_object());
    return json_object_get(object, member);
}

json_t *mlflow_number(double value)
{
    if (isnan(value))
        return json_string("NaN");
    if (isinf(value))
        return json_string(value > 0 ? "Infinity" : "-Infinity");
    return json_real(value);
}

bool mlflow_number_of(const json_t *value, double *number)
{
    static const struct {
        const char *text;
        double value;
    } words[] = {{"NaN", NAN}, {"Infinity", INFINITY}, {"-Infinity", -INFINITY}};
    *number = json_number_value(value);
    if (json_is_number(value))
        return true;
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].text, text) == 0) {
            *number = words[i].value;
            return true;
        }
    char *end = NULL;
    *number = text ? g_ascii_strtod(text, &end) : 0;
    return text && *text && !*end && isfinite(*number);
}

char *mlflow_random_name(void)
{
    static const char *const first[] = {"amber",  "brave",  "calm",  "clever", "eager", "gentle",
                                        "honest", "lively", "merry", "nimble", "proud", "quiet",
                                        "rapid",  "silent", "tidy",  "wise"};
    static const char *const second[] = {"ant",  "bee",  "colt",  "crane", "deer", "finch",
                                         "fox",  "hare", "lynx",  "mole",  "newt", "owl",
                                         "seal", "swan", "trout", "wren"};
    guint8 bytes[4];
    id_random(bytes, sizeof bytes);
    return g_strdup_printf("%s-%s-%u", first[bytes[0] % G_N_ELEMENTS(first)],
                           second[bytes[1] % G_N_ELEMENTS(second)],
                           (bytes[2] * 256u + bytes[3]) % 1000u);
}

/* ---- resources ---- */

char *mlflow_arn(const struct call *call, const char *kind, const char *name)
{
    struct call sagemaker = *call;
    sagemaker.service = "sagemaker";
    return call_arn(&sagemaker, kind, name);
}

struct resource *mlflow_get(const struct call *call, const char *kind, const char *name,
                            GError **error, const char *format, ...)
{
    GError *cause = NULL;
    struct resource *found = resource_get(call->lathe->store, kind, name, &cause);
    if (cause) {
        g_propagate_error(error, cause);
    } else if (!found) {
        va_list arguments;
        va_start(arguments, format);
        g_autofree char *message = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        error_set(error, ERROR_MLFLOW_MISSING, "%s", message);
    }
    return found;
}

bool mlflow_change(const struct call *call, const struct resource *resource,
                   resource_change *change, void *data, GError **error)
{
    bool found = false;
    if (!resource_update(call->lathe->store, resource->kind, resource->name, change, data, &found,
                         error))
        return false;
    return found ||
           error_set(error, ERROR_MLFLOW_MISSING, "%s has just been deleted", resource->name);
}

bool mlflow_check_tags(const json_t *tags, size_t most, GError **error)
{
    size_t i;
    const json_t *tag;
    json_array_foreach((json_t *)tags, i, tag)
    {
        const char *key = json_text_at(tag, "key"), *value = json_text_at(tag, "value");
        if (!key)
            return mlflow_missing(error, "tags.key");
        if (!mlflow_check_key("key", key, error) ||
            !mlflow_check_length("key", MLFLOW_KEY_LIMIT, key, error) ||
            !mlflow_check_length("value", most, value ? value : "", error))
            return false;
    }
    return true;
}
