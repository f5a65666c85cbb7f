/* MLflow's filter language: comparisons of attributes, metrics, parameters, tags and data sets,
 * joined by AND, refused in the words of MLflow's own parser. */
#include <math.h>
#include <string.h>

#include "service/mlflow/mlflow_inside.h"

enum { MOST_CLAUSES = 256, LONGEST_FILTER = 100000 };

enum comparator { EQ, NE, LT, LE, GT, GE, LIKE, ILIKE, IN, NOT_IN, IS_NULL, IS_NOT_NULL };
static const char *const comparators[] = {
    "=", "!=", "<", "<=", ">", ">=", "LIKE", "ILIKE", "IN", "NOT IN", "IS NULL", "IS NOT NULL"};

struct clause {
    char *type, *key;
    enum comparator comparator;
    double number;  /* where it is compared with one */
    json_t *values; /* else the texts */
};

struct filter {
    GArray *clauses;
};

/* ---- words ---- */

enum token_kind { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_SIGN, TOKEN_OTHER };

struct token {
    enum token_kind kind;
    const char *start;
    size_t length;
};

/* A quote that is doubled ends nothing. */
static size_t quoted_length(const char *text)
{
    const char *end = strchr(text + 1, *text);
    while (end && end[1] == *text)
        end = strchr(end + 2, *text);
    return end ? (size_t)(end - text) + 1 : 0;
}

static bool is_name_character(char c)
{
    return g_ascii_isalnum(c) || c == '_' || c == '.' || (unsigned char)c > 127;
}

/* metrics.loss, params.`a b`, tag."x.y" */
static size_t name_length(const char *text)
{
    size_t length = 0;
    while (text[length]) {
        bool quotes = strchr("`\"", text[length]) != NULL;
        bool may_quote = length == 0 || text[length - 1] == '.';
        size_t part = quotes && may_quote ? quoted_length(text + length) : 0;
        if (!part && !is_name_character(text[length]))
            break;
        length += part ? part : 1;
    }
    return length;
}

static size_t number_length(const char *text)
{
    char *end;
    bool begins = g_ascii_isdigit(*text) ||
                  (strchr("+-.", *text) && (g_ascii_isdigit(text[1]) || text[1] == '.'));
    if (!*text || !begins)
        return 0;
    g_ascii_strtod(text, &end);
    return (size_t)(end - text);
}

static struct token next_token(const char **at)
{
    *at += strspn(*at, " \t\r\n");
    struct token token = {TOKEN_END, *at, 0};
    if (!**at)
        return token;
    static const char *const signs[] = {"!=", "<=", ">=", "<>", "==", "=", "<", ">"};
    for (size_t i = 0; i < G_N_ELEMENTS(signs) && !token.length; i++)
        if (g_str_has_prefix(*at, signs[i]))
            token = (struct token){TOKEN_SIGN, *at, strlen(signs[i])};
    if (!token.length && (token.length = number_length(*at)))
        token.kind = TOKEN_NUMBER;
    if (!token.length && strchr("'\"", **at) && (token.length = quoted_length(*at)))
        token.kind = TOKEN_TEXT;
    if (!token.length && (token.length = name_length(*at)))
        token.kind = TOKEN_NAME;
    if (!token.length)
        token = (struct token){TOKEN_OTHER, *at, 1};
    *at += token.length;
    return token;
}

static bool is_word(const struct token *token, const char *word)
{
    return token->kind == TOKEN_NAME && token->length == strlen(word) &&
           g_ascii_strncasecmp(token->start, word, token->length) == 0;
}

static char *text_of(const struct token *token)
{
    return g_strndup(token->start, token->length);
}

/* Without its quotes. */
static char *unquoted(const char *text)
{
    size_t length = strlen(text);
    bool quotes = length >= 2 && strchr("'\"`", *text) && text[length - 1] == *text;
    return quotes ? g_strndup(text + 1, length - 2) : g_strdup(text);
}

/* ---- what is compared ---- */

static bool is_among(const char *text, const char *const *list)
{
    return list && g_strv_contains(list, text);
}

/* {'a', 'b'} */
static char *listed(const char *const *list)
{
    g_autofree char *joined = g_strjoinv("', '", (char **)list);
    return g_strdup_printf("{'%s'}", joined);
}

static const char *type_named(const struct filter_language *language, const char *word)
{
    static const struct {
        const char *word, *type;
        bool everywhere;
    } types[] = {
        {"attribute", "attribute", true},
        {"attr", "attribute", false},
        {"attributes", "attribute", false},
        {"run", "attribute", false},
        {"tag", "tag", true},
        {"tags", "tag", true},
        {"metric", "metric", false},
        {"metrics", "metric", false},
        {"param", "parameter", false},
        {"params", "parameter", false},
        {"parameter", "parameter", false},
        {"parameters", "parameter", false},
        {"dataset", "dataset", false},
        {"datasets", "dataset", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(types[i].word, word) == 0 && (types[i].everywhere || language->whole))
            return types[i].type;
    return NULL;
}

static bool invalid_type(const struct filter_language *language, const char *word, GError **error)
{
    return language->whole
               ? error_set(error, ERROR_MLFLOW_VALUE,
                           "Invalid entity type '%.256s'. Valid values are ['metric', 'parameter', "
                           "'tag', 'attribute', 'dataset']",
                           word)
               : error_set(error, ERROR_MLFLOW_VALUE,
                           "Invalid entity type '%.256s'. Valid entity types are ('attribute', "
                           "'tag', 'tags')",
                           word);
}

/* Other names of attributes that MLflow takes. */
static const char *attribute_named(const char *key)
{
    if (strcmp(key, "created") == 0 || strcmp(key, "Created") == 0)
        return "start_time";
    bool is_name = strcmp(key, "run name") == 0 || strcmp(key, "Run name") == 0 ||
                   strcmp(key, "Run Name") == 0;
    return is_name ? "run_name" : key;
}

static bool check_attribute(const char *const *attributes, const char *key, GError **error)
{
    if (is_among(key, attributes))
        return true;
    g_autofree char *valid = listed(attributes);
    return error_set(error, ERROR_MLFLOW_VALUE,
                     "Invalid attribute key '%.256s' specified. Valid keys are '%s'", key, valid);
}

bool filter_read_identifier(const struct filter_language *language, const char *const *attributes,
                            const char *text, char **type, char **key, GError **error)
{
    static const char *const datasets[] = {"name", "digest", "context", NULL};
    const char *dot = *text == '`' || *text == '"' ? NULL : strchr(text, '.');
    g_autofree char *word = dot ? g_strndup(text, (gsize)(dot - text)) : g_strdup("attribute");
    const char *named = type_named(language, word);
    if (!named)
        return invalid_type(language, word, error);
    g_autofree char *plain = unquoted(dot ? dot + 1 : text);
    const char *found = strcmp(named, "attribute") == 0 ? attribute_named(plain) : plain;
    if (strcmp(named, "attribute") == 0 && !check_attribute(attributes, found, error))
        return false;
    if (strcmp(named, "dataset") == 0 && !is_among(found, datasets))
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Invalid dataset key '%.256s' specified. Valid keys are '{'name', "
                         "'digest', 'context'}'",
                         found);
    *type = g_strdup(named);
    *key = g_strdup(found);
    return true;
}

/* ---- comparators ---- */

/* Reads one; false without an error where there is none. */
static bool read_comparator(const char **at, enum comparator *comparator)
{
    struct token token = next_token(at);
    bool negated = is_word(&token, "NOT"), is = is_word(&token, "IS");
    if (is) {
        token = next_token(at);
        bool is_not = is_word(&token, "NOT");
        if (is_not)
            token = next_token(at);
        *comparator = is_not ? IS_NOT_NULL : IS_NULL;
        return is_word(&token, "NULL");
    }
    if (negated)
        token = next_token(at);
    g_autofree char *text = text_of(&token);
    for (enum comparator c = EQ; c <= IN && !negated; c++)
        if (g_ascii_strcasecmp(text, comparators[c]) == 0) {
            *comparator = c;
            return true;
        }
    *comparator = NOT_IN;
    return negated && is_word(&token, "IN");
}

static bool is_numeric(const struct filter_language *language, const struct clause *clause)
{
    return strcmp(clause->type, "metric") == 0 ||
           (strcmp(clause->type, "attribute") == 0 && is_among(clause->key, language->numeric));
}

static bool check_comparator(const struct filter_language *language, const struct clause *clause,
                             GError **error)
{
    enum comparator c = clause->comparator;
    bool is_null = c == IS_NULL || c == IS_NOT_NULL, is_list = c == IN || c == NOT_IN;
    bool is_tag = strcmp(clause->type, "tag") == 0;
    bool is_parameter = strcmp(clause->type, "parameter") == 0;
    if (is_null && !is_tag && !is_parameter)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "IS NULL / IS NOT NULL is only supported for tags and params, not for "
                         "'%s' '%s'",
                         clause->type, clause->key);
    bool fits = is_numeric(language, clause) ? c <= GE
                : is_tag || is_parameter     ? c <= NE || c == LIKE || c == ILIKE || is_null
                                             : c <= NE || c == LIKE || c == ILIKE || is_list;
    return fits || error_set(error, ERROR_MLFLOW_VALUE, "Invalid comparator '%s' not one of '%s'",
                             comparators[c],
                             is_numeric(language, clause) ? "{'>', '>=', '!=', '=', '<', '<='}"
                             : is_tag || is_parameter
                                 ? "{'!=', '=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL'}"
                                 : "{'!=', '=', 'LIKE', 'ILIKE', 'IN', 'NOT IN'}");
}

/* ---- values ---- */

static bool not_a_number(const struct clause *clause, const char *found, GError **error)
{
    return strcmp(clause->type, "metric") == 0
               ? error_set(error, ERROR_MLFLOW_VALUE,
                           "Expected numeric value type for metric. Found %.256s", found)
               : error_set(error, ERROR_MLFLOW_VALUE,
                           "Expected numeric value type for numeric attribute: %s. Found %.256s",
                           clause->key, found);
}

static bool not_a_text(const struct clause *clause, const struct token *token, GError **error)
{
    g_autofree char *found = text_of(token);
    if (token->kind == TOKEN_NAME)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Parameter value is either not quoted or unidentified quote types used "
                         "for string value %.256s. Use either single or double quotes.",
                         found);
    if (strcmp(clause->type, "attribute") == 0)
        return error_set(error, ERROR_MLFLOW_VALUE,
                         "Expected a quoted string value for attributes. Got value %.256s", found);
    return error_set(error, ERROR_MLFLOW_VALUE,
                     "Expected a quoted string value for %s (e.g. 'my-value'). Got value %.256s",
                     clause->type, found);
}

static bool bad_list(GError **error)
{
    return error_set(error, ERROR_MLFLOW_VALUE,
                     "While parsing a list in the query, expected a non-empty list of string "
                     "values, but got ill-formed list.");
}

/* ('a', 'b') */
static bool read_list(const char **at, struct clause *clause, GError **error)
{
    struct token token = next_token(at);
    if (token.kind != TOKEN_OTHER || *token.start != '(')
        return bad_list(error);
    do {
        token = next_token(at);
        if (token.kind != TOKEN_TEXT)
            return bad_list(error);
        g_autofree char *quoted = text_of(&token);
        g_autofree char *text = unquoted(quoted);
        json_array_append_new(clause->values, json_string(text));
        token = next_token(at);
    } while (token.kind == TOKEN_OTHER && *token.start == ',');
    return (token.kind == TOKEN_OTHER && *token.start == ')') || bad_list(error);
}

static bool read_value(const struct filter_language *language, const char **at,
                       struct clause *clause, GError **error)
{
    if (clause->comparator == IN || clause->comparator == NOT_IN) {
        bool takes = strcmp(clause->type, "dataset") == 0 || is_among(clause->key, language->lists);
        return takes ? read_list(at, clause, error)
                     : error_set(error, ERROR_MLFLOW_VALUE,
                                 "Only ['%s'] attributes support comparison with a list of quoted "
                                 "string values.",
                                 language->lists[0]);
    }
    struct token token = next_token(at);
    g_autofree char *text = text_of(&token);
    if (is_numeric(language, clause)) {
        clause->number = g_ascii_strtod(text, NULL);
        return token.kind == TOKEN_NUMBER || not_a_number(clause, text, error);
    }
    if (token.kind != TOKEN_TEXT)
        return not_a_text(clause, &token, error);
    g_autofree char *plain = unquoted(text);
    json_array_append_new(clause->values, json_string(plain));
    return true;
}

/* ---- clauses ---- */

static void clear_clause(void *data)
{
    struct clause *clause = data;
    g_free(clause->type);
    g_free(clause->key);
    json_decref(clause->values);
}

static bool invalid_clause(const char *start, GError **error)
{
    return error_set(error, ERROR_MLFLOW_VALUE, "Invalid clause(s) in filter string: '%.512s'",
                     start);
}

static bool read_clause(const struct filter_language *language, const char **at,
                        struct filter *filter, GError **error)
{
    const char *start = *at + strspn(*at, " \t\r\n");
    struct token name = next_token(at);
    struct clause clause = {.values = json_array()};
    g_autofree char *text = text_of(&name);
    bool has_value = false;
    bool read = (name.kind == TOKEN_NAME && read_comparator(at, &clause.comparator)) ||
                invalid_clause(start, error);
    read = read &&
           filter_read_identifier(language, language->attributes, text, &clause.type, &clause.key,
                                  error) &&
           check_comparator(language, &clause, error);
    has_value = clause.comparator != IS_NULL && clause.comparator != IS_NOT_NULL;
    read = read && (!has_value || read_value(language, at, &clause, error));
    g_array_append_val(filter->clauses, clause);
    return read;
}

static bool read_clauses(const struct filter_language *language, const char *text,
                         struct filter *filter, GError **error)
{
    const char *at = text;
    while (read_clause(language, &at, filter, error)) {
        const char *rest = at + strspn(at, " \t\r\n");
        struct token token = next_token(&at);
        if (token.kind == TOKEN_END)
            return true;
        if (!is_word(&token, "AND") || filter->clauses->len >= MOST_CLAUSES)
            return invalid_clause(rest, error);
    }
    return false;
}

struct filter *filter_parse(const struct filter_language *language, const char *text,
                            GError **error)
{
    g_autoptr(filter_auto) filter = g_new0(struct filter, 1);
    filter->clauses = g_array_new(FALSE, FALSE, sizeof(struct clause));
    g_array_set_clear_func(filter->clauses, clear_clause);
    if (!text || !text[strspn(text, " \t\r\n")])
        return g_steal_pointer(&filter);
    if (strlen(text) > LONGEST_FILTER) {
        error_set(error, ERROR_MLFLOW_VALUE, "the filter is longer than %d bytes", LONGEST_FILTER);
        return NULL;
    }
    return read_clauses(language, text, filter, error) ? g_steal_pointer(&filter) : NULL;
}

void filter_free(struct filter *filter)
{
    if (!filter)
        return;
    g_array_unref(filter->clauses);
    g_free(filter);
}

/* ---- matching ---- */

/* % is any text, _ any character. In time of their lengths' product: the last % is taken up again,
 * and no earlier one. */
static bool is_like(const char *text, const char *pattern)
{
    const char *after_any = NULL, *from = text;
    while (*text) {
        if (*pattern == '%') {
            after_any = ++pattern;
            from = text;
        } else if (*pattern == '_' ||
                   (*pattern && g_utf8_get_char(pattern) == g_utf8_get_char(text))) {
            pattern = g_utf8_next_char(pattern);
            text = g_utf8_next_char(text);
        } else if (after_any) {
            pattern = after_any;
            text = from = g_utf8_next_char(from);
        } else {
            return false;
        }
    }
    return !pattern[strspn(pattern, "%")];
}

static bool is_like_in_any_case(const char *text, const char *pattern)
{
    g_autofree char *lower_text = g_utf8_strdown(text, -1);
    g_autofree char *lower_pattern = g_utf8_strdown(pattern, -1);
    return is_like(lower_text, lower_pattern);
}

static bool number_fits(const struct clause *clause, double number)
{
    double other = clause->number;
    switch (clause->comparator) {
    case EQ:
        return number == other;
    case NE:
        return number != other;
    case LT:
        return number < other;
    case LE:
        return number <= other;
    case GT:
        return number > other;
    default:
        return number >= other;
    }
}

static bool is_in(const json_t *values, const char *text)
{
    size_t i;
    const json_t *value;
    json_array_foreach((json_t *)values, i, value)
    {
        if (strcmp(json_string_value(value), text) == 0)
            return true;
    }
    return false;
}

static bool text_fits(const struct clause *clause, const char *text)
{
    const char *other = json_string_value(json_array_get(clause->values, 0));
    switch (clause->comparator) {
    case EQ:
    case IN:
        return is_in(clause->values, text);
    case NE:
    case NOT_IN:
        return !is_in(clause->values, text);
    case LIKE:
        return is_like(text, other);
    default:
        return is_like_in_any_case(text, other);
    }
}

static bool value_fits(const struct clause *clause, const json_t *value)
{
    double number;
    if (clause->comparator == IS_NULL || clause->comparator == IS_NOT_NULL)
        return (value != NULL) == (clause->comparator == IS_NOT_NULL);
    if (!value || json_is_null(value))
        return false;
    if (json_array_size(clause->values) == 0)
        return mlflow_number_of(value, &number) && number_fits(clause, number);
    return json_is_string(value) && text_fits(clause, json_string_value(value));
}

/* Models that are no prompts do not say so. */
static bool is_no_prompt(const struct clause *clause, const json_t *value)
{
    const char *text = json_string_value(json_array_get(clause->values, 0));
    return !value && strcmp(clause->type, "tag") == 0 &&
           strcmp(clause->key, "mlflow.prompt.is_prompt") == 0 && text &&
           ((clause->comparator == EQ && strcmp(text, "false") == 0) ||
            (clause->comparator == NE && strcmp(text, "true") == 0));
}

static bool clause_matches(const struct clause *clause, const json_t *subject)
{
    const json_t *members = json_object_get(subject, clause->type);
    if (!json_is_array(members)) {
        const json_t *value = json_object_get(members, clause->key);
        return value_fits(clause, value) || is_no_prompt(clause, value);
    }
    size_t i;
    const json_t *one;
    json_array_foreach((json_t *)members, i, one)
    {
        if (value_fits(clause, json_object_get(one, clause->key)))
            return true;
    }
    return false;
}

bool filter_matches(const struct filter *filter, const json_t *subject)
{
    for (guint i = 0; i < filter->clauses->len; i++)
        if (!clause_matches(&g_array_index(filter->clauses, struct clause, i), subject))
            return false;
    return true;
}
