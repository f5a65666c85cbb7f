#include "base/yaml.h"

#include <libfyaml.h>
#include <math.h>
#include <string.h>

#include "base/error.h"

#define DEEPEST 64

typedef struct fy_document document_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(document_auto, fy_document_destroy)

static json_t *convert(struct fy_node *node, int depth, GError **error);

/* --- scalars
 * --------------------------------------------------------------------------------------- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static json_t *number_of(const char *text)
{
    static const char *const infinities[] = {".inf", ".Inf", ".INF", "+.inf", "-.inf",
                                             ".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(text, infinities)) /* JSON has none: they stay words */
        return NULL;
    if (strspn(text, "+-.0123456789eE") != strlen(text) || !strpbrk(text, "0123456789"))
        return NULL;
    char *end;
    if (!strpbrk(text, ".eE")) {
        gint64 integer = g_ascii_strtoll(text, &end, 10);
        return *end ? NULL : json_integer(integer);
    }
    double number = g_ascii_strtod(text, &end);
    return *end || !isfinite(number) ? NULL : json_real(number);
}

/* A plain (unquoted) scalar by YAML 1.2's core schema. */
static json_t *plain_of(const char *text)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(text, nulls))
        return json_null();
    if (is_one_of(text, yes))
        return json_true();
    return is_one_of(text, no) ? json_false() : number_of(text);
}

static json_t *scalar_of(struct fy_node *node, GError **error)
{
    size_t size;
    const char *bytes = fy_node_get_scalar(node, &size);
    g_autofree char *text = g_strndup(bytes ? bytes : "", size);
    bool plain = fy_node_get_style(node) == FYNS_PLAIN || fy_node_get_style(node) == FYNS_ANY;
    json_t *value = plain ? plain_of(text) : NULL;
    if (!value)
        value = json_stringn(text, size);
    if (!value)
        error_set(error, ERROR_SERIALIZATION, "a text is not UTF-8");
    return value;
}

/* --- collections
 * ------------------------------------------------------------------------------------- */

static json_t *sequence_of(struct fy_node *node, int depth, GError **error)
{
    g_autoptr(json_auto) array = json_array();
    void *at = NULL;
    struct fy_node *item;
    while ((item = fy_node_sequence_iterate(node, &at))) {
        json_t *value = convert(item, depth, error);
        if (!value)
            return NULL;
        json_array_append_new(array, value);
    }
    return g_steal_pointer(&array);
}

static json_t *mapping_of(struct fy_node *node, int depth, GError **error)
{
    g_autoptr(json_auto) object = json_object();
    void *at = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(node, &at))) {
        size_t size = 0;
        struct fy_node *key = fy_node_pair_key(pair);
        const char *bytes = key && fy_node_is_scalar(key) ? fy_node_get_scalar(key, &size) : NULL;
        if (!bytes) {
            error_set(error, ERROR_SERIALIZATION, "a mapping's key is not a text");
            return NULL;
        }
        g_autofree char *name = g_strndup(bytes, size);
        json_t *value = convert(fy_node_pair_value(pair), depth, error);
        if (!value)
            return NULL;
        json_object_set_new(object, name, value);
    }
    return g_steal_pointer(&object);
}

static json_t *convert(struct fy_node *node, int depth, GError **error)
{
    if (!node)
        return json_null();
    if (depth > DEEPEST) {
        error_set(error, ERROR_SERIALIZATION, "it is nested deeper than %d levels", DEEPEST);
        return NULL;
    }
    if (fy_node_is_sequence(node))
        return sequence_of(node, depth + 1, error);
    if (fy_node_is_mapping(node))
        return mapping_of(node, depth + 1, error);
    return scalar_of(node, error);
}

/* --- documents
 * ---------------------------------------------------------------------------------------- */

static void take_first_error(struct fy_diag *diagnostics, const char *what, GError **error)
{
    void *at = NULL;
    struct fy_diag_error *first = fy_diag_errors_iterate(diagnostics, &at);
    if (first)
        error_set(error, ERROR_SERIALIZATION, "%s is not YAML: line %d, column %d: %s", what,
                  first->line, first->column, first->msg);
    else
        error_set(error, ERROR_SERIALIZATION, "%s is not YAML", what);
}

json_t *yaml_parse(const char *text, size_t size, const char *what, GError **error)
{
    struct fy_diag *diagnostics = fy_diag_create(NULL);
    fy_diag_set_collect_errors(diagnostics, true);
    struct fy_parse_cfg config = {.flags = FYPCF_RESOLVE_DOCUMENT, .diag = diagnostics};
    g_autoptr(document_auto) document = fy_document_build_from_string(&config, text, size);
    json_t *value = NULL;
    if (!document) {
        take_first_error(diagnostics, what, error);
    } else {
        value = convert(fy_document_root(document), 0, error);
        if (!value)
            g_prefix_error(error, "%s: ", what);
    }
    fy_diag_destroy(diagnostics);
    return value;
}
