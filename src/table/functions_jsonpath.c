/* json_exists, json_value and json_query: the part of SQL/JSON's path language that asks for
 * members, elements and what passes a filter. Arithmetic in paths is refused. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "table/functions.h"

/* A path as it is gone along: the sequence of values that it has led to. */
struct walk {
    struct function_call *call;
    json_t *root;
    bool strict;
    char *why; /* NULL: nothing went wrong; else what, of the values */
    int depth;
};

enum truth { FALSE_, TRUE_, UNKNOWN };

/* A structural error, which what stands ON ERROR answers. */
static bool fail_walk(struct walk *walk, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail_walk(struct walk *walk, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_free(walk->why);
    walk->why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return false;
}

/* The path itself is wrong, or says what is not supported: the statement fails. */
static bool fail_path(struct walk *walk, const char *at)
{
    return call_fail(walk->call, "NOT_SUPPORTED",
                     "this part of a JSON path is not supported: %.60s", at);
}

static void skip(const char **at)
{
    while (g_ascii_isspace(**at))
        ++*at;
}

static bool take(const char **at, const char *sign)
{
    skip(at);
    size_t size = strlen(sign);
    if (strncmp(*at, sign, size) != 0)
        return false;
    *at += size;
    return true;
}

static bool is_letter(char c)
{
    return g_ascii_isalnum(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool take_word(const char **at, const char *word)
{
    const char *from = *at;
    if (!take(&from, word) || is_letter(*from))
        return false;
    *at = from;
    return true;
}

/* A name: letters, or text in double quotes. */
static char *take_name(const char **at)
{
    skip(at);
    GString *name = g_string_new(NULL);
    if (**at != '"') {
        while (is_letter(**at))
            g_string_append_c(name, *(*at)++);
        return g_string_free(name, FALSE);
    }
    for (++*at; **at && **at != '"'; ++*at) {
        if (**at == '\\' && (*at)[1])
            ++*at;
        g_string_append_c(name, **at);
    }
    if (**at)
        ++*at;
    return g_string_free(name, FALSE);
}

static GPtrArray *new_items(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
}

static void add(GPtrArray *items, json_t *value)
{
    g_ptr_array_add(items, json_incref(value));
}

/* In lax paths an array stands for its elements. */
static GPtrArray *unwrapped(struct walk *walk, GPtrArray *items)
{
    GPtrArray *all = new_items();
    for (guint i = 0; i < items->len; i++) {
        json_t *value = items->pdata[i], *element;
        size_t j;
        if (walk->strict || !json_is_array(value)) {
            add(all, value);
            continue;
        }
        json_array_foreach(value, j, element) add(all, element);
    }
    return all;
}

static bool go_to_member(struct walk *walk, GPtrArray **items, const char *name)
{
    g_autoptr(GPtrArray) all = unwrapped(walk, *items);
    g_ptr_array_unref(*items);
    *items = new_items();
    for (guint i = 0; i < all->len; i++) {
        json_t *value = all->pdata[i];
        json_t *found = json_is_object(value) ? json_object_get(value, name) : NULL;
        if (found)
            add(*items, found);
        else if (walk->strict)
            return fail_walk(walk,
                             json_is_object(value)
                                 ? "missing member '%s' in JSON object"
                                 : "invalid item type. Expected: OBJECT, actual: not one, for "
                                   "'%s'",
                             name);
    }
    return true;
}

static bool go_to_all_members(struct walk *walk, GPtrArray **items)
{
    g_autoptr(GPtrArray) all = unwrapped(walk, *items);
    g_ptr_array_unref(*items);
    *items = new_items();
    for (guint i = 0; i < all->len; i++) {
        const char *name;
        json_t *value = all->pdata[i], *member;
        if (!json_is_object(value) && walk->strict)
            return fail_walk(walk, "invalid item type. Expected: OBJECT");
        json_object_foreach(value, name, member) add(*items, member);
    }
    return true;
}

/* A number, "last" or "last - n". */
static bool take_place(struct walk *walk, const char **at, int64_t size, int64_t *place)
{
    bool last = take_word(at, "last");
    if (last && !take(at, "-")) {
        *place = size - 1;
        return true;
    }
    skip(at);
    if (!g_ascii_isdigit(**at))
        return fail_path(walk, *at);
    for (*place = 0; g_ascii_isdigit(**at) && *place < INT32_MAX; ++*at)
        *place = *place * 10 + (**at - '0');
    *place = last ? size - 1 - *place : *place;
    return true;
}

static bool take_places(struct walk *walk, const char **at, json_t *list, GPtrArray *items)
{
    int64_t size = (int64_t)json_array_size(list), from, to;
    do {
        if (!take_place(walk, at, size, &from))
            return false;
        to = from;
        if (take_word(at, "to") && !take_place(walk, at, size, &to))
            return false;
        if (walk->strict && (from < 0 || to >= size || from > to))
            return fail_walk(walk,
                             "invalid array subscript: [%" G_GINT64_FORMAT ", %" G_GINT64_FORMAT
                             "] for array of size %" G_GINT64_FORMAT,
                             from, to, size);
        for (int64_t i = MAX(from, 0); i <= MIN(to, size - 1); i++)
            add(items, json_array_get(list, (size_t)i));
    } while (take(at, ","));
    return take(at, "]") || fail_path(walk, *at);
}

/* Behind the bracket; moves on behind its end. */
static bool go_to_elements(struct walk *walk, const char **at, GPtrArray **items)
{
    g_autoptr(GPtrArray) before = *items;
    const char *start = *at;
    *items = new_items();
    if (take(at, "*")) {
        if (!take(at, "]"))
            return fail_path(walk, *at);
        for (guint i = 0; i < before->len; i++) {
            json_t *value = before->pdata[i], *element;
            size_t j;
            if (!json_is_array(value) && walk->strict)
                return fail_walk(walk, "invalid item type. Expected: ARRAY");
            if (!json_is_array(value))
                add(*items, value);
            json_array_foreach(value, j, element) add(*items, element);
        }
        return true;
    }
    const char *behind = strchr(start, ']');
    for (guint i = 0; i < before->len; i++) {
        json_t *value = before->pdata[i];
        if (!json_is_array(value) && walk->strict)
            return fail_walk(walk, "invalid item type. Expected: ARRAY");
        g_autoptr(json_auto) one =
            json_is_array(value) ? json_incref(value) : json_pack("[O]", value);
        *at = start;
        if (!take_places(walk, at, one, *items))
            return false;
        behind = *at;
    }
    if (!behind)
        return fail_path(walk, start);
    *at = before->len ? behind : behind + 1;
    return true;
}

static bool go_along(struct walk *walk, const char **at, json_t *current, GPtrArray **items);
static bool is_true(struct walk *walk, const char **at, json_t *current, enum truth *truth);

static bool go_through_filter(struct walk *walk, const char **at, GPtrArray **items)
{
    g_autoptr(GPtrArray) all = unwrapped(walk, *items);
    const char *start = *at;
    enum truth truth;
    g_ptr_array_unref(*items);
    *items = new_items();
    /* Once more, of null, where there is nothing: to get behind it. */
    for (guint i = 0; i < MAX(all->len, 1); i++) {
        json_t *value = all->len ? all->pdata[i] : json_null();
        *at = start;
        if (!is_true(walk, at, value, &truth) || !take(at, ")"))
            return walk->call->error || walk->why ? false : fail_path(walk, *at);
        if (truth == TRUE_ && all->len)
            add(*items, value);
    }
    return true;
}

static bool call_method(struct walk *walk, const char *name, GPtrArray *items)
{
    for (guint i = 0; i < items->len; i++) {
        json_t *value = items->pdata[i], *made = NULL;
        static const char *const types[] = {"object", "array",   "string",  "number",
                                            "number", "boolean", "boolean", "null"};
        if (strcmp(name, "size") == 0)
            made = json_integer(json_is_array(value) ? (json_int_t)json_array_size(value) : 1);
        else if (strcmp(name, "type") == 0)
            made = json_string(types[json_typeof(value)]);
        else if (!json_is_number(value))
            return fail_walk(walk, "invalid item type. Expected: NUMBER");
        else if (strcmp(name, "abs") == 0)
            made = json_is_integer(value) ? json_integer(llabs(json_integer_value(value)))
                                          : json_real(fabs(json_real_value(value)));
        else if (strcmp(name, "double") == 0)
            made = json_real(json_number_value(value));
        else
            made = json_is_integer(value)       ? json_incref(value)
                   : strcmp(name, "floor") == 0 ? json_real(floor(json_real_value(value)))
                                                : json_real(ceil(json_real_value(value)));
        json_decref(value);
        items->pdata[i] = made;
    }
    return true;
}

static bool is_method(const char *name)
{
    static const char *const names[] = {"size", "type", "abs", "double", "floor", "ceiling"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static bool take_step(struct walk *walk, const char **at, GPtrArray **items, bool *more)
{
    *more = true;
    if (take(at, "[")) /* before the dot: they begin steps of their own */
        return go_to_elements(walk, at, items);
    if (take(at, "?"))
        return take(at, "(") ? go_through_filter(walk, at, items) : fail_path(walk, *at);
    if (!take(at, ".")) {
        *more = false;
        return true;
    }
    if (take(at, "*"))
        return go_to_all_members(walk, items);
    const char *start = *at;
    g_autofree char *name = take_name(at);
    if (!take(at, "("))
        return *name ? go_to_member(walk, items, name) : fail_path(walk, start);
    if (!is_method(name) || !take(at, ")"))
        return fail_path(walk, start);
    return call_method(walk, name, *items);
}

/* A path from $ or @ on; the values that it leads to are *items, which is the caller's. */
static bool go_along(struct walk *walk, const char **at, json_t *current, GPtrArray **items)
{
    bool more = true;
    *items = new_items();
    if (take(at, "@"))
        add(*items, current ? current : walk->root);
    else if (take(at, "$") && !is_letter(**at))
        add(*items, walk->root);
    else
        return fail_path(walk, *at);
    while (more)
        if (!take_step(walk, at, items, &more))
            return false;
    return true;
}

/* ---- filters ---- */

static bool take_literal(const char **at, json_t **value)
{
    char *end;
    skip(at);
    *value = NULL;
    if (take_word(at, "true"))
        *value = json_true();
    else if (take_word(at, "false"))
        *value = json_false();
    else if (take_word(at, "null"))
        *value = json_null();
    else if (**at == '"') {
        g_autofree char *text = take_name(at);
        *value = json_string(text);
    } else if (g_ascii_isdigit(**at) || **at == '-') {
        double number = g_ascii_strtod(*at, &end);
        bool whole =
            !memchr(*at, '.', (size_t)(end - *at)) && !memchr(*at, 'e', (size_t)(end - *at));
        *value = whole ? json_integer((json_int_t)number) : json_real(number);
        *at = end;
    }
    return *value != NULL;
}

static bool take_operand(struct walk *walk, const char **at, json_t *current, GPtrArray **items)
{
    json_t *literal;
    skip(at);
    if (**at == '$' || **at == '@')
        return go_along(walk, at, current, items);
    *items = new_items();
    if (!take_literal(at, &literal))
        return fail_path(walk, *at);
    g_ptr_array_add(*items, literal);
    return true;
}

static enum truth compare(const json_t *a, const json_t *b, const char *sign)
{
    int order;
    if (json_is_null(a) || json_is_null(b))
        order = json_is_null(a) && json_is_null(b) ? 0 : 2;
    else if (json_is_number(a) && json_is_number(b))
        order = (json_number_value(a) > json_number_value(b)) -
                (json_number_value(a) < json_number_value(b));
    else if (json_is_string(a) && json_is_string(b))
        order = strcmp(json_string_value(a), json_string_value(b));
    else if (json_is_boolean(a) && json_is_boolean(b))
        order = json_is_true(a) - json_is_true(b);
    else
        return UNKNOWN;
    if (strcmp(sign, "==") == 0)
        return order == 0;
    if (strcmp(sign, "!=") == 0 || strcmp(sign, "<>") == 0)
        return order != 0;
    if (order == 2 && (json_is_null(a) || json_is_null(b)))
        return FALSE_;
    return *sign == '<' ? sign[1] ? order <= 0 : order < 0 : sign[1] ? order >= 0 : order > 0;
}

static enum truth compare_all(struct walk *walk, GPtrArray *left, GPtrArray *right,
                              const char *sign)
{
    g_autoptr(GPtrArray) a = unwrapped(walk, left);
    g_autoptr(GPtrArray) b = unwrapped(walk, right);
    bool unknown = false, found = false;
    for (guint i = 0; i < a->len; i++)
        for (guint j = 0; j < b->len; j++) {
            enum truth truth = compare(a->pdata[i], b->pdata[j], sign);
            unknown |= truth == UNKNOWN;
            found |= truth == TRUE_;
        }
    return unknown ? UNKNOWN : found ? TRUE_ : FALSE_;
}

static bool take_comparison(struct walk *walk, const char **at, json_t *current, enum truth *truth)
{
    static const char *const signs[] = {"==", "!=", "<>", "<=", ">=", "<", ">"};
    g_autoptr(GPtrArray) left = NULL;
    g_autoptr(GPtrArray) right = NULL;
    size_t i = 0;
    if (!take_operand(walk, at, current, &left))
        return false;
    while (i < G_N_ELEMENTS(signs) && !take(at, signs[i]))
        i++;
    if (i == G_N_ELEMENTS(signs))
        return fail_path(walk, *at);
    if (!take_operand(walk, at, current, &right))
        return false;
    *truth = compare_all(walk, left, right, signs[i]);
    return true;
}

/* What goes wrong with the values within a filter leaves it undecided. */
static bool take_exists(struct walk *walk, const char **at, json_t *current, enum truth *truth)
{
    g_autoptr(GPtrArray) items = NULL;
    if (!take(at, "(") || !go_along(walk, at, current, &items) || !take(at, ")"))
        return walk->call->error || walk->why ? false : fail_path(walk, *at);
    *truth = items->len > 0;
    return true;
}

static bool take_negation(struct walk *walk, const char **at, json_t *current, enum truth *truth)
{
    bool negated = take(at, "!");
    bool good = true;
    if (take_word(at, "exists"))
        good = take_exists(walk, at, current, truth);
    else if (take(at, "("))
        good = is_true(walk, at, current, truth) && (take(at, ")") || fail_path(walk, *at));
    else
        good = take_comparison(walk, at, current, truth);
    if (negated && *truth != UNKNOWN)
        *truth = !*truth;
    return good;
}

static bool take_conjunction(struct walk *walk, const char **at, json_t *current, enum truth *truth)
{
    if (!take_negation(walk, at, current, truth))
        return false;
    while (take(at, "&&")) {
        enum truth other;
        if (!take_negation(walk, at, current, &other))
            return false;
        *truth = *truth == FALSE_ || other == FALSE_     ? FALSE_
                 : *truth == UNKNOWN || other == UNKNOWN ? UNKNOWN
                                                         : TRUE_;
    }
    return true;
}

static bool is_true(struct walk *walk, const char **at, json_t *current, enum truth *truth)
{
    *truth = UNKNOWN;
    if (++walk->depth > 50)
        return fail_path(walk, *at);
    bool good = take_conjunction(walk, at, current, truth);
    while (good && take(at, "||")) {
        enum truth other;
        good = take_conjunction(walk, at, current, &other);
        *truth = *truth == TRUE_ || other == TRUE_       ? TRUE_
                 : *truth == UNKNOWN || other == UNKNOWN ? UNKNOWN
                                                         : FALSE_;
    }
    walk->depth--;
    return good;
}

/* ---- the functions ---- */

/* The values that argument 1 leads to in argument 0; NULL where walk->why or call->error says why.
 */
static GPtrArray *values_of(struct function_call *call, struct walk *walk)
{
    size_t size;
    json_error_t wrong;
    const char *text = call_text(call, 0, &size);
    *walk = (struct walk){.call = call};
    walk->root = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &wrong);
    if (!walk->root) {
        fail_walk(walk, "conversion to JSON failed");
        return NULL;
    }
    const char *path = call_text(call, 1, &size);
    g_autofree char *terminated = g_strndup(path, size);
    const char *at = terminated;
    walk->strict = take_word(&at, "strict");
    if (!walk->strict && !take_word(&at, "lax"))
        fail_path(walk, at);
    GPtrArray *items = NULL;
    if (!call->error && go_along(walk, &at, NULL, &items)) {
        skip(&at);
        if (!*at || fail_path(walk, at))
            return items;
    }
    if (items)
        g_ptr_array_unref(items);
    return NULL;
}

static void end_walk(struct walk *walk, GPtrArray *items)
{
    if (items)
        g_ptr_array_unref(items);
    json_decref(walk->root);
    g_free(walk->why);
}

static bool says(const struct function_call *call, size_t argument, const char *word)
{
    size_t size;
    const char *text = call_text(call, argument, &size);
    return strlen(word) == size && strncmp(text, word, size) == 0;
}

/* What ON EMPTY or ON ERROR says, argument `said`; `otherwise` is the default's text. */
static bool give_instead(struct function_call *call, size_t said, size_t otherwise, const char *why,
                         const char *name)
{
    size_t size;
    if (says(call, said, "ERROR"))
        return call_fail(call, name, "%s", why);
    if (says(call, said, "EMPTY ARRAY"))
        return give_text(call, "[]", 2);
    if (says(call, said, "EMPTY OBJECT"))
        return give_text(call, "{}", 2);
    if (!says(call, said, "DEFAULT") || call_is_null(call, otherwise))
        return give_null(call);
    const char *text = call_text(call, otherwise, &size);
    return give_text(call, text, size);
}

static bool give_error(struct function_call *call, const struct walk *walk, size_t said,
                       size_t otherwise)
{
    g_autofree char *why =
        g_strdup_printf("path evaluation failed: structural error: %s", walk->why);
    return give_instead(call, said, otherwise, why, "PATH_EVALUATION_ERROR");
}

static bool json_exists(struct function_call *call)
{
    struct walk walk;
    if (call_is_null(call, 0))
        return give_null(call);
    GPtrArray *items = values_of(call, &walk);
    bool good = true;
    if (call->error)
        good = false;
    else if (items)
        give_truth(call, items->len > 0);
    else if (says(call, 2, "ERROR"))
        good = call_fail(call, "PATH_EVALUATION_ERROR", "path evaluation failed: %s", walk.why);
    else if (says(call, 2, "UNKNOWN"))
        give_null(call);
    else
        give_truth(call, says(call, 2, "TRUE"));
    end_walk(&walk, items);
    return good;
}

static void put_scalar(GString *text, const json_t *value)
{
    if (json_is_string(value))
        g_string_append_len(text, json_string_value(value), (gssize)json_string_length(value));
    else if (json_is_integer(value))
        g_string_append_printf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        value_put_double(text, json_real_value(value));
    else
        g_string_append(text, json_is_true(value) ? "true" : "false");
}

/* Arguments: the value, the path, ON EMPTY, its default, ON ERROR, its default. */
static bool json_value(struct function_call *call)
{
    struct walk walk;
    if (call_is_null(call, 0))
        return give_null(call);
    GPtrArray *items = values_of(call, &walk);
    bool good;
    json_t *value = items && items->len == 1 ? items->pdata[0] : NULL;
    if (call->error)
        good = false;
    else if (!items)
        good = give_error(call, &walk, 4, 5);
    else if (!items->len)
        good = give_instead(call, 2, 3,
                            "cannot extract SQL scalar from JSON: JSON path found no items",
                            "JSON_VALUE_RESULT_ERROR");
    else if (!value || json_is_array(value) || json_is_object(value))
        good = give_instead(
            call, 4, 5,
            value ? "cannot extract SQL scalar from JSON: JSON path found an item that "
                    "cannot be converted to an SQL value"
                  : "cannot extract SQL scalar from JSON: JSON path found multiple items",
            "JSON_VALUE_RESULT_ERROR");
    else if (json_is_null(value))
        good = give_null(call);
    else {
        put_scalar(call->text, value);
        good = give_made(call);
    }
    end_walk(&walk, items);
    return good;
}

/* Arguments: the value, the path, the wrapper, ON EMPTY, ON ERROR, whether quotes are omitted. */
static bool give_query(struct function_call *call, GPtrArray *items)
{
    bool always = says(call, 2, "UNCONDITIONAL"), maybe = says(call, 2, "CONDITIONAL");
    json_t *first = items->pdata[0];
    bool scalar = !json_is_array(first) && !json_is_object(first);
    bool wraps = always || (maybe && (items->len > 1 || scalar));
    if (!wraps && items->len > 1)
        return give_instead(call, 4, 4, "cannot extract JSON item: JSON path found multiple items",
                            "JSON_QUERY_RESULT_ERROR");
    g_autoptr(json_auto) list = json_array();
    for (guint i = 0; i < items->len; i++)
        json_array_append(list, items->pdata[i]);
    json_t *result = wraps ? list : first;
    if (says(call, 5, "OMIT") && json_is_string(result)) {
        put_scalar(call->text, result);
        return give_made(call);
    }
    char *text = json_dumps(result, JSON_ENCODE_ANY | JSON_COMPACT);
    g_string_append(call->text, text);
    free(text);
    return give_made(call);
}

static bool json_query(struct function_call *call)
{
    struct walk walk;
    if (call_is_null(call, 0))
        return give_null(call);
    GPtrArray *items = values_of(call, &walk);
    bool good = call->error ? false
                : !items    ? give_error(call, &walk, 4, 4)
                : items->len
                    ? give_query(call, items)
                    : give_instead(call, 3, 3, "cannot extract JSON item: JSON path found no items",
                                   "JSON_QUERY_RESULT_ERROR");
    end_walk(&walk, items);
    return good;
}

const struct function functions_jsonpath[] = {
    {"json_exists", "varchar, varchar, varchar -> boolean", json_exists, FUNCTION_TAKES_NULL, NULL},
    {"json_value", "varchar, varchar, varchar, varchar, varchar, varchar -> varchar", json_value,
     FUNCTION_TAKES_NULL, NULL},
    {"json_query", "varchar, varchar, varchar, varchar, varchar, varchar -> varchar", json_query,
     FUNCTION_TAKES_NULL, NULL},
    {0},
};
