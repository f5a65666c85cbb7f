/* JSON: a document a line, documents one after another, or one whole array. */
#include <string.h>

#include "base/error.h"
#include "crawl/classify_inside.h"

#define DEEPEST 50
#define SERDE "org.openx.data.jsonserde.JsonSerDe"

/* ---- types of values ---- */

static struct type *type_of(const json_t *value, int depth);

static struct type *type_of_object(const json_t *value, int depth)
{
    struct type *type = type_new(TYPE_STRUCT);
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        struct type *part = type_of(member, depth + 1), *there = type_field(type, name);
        if (!there)
            type_add(type, name, part);
        else
            type_free(part);
    }
    return type;
}

static struct type *type_of_array(const json_t *value, int depth)
{
    struct type *type = type_new(TYPE_ARRAY), *element = type_new(TYPE_NONE);
    size_t i;
    const json_t *member;
    json_array_foreach((json_t *)value, i, member) element =
        type_merge(element, type_of(member, depth + 1));
    type_add(type, NULL, element);
    return type;
}

static struct type *type_of(const json_t *value, int depth)
{
    if (depth > DEEPEST)
        return type_new(TYPE_STRING);
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return type_of_object(value, depth);
    case JSON_ARRAY:
        return type_of_array(value, depth);
    case JSON_STRING:
        return type_new(TYPE_STRING);
    case JSON_INTEGER:
        return type_new(json_integer_value(value) == (int)json_integer_value(value) ? TYPE_INT
                                                                                    : TYPE_BIGINT);
    case JSON_REAL:
        return type_new(TYPE_DOUBLE);
    case JSON_NULL:
        return type_new(TYPE_NONE);
    default:
        return type_new(TYPE_BOOLEAN);
    }
}

/* ---- paths ---- */

/* Steps of a path: names, and "*" for each of an array's. "$.a.b[*]", "$['a'][*]". */
static char **path_steps(const char *path, GError **error)
{
    g_autoptr(GPtrArray) steps = g_ptr_array_new_with_free_func(g_free);
    const char *at = path + (*path == '$');
    while (*at) {
        size_t dot = *at == '.', bracket = at[dot] == '[';
        const char *from = at + dot + bracket;
        size_t size = strcspn(from, bracket ? "]" : ".[");
        g_autofree char *word = g_strndup(from, size);
        g_strstrip(g_strdelimit(word, "'\"", ' '));
        if (!*word || (bracket && from[size] != ']') || strchr(word, '(') || strchr(word, '?')) {
            error_set(error, ERROR_INVALID_INPUT_EXCEPTION,
                      "JsonPath: %s is no path of names and [*], such as $.records[*]: what is "
                      "wrong begins at '%s'.",
                      path, at);
            return NULL;
        }
        g_ptr_array_add(steps, g_steal_pointer(&word));
        at = from + size + bracket;
    }
    g_ptr_array_add(steps, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&steps), FALSE);
}

bool json_path_check(const char *path, GError **error)
{
    g_auto(GStrv) steps = path_steps(path, error);
    return steps != NULL;
}

/* ---- rows ---- */

struct rows {
    struct type *all; /* a struct of the columns, once there is a row */
    size_t count;
};

static void add_row(struct rows *rows, const json_t *value)
{
    struct type *type;
    if (json_is_object(value)) {
        type = type_of_object(value, 0);
    } else {
        type = type_new(TYPE_STRUCT);
        type_add(type, json_is_array(value) ? "array" : "value", type_of(value, 0));
    }
    rows->all = rows->all ? type_merge(rows->all, type) : type;
    rows->count++;
}

/* What a path leads to; without one, the document. */
static void add_rows(struct rows *rows, json_t *value, char *const *steps)
{
    size_t i;
    json_t *member;
    if (!steps || !*steps) {
        add_row(rows, value);
        return;
    }
    if (strcmp(*steps, "*") != 0) {
        member = json_object_get(value, *steps);
        if (member)
            add_rows(rows, member, steps + 1);
        return;
    }
    json_array_foreach(value, i, member) add_rows(rows, member, steps + 1);
}

/* The whole ones of what a cut array begins with: up to its last element that ends. The text is
 * changed; NULL where there is none. */
static json_t *load_cut_array(const char *bytes, size_t size)
{
    for (int tries = 0; tries < 8 && size > 2; tries++) {
        const char *end = g_strrstr_len(bytes, (gssize)size, "}");
        if (!end)
            return NULL;
        size = (size_t)(end - bytes);
        g_autofree char *text = g_malloc(size + 2);
        memcpy(text, bytes, size + 1);
        text[size + 1] = ']';
        json_t *array = json_loadb(text, size + 2, 0, NULL);
        if (array)
            return array;
    }
    return NULL;
}

static size_t skip_blank(const struct sample *sample, size_t at)
{
    while (at < sample->size && strchr(" \t\r\n", sample->bytes[at]) && sample->bytes[at])
        at++;
    return at;
}

/* Documents one after another, whether lines divide them or nothing does. False where something is
 * none, but for the one that the sample cuts. */
static bool read_documents(const struct sample *sample, char *const *steps, struct rows *rows)
{
    size_t at = skip_blank(sample, 0);
    if (sample->size >= 3 && memcmp(sample->bytes, "\xef\xbb\xbf", 3) == 0)
        at = skip_blank(sample, 3);
    while (at < sample->size) {
        json_error_t cause;
        if (sample->bytes[at] != '{' && sample->bytes[at] != '[')
            return false;
        json_t *value =
            json_loadb(sample->bytes + at, sample->size - at, JSON_DISABLE_EOF_CHECK, &cause);
        bool cut = !value && !sample->whole;
        if (cut && rows->count == 0 && sample->bytes[at] == '[')
            value = load_cut_array(sample->bytes + at, sample->size - at);
        if (!value)
            return cut && rows->count;
        add_rows(rows, value, steps);
        json_decref(value);
        if (cut)
            return true;
        at = skip_blank(sample, at + (size_t)cause.position);
    }
    return rows->count > 0;
}

/* Lines from farther behind, up to one that is no document: a piece may begin within one. */
static void read_pieces(const struct sample *sample, char *const *steps, struct rows *rows)
{
    for (size_t i = 0; i < SAMPLE_PIECES; i++) {
        struct sample piece;
        struct rows further = {0};
        if (sample_piece(sample, i, &piece) && read_documents(&piece, steps, &further) &&
            further.all)
            rows->all = type_merge(rows->all, g_steal_pointer(&further.all));
        type_free(further.all);
    }
}

static json_t *schema_of(const struct type *all, const char *path)
{
    json_t *columns = json_array();
    GString *paths = g_string_new(NULL);
    for (guint i = 0; i < all->names->len; i++) {
        g_autofree char *name = g_utf8_strdown(all->names->pdata[i], -1);
        json_array_append_new(columns, column_new(name, all->parts->pdata[i]));
        g_string_append_printf(paths, "%s%s", i ? "," : "", (char *)all->names->pdata[i]);
    }
    json_t *schema = schema_new("json", columns, SERDE, json_pack("{ss}", "paths", paths->str));
    if (path)
        json_object_set_new(json_object_get(schema, "Parameters"), "jsonPath", json_string(path));
    g_string_free(paths, TRUE);
    return schema;
}

json_t *classify_json(const struct sample *sample, const char *path)
{
    g_auto(GStrv) steps = path ? path_steps(path, NULL) : NULL;
    struct rows rows = {0};
    json_t *schema = NULL;
    size_t first = skip_blank(sample, 0);
    if (first < sample->size && strchr("{[\xef", sample->bytes[first]) &&
        read_documents(sample, steps, &rows) && rows.all && rows.all->names->len) {
        read_pieces(sample, steps, &rows);
        schema = schema_of(rows.all, path);
        json_object_set_new(schema, "RecordSize",
                            json_integer((json_int_t)(sample->size / MAX(rows.count, 1))));
    }
    type_free(rows.all);
    return schema;
}
