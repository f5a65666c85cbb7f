#include "operation/validate.h"

#include <string.h>

#include "base/clock.h"
#include "operation/constraint.h"
#include "operation/refusal.h"
#include "parse/near_word.h"

#define DEEPEST 64         /* levels of a request; the models' own recursion needs fewer */
#define MOST_PROBLEMS 20   /* told at once */
#define LONGEST_ECHO 1024u /* bytes of a value repeated in an error */

/* One walk along a value and its shape. */
struct check {
    struct patterns *patterns;
    GString *path;     /* "inputDataConfig.1.member.channelName" */
    GString *problems; /* sentences, "; " between them */
    unsigned problem_count;
    char *wrong_type; /* the sentence that ended the walk, or NULL */
    unsigned depth;
    bool in_body; /* the first problem is in the body, not in the address or a header */
    bool is_reply;
    bool is_mlflow; /* whose clients know other words */
};

/* ---- the path ---- */

/* AWS's paths begin each name in lower case. Returns what path_pop takes. */
static size_t path_push(struct check *check, const char *name)
{
    size_t length = check->path->len;
    if (length)
        g_string_append_c(check->path, '.');
    g_string_append_c(check->path, g_ascii_tolower(*name));
    g_string_append(check->path, name + 1);
    return length;
}

static void path_pop(struct check *check, size_t length)
{
    g_string_truncate(check->path, length);
}

/* ---- what is wrong ---- */

static void echo(GString *text, const json_t *value)
{
    const char *key;
    const json_t *element;
    size_t i;
    switch (json_typeof(value)) {
    case JSON_STRING:
        g_string_append(text, json_string_value(value));
        break;
    case JSON_ARRAY:
        g_string_append_c(text, '[');
        json_array_foreach(value, i, element)
        {
            if (text->len > LONGEST_ECHO)
                break;
            g_string_append(text, i ? ", " : "");
            echo(text, element);
        }
        g_string_append_c(text, ']');
        break;
    case JSON_OBJECT:
        g_string_append_c(text, '{');
        json_object_foreach((json_t *)value, key, element)
        {
            if (text->len > LONGEST_ECHO)
                break;
            g_string_append_printf(text, "%s%s=", text->str[text->len - 1] == '{' ? "" : ", ", key);
            echo(text, element);
        }
        g_string_append_c(text, '}');
        break;
    default: {
        g_autofree char *written = json_text_of(value);
        g_string_append(text, written);
    }
    }
}

/* "Value 'x' at 'path' failed to satisfy constraint: " */
static void problem_begin(struct check *check, const struct shape *shape, const json_t *value)
{
    if (check->problem_count++)
        g_string_append(check->problems, "; ");
    g_string_append(check->problems, "Value ");
    if (!value) {
        g_string_append(check->problems, "null ");
    } else if (!(shape->flags & SHAPE_SENSITIVE)) {
        g_autoptr(GString) text = g_string_new(NULL);
        echo(text, value);
        if (text->len > LONGEST_ECHO) {
            const char *cut = g_utf8_find_prev_char(text->str, text->str + LONGEST_ECHO);
            g_string_truncate(text, (gsize)(cut - text->str));
            g_string_append(text, "...");
        }
        g_string_append_printf(check->problems, "'%s' ", text->str);
    }
    g_string_append_printf(check->problems,
                           "at '%s' failed to satisfy constraint: ", check->path->str);
}

static void problem(struct check *check, const struct shape *shape, const json_t *value,
                    const char *constraint)
{
    if (check->problem_count >= MOST_PROBLEMS)
        return;
    problem_begin(check, shape, value);
    g_string_append(check->problems, constraint);
}

/* AWS's replies do not keep to their shapes' lengths in two things, and clients read them: a list
 * may be empty whatever its least length, and free text that a caller gave (an artifact's type, of
 * up to 256 characters) is shown whole where the shape has room for 40. */
static bool may_be_in_reply(const struct shape *shape, enum constraint constraint,
                            const json_t *value)
{
    return (constraint == CONSTRAINT_MIN && json_is_array(value) && json_array_size(value) == 0) ||
           (constraint == CONSTRAINT_MAX && shape->type == SHAPE_STRING && !shape->pattern);
}

static void check_constraints(struct check *check, const struct shape *shape, const json_t *value)
{
    for (enum constraint c = 0; c < CONSTRAINTS; c++) {
        if (check->problem_count >= MOST_PROBLEMS ||
            !constraint_broken(check->patterns, shape, c, value) ||
            (check->is_reply && may_be_in_reply(shape, c, value)))
            continue;
        problem_begin(check, shape, value);
        constraint_say(check->problems, shape, c);
    }
}

/* The constraints of a list's elements, a map's keys and its values are told on the container:
 * "Member must satisfy constraint: [...]", all of them where one is broken. */
static void check_within(struct check *check, const struct shape *container, const json_t *all,
                         const struct shape *shape, const json_t *value, const char *who)
{
    bool broken = false;
    for (enum constraint c = 0; c < CONSTRAINTS && !broken; c++)
        broken = constraint_broken(check->patterns, shape, c, value);
    if (!broken || check->problem_count >= MOST_PROBLEMS)
        return;
    problem_begin(check, container, all);
    g_string_append_printf(check->problems, "%s must satisfy constraint: [", who);
    const char *comma = "";
    for (enum constraint c = 0; c < CONSTRAINTS; c++) {
        if (!constraint_stated(shape, c))
            continue;
        g_string_append(check->problems, comma);
        constraint_say(check->problems, shape, c);
        comma = ", ";
    }
    g_string_append_c(check->problems, ']');
}

/* ---- types ---- */

/* MLflow's own server names the types of Python. */
static char *mlflow_wrong_type(const char *place, const json_t *value)
{
    static const char *const types[] = {
        [JSON_OBJECT] = "dict", [JSON_ARRAY] = "list",    [JSON_STRING] = "str",
        [JSON_INTEGER] = "int", [JSON_REAL] = "float",    [JSON_TRUE] = "bool",
        [JSON_FALSE] = "bool",  [JSON_NULL] = "NoneType",
    };
    g_autofree char *text = json_text_of(value);
    return g_strdup_printf("Invalid value %.1024s for parameter '%s' supplied:  Hint: Value was of "
                           "type '%s'. See the API docs for more information about request "
                           "parameters.",
                           text, place, types[json_typeof(value)]);
}

/* Ends the walk. The words are those of AWS's JSON reader, the place is ours. */
static json_t *wrong_type(struct check *check, const struct shape *shape, const json_t *value)
{
    static const char *const wanted[] = {
        [SHAPE_STRING] = "String", [SHAPE_INTEGER] = "Integer",     [SHAPE_LONG] = "Long",
        [SHAPE_FLOAT] = "Float",   [SHAPE_DOUBLE] = "Double",       [SHAPE_BOOLEAN] = "Boolean",
        [SHAPE_BLOB] = "Blob",     [SHAPE_TIMESTAMP] = "Timestamp",
    };
    static const char *const found[] = {
        [JSON_STRING] = "STRING_VALUE", [JSON_INTEGER] = "NUMBER_VALUE",
        [JSON_REAL] = "NUMBER_VALUE",   [JSON_TRUE] = "TRUE_VALUE",
        [JSON_FALSE] = "FALSE_VALUE",   [JSON_NULL] = "NULL_VALUE",
    };
    if (check->wrong_type)
        return NULL;
    const char *place = check->path->len ? check->path->str : "the request";
    if (check->is_mlflow)
        check->wrong_type = mlflow_wrong_type(place, value);
    else if (json_is_object(value))
        check->wrong_type =
            g_strdup_printf("Start of structure or map found where not expected, at '%s'", place);
    else if (json_is_array(value))
        check->wrong_type =
            g_strdup_printf("Start of list found where not expected, at '%s'", place);
    else if (shape->type <= SHAPE_MAP)
        check->wrong_type = g_strdup_printf(
            "Unexpected %s where a %s is expected, at '%s'", found[json_typeof(value)],
            shape->type == SHAPE_LIST ? "list" : "structure or map", place);
    else
        check->wrong_type = g_strdup_printf("%s cannot be converted to %s, at '%s'",
                                            found[json_typeof(value)], wanted[shape->type], place);
    return NULL;
}

static json_t *as_integer(struct check *check, const struct shape *shape, const json_t *value)
{
    gint64 number = json_integer_value(value);
    if (json_is_real(value)) {
        double real = json_real_value(value);
        if (real < -9.0e18 || real > 9.0e18 || real != (double)(gint64)real)
            return wrong_type(check, shape, value);
        number = (gint64)real;
    } else if (!json_is_integer(value)) {
        return wrong_type(check, shape, value);
    }
    if (shape->type == SHAPE_INTEGER && (number < G_MININT32 || number > G_MAXINT32))
        return wrong_type(check, shape, value);
    return json_integer(number);
}

static json_t *as_timestamp(struct check *check, const struct shape *shape, const json_t *value)
{
    double time;
    if (json_is_number(value))
        return json_incref((json_t *)value);
    if (json_is_string(value) && clock_parse(json_string_value(value), &time))
        return json_real(time);
    return wrong_type(check, shape, value);
}

/* The scalar in its normal form, or NULL: the wrong type. */
static json_t *as_scalar(struct check *check, const struct shape *shape, const json_t *value)
{
    size_t size;
    bool right;
    switch (shape->type) {
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        return as_integer(check, shape, value);
    case SHAPE_TIMESTAMP:
        return as_timestamp(check, shape, value);
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        right = json_is_number(value);
        break;
    case SHAPE_BOOLEAN:
        right = json_is_boolean(value);
        break;
    case SHAPE_BLOB:
        right = json_is_string(value) &&
                base64_is_valid(json_string_value(value), json_string_length(value), &size);
        break;
    default:
        right = json_is_string(value);
    }
    return right ? json_incref((json_t *)value) : wrong_type(check, shape, value);
}

/* ---- structures, lists, maps ---- */

static json_t *check_value(struct check *check, const struct shape *shape, const json_t *value);

static bool is_scalar(const struct shape *shape)
{
    return shape->type > SHAPE_MAP;
}

static void unknown_member(struct check *check, const struct shape *shape, const char *name)
{
    if (check->problem_count >= MOST_PROBLEMS)
        return;
    struct near_word near = {.given = name};
    for (size_t i = 0; i < shape->member_count; i++)
        near_word_try(&near, shape->members[i].name);
    const char *nearest = near.nearest;
    g_autofree char *hint = nearest ? g_strdup_printf("; did you mean '%s'?", nearest) : NULL;
    g_string_append_printf(check->problems, "%sUnknown member '%.*s' in %s%s%s",
                           check->problem_count++ ? "; " : "", 255, name,
                           check->path->len ? check->path->str : "the request",
                           nearest ? "" : ": there is none of this name", hint ? hint : "");
}

static void check_unknown(struct check *check, const struct shape *shape, const json_t *value)
{
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member)
    {
        if (!json_is_null(member) && !shape_member_find(shape, name))
            unknown_member(check, shape, name);
    }
}

static json_t *check_structure(struct check *check, const struct shape *shape, const json_t *value)
{
    json_t *normal = json_object();
    size_t known = 0;
    for (size_t i = 0; i < shape->member_count && !check->wrong_type; i++) {
        const struct shape_member *member = &shape->members[i];
        if (member->flags & MEMBER_STREAM)
            continue;
        json_t *given = json_object_get(value, member->name);
        if (given)
            known++;
        bool missing = !given || json_is_null(given);
        if (missing && !(member->flags & MEMBER_REQUIRED))
            continue;
        size_t length = path_push(check, member->name);
        unsigned before = check->problem_count;
        if (missing)
            problem(check, member->shape, NULL, "Member must not be null");
        else
            json_put(normal, member->name, check_value(check, member->shape, given));
        if (before == 0 && check->problem_count > 0 && check->depth == 1)
            check->in_body = member->location == AT_BODY;
        path_pop(check, length);
    }
    if (known != json_object_size(value))
        check_unknown(check, shape, value);
    if (shape->flags & SHAPE_UNION && json_object_size(normal) != 1)
        problem(check, shape, value, "Member must have exactly one of its members set");
    return normal;
}

static json_t *check_list(struct check *check, const struct shape *shape, const json_t *value)
{
    const struct shape *element = shape->members[0].shape;
    json_t *normal = json_array();
    size_t i;
    json_t *given;
    json_array_foreach(value, i, given)
    {
        g_autofree char *place = g_strdup_printf("%zu.member", i + 1);
        size_t length = path_push(check, place);
        if (json_is_null(given)) {
            problem(check, element, NULL, "Member must not be null");
        } else if (is_scalar(element)) {
            json_t *scalar = as_scalar(check, element, given);
            path_pop(check, length);
            if (scalar)
                check_within(check, shape, value, element, scalar, "Member");
            json_array_append_new(normal, scalar);
        } else {
            json_array_append_new(normal, check_value(check, element, given));
        }
        path_pop(check, length);
        if (check->wrong_type)
            break;
    }
    return normal;
}

static json_t *check_map(struct check *check, const struct shape *shape, const json_t *value)
{
    const struct shape *keys = shape->members[0].shape;
    const struct shape *values = shape->members[1].shape;
    json_t *normal = json_object();
    const char *key;
    json_t *given;
    json_object_foreach((json_t *)value, key, given)
    {
        if (json_is_null(given))
            continue;
        g_autoptr(json_auto) name = json_string(key);
        check_within(check, shape, value, keys, name, "Map keys");
        size_t length = path_push(check, *key ? key : "''");
        json_t *element =
            is_scalar(values) ? as_scalar(check, values, given) : check_value(check, values, given);
        path_pop(check, length);
        if (check->wrong_type) {
            json_decref(element);
            break;
        }
        if (is_scalar(values))
            check_within(check, shape, value, values, element, "Map value");
        json_object_set_new(normal, key, element);
    }
    return normal;
}

/* The value in its normal form, or NULL with check->wrong_type set. */
static json_t *check_value(struct check *check, const struct shape *shape, const json_t *value)
{
    if (shape->flags & SHAPE_DOCUMENT)
        return json_incref((json_t *)value);
    if (is_scalar(shape)) {
        json_t *scalar = as_scalar(check, shape, value);
        if (scalar)
            check_constraints(check, shape, scalar);
        return scalar;
    }
    bool right = shape->type == SHAPE_LIST ? json_is_array(value) : json_is_object(value);
    if (!right)
        return wrong_type(check, shape, value);
    if (check->depth == DEEPEST) {
        check->wrong_type = g_strdup_printf("'%.64s...' is nested deeper than %d levels",
                                            check->path->str, DEEPEST);
        return NULL;
    }
    check->depth++;
    if (shape->type != SHAPE_STRUCTURE)
        check_constraints(check, shape, value);
    json_t *normal = shape->type == SHAPE_STRUCTURE ? check_structure(check, shape, value)
                     : shape->type == SHAPE_LIST    ? check_list(check, shape, value)
                                                    : check_map(check, shape, value);
    check->depth--;
    if (check->wrong_type)
        g_clear_pointer(&normal, json_decref);
    return normal;
}

/* ---- requests and replies ---- */

/* What each service answers to a request that breaks its shape, and to one of wrong types. */
static void codes_of(const struct shape_service *service, enum error_code *invalid,
                     enum error_code *wrong)
{
    static const struct {
        const char *service;
        enum error_code code;
    } own[] = {
        {"cloudwatch", ERROR_VALIDATION_RUNTIME},
        {"ecr", ERROR_INVALID_PARAMETER},
        {"lambda", ERROR_INVALID_PARAMETER_VALUE},
        {"logs", ERROR_INVALID_PARAMETER},
        {"s3", ERROR_INVALID_ARGUMENT},
        {"sagemaker-runtime", ERROR_VALIDATION_RUNTIME},
    };
    bool query = service->protocol == PROTOCOL_QUERY;
    *invalid = query ? ERROR_VALIDATION_RUNTIME : ERROR_VALIDATION;
    for (size_t i = 0; i < G_N_ELEMENTS(own); i++)
        if (strcmp(own[i].service, service->name) == 0)
            *invalid = own[i].code;
    *wrong = query || service->protocol == PROTOCOL_REST_XML ? *invalid : ERROR_SERIALIZATION;
}

static json_t *walk(struct check *check, const struct shape *shape, const json_t *value)
{
    static const struct shape nothing = {.type = SHAPE_STRUCTURE};
    g_autoptr(json_auto) empty = json_object();
    check->path = g_string_new(NULL);
    check->problems = g_string_new(NULL);
    return check_value(check, shape ? shape : &nothing, value ? value : empty);
}

static void check_clear(struct check *check)
{
    g_string_free(check->path, TRUE);
    g_string_free(check->problems, TRUE);
    g_free(check->wrong_type);
}

json_t *validate_request(struct patterns *patterns, const struct shape_service *service,
                         const struct shape_operation *operation, const json_t *request,
                         GError **error)
{
    enum error_code invalid, wrong;
    codes_of(service, &invalid, &wrong);
    bool s3 = service->protocol == PROTOCOL_REST_XML; /* which has a code for it */
    if (!refusals_check(operation, request, s3 ? ERROR_NOT_IMPLEMENTED : invalid, error))
        return NULL;
    struct check check = {.patterns = patterns, .is_mlflow = strcmp(service->name, "mlflow") == 0};
    g_autoptr(json_auto) normal = walk(&check, operation->input, request);
    if (check.wrong_type)
        error_set(error, wrong, "%s", check.wrong_type);
    else if (check.problem_count && service->protocol == PROTOCOL_REST_XML && check.in_body)
        error_set(error, ERROR_MALFORMED_XML,
                  "The XML you provided was not well-formed or did not validate against our "
                  "published schema: %s",
                  check.problems->str);
    else if (check.problem_count)
        error_set(error, invalid, "%u validation error%s detected: %s", check.problem_count,
                  check.problem_count == 1 ? "" : "s", check.problems->str);
    bool failed = check.wrong_type || check.problem_count;
    check_clear(&check);
    return failed ? NULL : g_steal_pointer(&normal);
}

bool validate_reply(struct patterns *patterns, const struct shape_operation *operation,
                    const json_t *output, GError **error)
{
    struct check check = {.patterns = patterns, .is_reply = true};
    json_decref(walk(&check, operation->output, output));
    bool failed = check.wrong_type || check.problem_count;
    if (failed)
        error_set(error, ERROR_INTERNAL, "the reply of %s does not fit its shape: %s",
                  operation->name, check.wrong_type ? check.wrong_type : check.problems->str);
    check_clear(&check);
    return !failed;
}
