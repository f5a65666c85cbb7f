#include "base/yaml.h"

#include <libfyaml.h>
#include <math.h>
#include <string.h>

#include "base/error.h"

#define DEEPEST 64
#define MOST_VALUES 200000 /* of the document as JSON, where each alias is a copy */
#define MOST_ALIASES 10000
#define LONGEST ((size_t)2 << 20) /* libfyaml takes some 100 times the text */

/* One document on its way. */
struct reading {
    int values, aliases;
    GError **error;
};

typedef struct fy_document document_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(document_auto, fy_document_destroy)

static json_t *convert(struct reading *reading, struct fy_node *node, int depth);

/* ---- scalars ---- */

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

static json_t *scalar_of(struct reading *reading, struct fy_node *node)
{
    size_t size;
    const char *bytes = fy_node_get_scalar(node, &size);
    g_autofree char *text = g_strndup(bytes ? bytes : "", size);
    bool plain = fy_node_get_style(node) == FYNS_PLAIN || fy_node_get_style(node) == FYNS_ANY;
    json_t *value = plain ? plain_of(text) : NULL;
    if (!value)
        value = json_stringn(text, size);
    if (!value)
        error_set(reading->error, ERROR_SERIALIZATION, "a text is not UTF-8");
    return value;
}

/* ---- collections ---- */

static json_t *sequence_of(struct reading *reading, struct fy_node *node, int depth)
{
    g_autoptr(json_auto) array = json_array();
    void *at = NULL;
    struct fy_node *item;
    while ((item = fy_node_sequence_iterate(node, &at))) {
        json_t *value = convert(reading, item, depth);
        if (!value)
            return NULL;
        json_array_append_new(array, value);
    }
    return g_steal_pointer(&array);
}

/* "<<": what a mapping, or each of a list of mappings, has and this one has not. */
static bool merge(struct reading *reading, json_t *object, struct fy_node *value, int depth)
{
    g_autoptr(json_auto) merged = convert(reading, value, depth);
    if (!merged)
        return false;
    if (json_is_object(merged))
        return json_object_update_missing(object, merged) == 0;
    size_t i;
    const json_t *each;
    bool all = json_is_array(merged);
    json_array_foreach(merged, i, each) all =
        all && json_is_object(each) && json_object_update_missing(object, (json_t *)each) == 0;
    return all || error_set(reading->error, ERROR_SERIALIZATION,
                            "a '<<' stands before what is no mapping");
}

static char *key_of(struct fy_node_pair *pair)
{
    size_t size = 0;
    struct fy_node *key = fy_node_pair_key(pair);
    const char *bytes = key && fy_node_is_scalar(key) ? fy_node_get_scalar(key, &size) : NULL;
    return bytes ? g_strndup(bytes, size) : NULL;
}

static bool is_merge(struct fy_node_pair *pair, const char *name)
{
    return strcmp(name, "<<") == 0 && fy_node_get_style(fy_node_pair_key(pair)) == FYNS_PLAIN;
}

static bool put_pair(struct reading *reading, json_t *object, struct fy_node_pair *pair, int depth)
{
    g_autofree char *name = key_of(pair);
    if (!name)
        return error_set(reading->error, ERROR_SERIALIZATION, "a mapping's key is not a text");
    if (is_merge(pair, name))
        return true;
    if (json_object_get(object, name))
        return error_set(reading->error, ERROR_SERIALIZATION, "the key '%.128s' is there twice",
                         name);
    json_t *value = convert(reading, fy_node_pair_value(pair), depth);
    return value && (json_object_set_new(object, name, value) == 0 ||
                     error_set(reading->error, ERROR_SERIALIZATION, "a key is not UTF-8"));
}

/* Its own keys first: they win over merged ones, wherever these stand. */
static json_t *mapping_of(struct reading *reading, struct fy_node *node, int depth)
{
    g_autoptr(json_auto) object = json_object();
    struct fy_node_pair *pair;
    for (void *at = NULL; (pair = fy_node_mapping_iterate(node, &at));)
        if (!put_pair(reading, object, pair, depth))
            return NULL;
    for (void *at = NULL; (pair = fy_node_mapping_iterate(node, &at));) {
        g_autofree char *name = key_of(pair);
        if (is_merge(pair, name) && !merge(reading, object, fy_node_pair_value(pair), depth))
            return NULL;
    }
    return g_steal_pointer(&object);
}

/* What an alias stands for. libfyaml would copy it into the document, and copies of copies grow
 * without bound before anybody can count them. */
static struct fy_node *target_of(struct reading *reading, struct fy_node *node)
{
    if (++reading->aliases > MOST_ALIASES) {
        error_set(reading->error, ERROR_SERIALIZATION, "it has more than %d aliases", MOST_ALIASES);
        return NULL;
    }
    struct fy_node *target = fy_node_resolve_alias(node);
    if (!target)
        error_set(reading->error, ERROR_SERIALIZATION, "an alias has no anchor");
    return target;
}

static json_t *convert(struct reading *reading, struct fy_node *node, int depth)
{
    if (++reading->values > MOST_VALUES) {
        error_set(reading->error, ERROR_SERIALIZATION,
                  "it has more than %d values, with those that aliases repeat", MOST_VALUES);
        return NULL;
    }
    if (depth > DEEPEST) {
        error_set(reading->error, ERROR_SERIALIZATION, "it is nested deeper than %d levels",
                  DEEPEST);
        return NULL;
    }
    if (!node)
        return json_null();
    if (fy_node_is_alias(node)) {
        struct fy_node *target = target_of(reading, node);
        return target ? convert(reading, target, depth + 1) : NULL;
    }
    if (fy_node_is_sequence(node))
        return sequence_of(reading, node, depth + 1);
    if (fy_node_is_mapping(node))
        return mapping_of(reading, node, depth + 1);
    return scalar_of(reading, node);
}

/* ---- documents ---- */

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

static json_t *read_document(const char *text, size_t size, const char *what, GError **error)
{
    struct fy_diag *diagnostics = fy_diag_create(NULL);
    fy_diag_set_collect_errors(diagnostics, true);
    /* Keys are compared when they are converted, by their hashes: libfyaml compares each with all
     * those before it. */
    struct fy_parse_cfg config = {.flags = FYPCF_ALLOW_DUPLICATE_KEYS, .diag = diagnostics};
    g_autoptr(document_auto) document = fy_document_build_from_string(&config, text, size);
    struct reading reading = {.error = error};
    json_t *value = NULL;
    if (!document) {
        take_first_error(diagnostics, what, error);
    } else {
        value = convert(&reading, fy_document_root(document), 0);
        if (!value)
            g_prefix_error(error, "%s: ", what);
    }
    fy_diag_destroy(diagnostics);
    return value;
}

/* Whether there is nothing but white space and comments: a stream without a document, which
 * libfyaml tells from none at all by a line to standard error. */
static bool is_blank(const char *text, size_t size)
{
    bool in_comment = false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\n')
            in_comment = false;
        else if (text[i] == '#')
            in_comment = true;
        else if (!in_comment && !g_ascii_isspace(text[i]))
            return false;
    }
    return true;
}

json_t *yaml_parse(const char *text, size_t size, const char *what, GError **error)
{
    if (is_blank(text, size))
        return json_null();
    /* Most of what is large is JSON, whose own reader takes less. */
    bool may_be_json = size > 0 && strchr("{[", text[0]);
    json_t *json = may_be_json ? json_parse(text, size, what, NULL) : NULL;
    if (json)
        return json;
    if (size <= LONGEST)
        return read_document(text, size, what, error);
    error_set(error, ERROR_ENTITY_TOO_LARGE,
              "%s is YAML of more than %zu bytes; JSON may be longer", what, LONGEST);
    return NULL;
}
