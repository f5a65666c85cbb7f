#include "catalog/expression.h"

#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "catalog/catalog.h"

#define DEEPEST 500

enum key_type { KEY_TEXT, KEY_NUMBER, KEY_FLOAT, KEY_TIMESTAMP, KEY_BOOLEAN };

enum node_kind {
    NODE_AND,
    NODE_OR,
    NODE_NOT,
    NODE_COMPARE,
    NODE_IN,
    NODE_BETWEEN,
    NODE_LIKE,
    NODE_NULL
};
enum operator{ EQUAL, DIFFERENT, LESS, AT_MOST, GREATER, AT_LEAST };

/* A literal, or the value of a key. */
struct operand {
    char *text;
    int key; /* -1: a literal */
    bool quoted;
};

struct expression {
    enum node_kind kind;
    enum operator operator;
    enum key_type type; /* how its operands are compared */
    GPtrArray *parts;   /* struct expression: of AND, OR, NOT */
    GArray *operands;   /* struct operand: of the others; the first is tested */
};

static void clear_operand(void *data)
{
    g_free(((struct operand *)data)->text);
}

void expression_free(struct expression *expression)
{
    if (!expression)
        return;
    g_ptr_array_unref(expression->parts);
    g_array_unref(expression->operands);
    g_free(expression);
}

static void free_part(void *data)
{
    expression_free(data);
}

static struct expression *node_new(enum node_kind kind)
{
    struct expression *node = g_new0(struct expression, 1);
    node->kind = kind;
    node->parts = g_ptr_array_new_with_free_func(free_part);
    node->operands = g_array_new(FALSE, FALSE, sizeof(struct operand));
    g_array_set_clear_func(node->operands, clear_operand);
    return node;
}

/* ---- reading ---- */

enum token { TOKEN_END, TOKEN_NAME, TOKEN_WORD, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN };

struct reader {
    const char *all, *at;
    const json_t *keys;
    enum token token;
    char *text; /* of the token: without its quotes */
    unsigned depth;
    GError **error;
};

static bool wrong(struct reader *reader, const char *wanted)
{
    return error_set(reader->error, ERROR_INVALID_INPUT_EXCEPTION,
                     "Unsupported expression '%s': %s%s%s where %s was expected.", reader->all,
                     reader->token == TOKEN_END ? "it ends" : "there is '",
                     reader->token == TOKEN_END ? "" : reader->text,
                     reader->token == TOKEN_END ? "" : "'", wanted);
}

static bool read_quoted(struct reader *reader, char quote)
{
    GString *text = g_string_new(NULL);
    const char *at = reader->at + 1;
    for (; *at && (*at != quote || at[1] == quote); at++) {
        g_string_append_c(text, *at);
        at += *at == quote;
    }
    reader->at = *at ? at + 1 : at;
    reader->token = quote == '\'' ? TOKEN_TEXT : TOKEN_NAME;
    reader->text = g_string_free(text, FALSE);
    return *at || error_set(reader->error, ERROR_INVALID_INPUT_EXCEPTION,
                            "Unsupported expression '%s': the text that begins with %c has no end.",
                            reader->all, quote);
}

static void take(struct reader *reader, enum token token, size_t size)
{
    reader->token = token;
    reader->text = g_strndup(reader->at, size);
    reader->at += size;
}

static size_t number_size(const char *at)
{
    char *end;
    if (!g_ascii_isdigit(at[*at == '-' || *at == '+']) && *at != '.')
        return 0;
    g_ascii_strtod(at, &end);
    return (size_t)(end - at);
}

static bool next(struct reader *reader)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789$#@";
    g_clear_pointer(&reader->text, g_free);
    reader->at += strspn(reader->at, " \t\r\n");
    char first = *reader->at;
    if (first == '\'' || first == '"' || first == '`')
        return read_quoted(reader, first);
    size_t size = number_size(reader->at), word = strspn(reader->at, letters);
    if (size >= word && size)
        take(reader, TOKEN_NUMBER, size);
    else if (word)
        take(reader, TOKEN_WORD, word);
    else if (first)
        take(reader, TOKEN_SIGN, (size_t)(g_utf8_next_char(reader->at) - reader->at));
    else
        reader->token = TOKEN_END;
    if (reader->token == TOKEN_SIGN && *reader->at && strchr("<>!", first) &&
        (*reader->at == '=' || (first == '<' && *reader->at == '>'))) {
        g_free(reader->text);
        reader->at--;
        take(reader, TOKEN_SIGN, 2);
    }
    return true;
}

static bool is_word(const struct reader *reader, const char *word)
{
    return reader->token == TOKEN_WORD && strcasecmp(reader->text, word) == 0;
}

static bool is_sign(const struct reader *reader, const char *sign)
{
    return reader->token == TOKEN_SIGN && strcmp(reader->text, sign) == 0;
}

/* Takes the word, where it is there. */
static bool accept(struct reader *reader, const char *word, bool *there)
{
    *there = is_word(reader, word) || is_sign(reader, word);
    return !*there || next(reader);
}

static bool expect(struct reader *reader, const char *word)
{
    bool there;
    return accept(reader, word, &there) && (there || wrong(reader, word));
}

/* ---- types ---- */

static enum key_type type_of(const char *name)
{
    static const struct {
        const char *name;
        enum key_type type;
    } types[] = {{"tinyint", KEY_NUMBER}, {"smallint", KEY_NUMBER},     {"int", KEY_NUMBER},
                 {"integer", KEY_NUMBER}, {"bigint", KEY_NUMBER},       {"long", KEY_NUMBER},
                 {"decimal", KEY_NUMBER}, {"double", KEY_FLOAT},        {"float", KEY_FLOAT},
                 {"real", KEY_FLOAT},     {"timestamp", KEY_TIMESTAMP}, {"boolean", KEY_BOOLEAN}};
    for (size_t i = 0; name && i < G_N_ELEMENTS(types); i++) {
        size_t size = strlen(types[i].name);
        if (g_ascii_strncasecmp(name, types[i].name, size) == 0 &&
            (!name[size] || name[size] == '('))
            return types[i].type;
    }
    return KEY_TEXT;
}

static enum key_type type_of_key(const struct reader *reader, int key)
{
    return type_of(json_text_at(json_array_get(reader->keys, (size_t)key), "Type"));
}

static int key_named(const struct reader *reader, const char *name)
{
    for (size_t i = 0; i < json_array_size(reader->keys); i++)
        if (g_ascii_strcasecmp(json_text_at(json_array_get(reader->keys, i), "Name"), name) == 0)
            return (int)i;
    return -1;
}

/* ---- operands ---- */

static bool read_key(struct reader *reader, struct operand *operand)
{
    operand->key = key_named(reader, reader->text);
    return (operand->key >= 0 ||
            error_set(reader->error, ERROR_INVALID_INPUT_EXCEPTION,
                      "Unknown column '%s': the expression '%s' may name partition keys of the "
                      "table, and nothing else.",
                      reader->text, reader->all)) &&
           next(reader);
}

static bool read_literal(struct reader *reader, struct operand *operand)
{
    *operand = (struct operand){g_strdup(reader->text), -1, reader->token == TOKEN_TEXT};
    return next(reader);
}

/* DATE '2026-01-01' is that text. */
static bool skip_type(struct reader *reader)
{
    static const char *const words[] = {"date", "timestamp", "decimal"};
    const char *after = reader->at + strspn(reader->at, " \t\r\n");
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (is_word(reader, words[i]) && *after == '\'')
            return next(reader);
    return true;
}

static bool read_operand(struct reader *reader, struct operand *operand)
{
    *operand = (struct operand){.key = -1};
    if (!skip_type(reader))
        return false;
    if (reader->token == TOKEN_TEXT || reader->token == TOKEN_NUMBER || is_word(reader, "true") ||
        is_word(reader, "false"))
        return read_literal(reader, operand);
    if (reader->token == TOKEN_NAME || reader->token == TOKEN_WORD)
        return read_key(reader, operand);
    return wrong(reader, "a partition key or a literal");
}

static bool add_operand(struct reader *reader, struct expression *node)
{
    struct operand operand;
    if (!read_operand(reader, &operand)) {
        g_free(operand.text);
        return false;
    }
    g_array_append_val(node->operands, operand);
    return true;
}

/* ---- conditions ---- */

static bool find_operator(const struct reader *reader, enum operator* operator)
{
    static const struct {
        const char *sign;
        enum operator operator;
    } signs[] = {{"=", EQUAL},    {"<>", DIFFERENT}, {"!=", DIFFERENT}, {"<", LESS},
                 {"<=", AT_MOST}, {">", GREATER},    {">=", AT_LEAST}};
    for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
        if (is_sign(reader, signs[i].sign)) {
            *operator= signs[i].operator;
            return true;
        }
    return false;
}

static bool read_list(struct reader *reader, struct expression *node)
{
    bool more = true;
    if (!expect(reader, "("))
        return false;
    while (more)
        if (!add_operand(reader, node) || !accept(reader, ",", &more))
            return false;
    return expect(reader, ")");
}

static bool read_null(struct reader *reader, struct expression *node, bool *negated)
{
    (void)node;
    return accept(reader, "NOT", negated) && expect(reader, "NULL");
}

/* What stands behind the operand that is tested. */
static bool read_test(struct reader *reader, struct expression *node, bool *negated)
{
    bool there;
    if (find_operator(reader, &node->operator))
        return next(reader) && add_operand(reader, node);
    if (!accept(reader, "IS", &there))
        return false;
    if (there) {
        node->kind = NODE_NULL;
        return read_null(reader, node, negated);
    }
    if (!accept(reader, "NOT", negated) || !accept(reader, "IN", &there))
        return false;
    node->kind = NODE_IN;
    if (there)
        return read_list(reader, node);
    if (!accept(reader, "BETWEEN", &there))
        return false;
    node->kind = NODE_BETWEEN;
    if (there)
        return add_operand(reader, node) && expect(reader, "AND") && add_operand(reader, node);
    node->kind = NODE_LIKE;
    return (is_word(reader, "LIKE") ? next(reader) : wrong(reader, "a comparison")) &&
           add_operand(reader, node);
}

/* Operands are compared as the first key among them says; literals alone as numbers where none is
 * quoted. */
static enum key_type type_of_operands(const struct reader *reader, const GArray *operands)
{
    bool quoted = false;
    for (guint i = 0; i < operands->len; i++) {
        const struct operand *operand = &g_array_index(operands, struct operand, i);
        if (operand->key >= 0)
            return type_of_key(reader, operand->key);
        quoted |= operand->quoted;
    }
    return quoted ? KEY_TEXT : KEY_NUMBER;
}

static struct expression *negate(struct expression *part)
{
    struct expression *node = node_new(NODE_NOT);
    g_ptr_array_add(node->parts, part);
    return node;
}

static struct expression *read_condition(struct reader *reader)
{
    struct expression *node = node_new(NODE_COMPARE);
    bool negated = false;
    if (!add_operand(reader, node) || !read_test(reader, node, &negated)) {
        expression_free(node);
        return NULL;
    }
    node->type = type_of_operands(reader, node->operands);
    return negated ? negate(node) : node;
}

static struct expression *read_or(struct reader *reader);

static struct expression *read_group(struct reader *reader)
{
    struct expression *node = next(reader) ? read_or(reader) : NULL;
    if (node && expect(reader, ")"))
        return node;
    expression_free(node);
    return NULL;
}

static struct expression *read_not(struct reader *reader)
{
    if (reader->depth++ > DEEPEST) {
        error_set(reader->error, ERROR_INVALID_INPUT_EXCEPTION,
                  "The expression is nested deeper than %d.", DEEPEST);
        return NULL;
    }
    struct expression *node;
    if (is_word(reader, "NOT")) {
        node = next(reader) ? read_not(reader) : NULL;
        node = node ? negate(node) : NULL;
    } else {
        node = is_sign(reader, "(") ? read_group(reader) : read_condition(reader);
    }
    reader->depth--;
    return node;
}

/* Parts that that word joins; one alone stands for itself. */
static struct expression *read_joined(struct reader *reader, const char *word, enum node_kind kind,
                                      struct expression *(*read)(struct reader *))
{
    struct expression *node = node_new(kind);
    bool more = true;
    while (more) {
        struct expression *part = read(reader);
        if (part)
            g_ptr_array_add(node->parts, part);
        if (!part || !accept(reader, word, &more)) {
            expression_free(node);
            return NULL;
        }
    }
    if (node->parts->len > 1)
        return node;
    struct expression *only = g_ptr_array_steal_index(node->parts, 0);
    expression_free(node);
    return only;
}

static struct expression *read_and(struct reader *reader)
{
    return read_joined(reader, "AND", NODE_AND, read_not);
}

static struct expression *read_or(struct reader *reader)
{
    return read_joined(reader, "OR", NODE_OR, read_and);
}

struct expression *expression_parse(const char *text, const json_t *keys, GError **error)
{
    struct reader reader = {.all = text, .at = text, .keys = keys, .error = error};
    struct expression *expression = next(&reader) ? read_or(&reader) : NULL;
    if (expression && reader.token != TOKEN_END) {
        wrong(&reader, "AND, OR or its end");
        expression_free(expression);
        expression = NULL;
    }
    g_free(reader.text);
    return expression;
}

/* ---- comparing ---- */

/* A decimal number in parts: all of its digits count, however many there are. */
struct decimal {
    bool negative;
    const char *whole, *fraction;
    size_t wholes, fractions; /* without zeros at the outer ends */
};

static bool read_decimal(const char *text, struct decimal *decimal)
{
    *decimal = (struct decimal){.negative = *text == '-'};
    text += *text == '-' || *text == '+';
    size_t digits = strspn(text, "0123456789"), zeros = strspn(text, "0");
    zeros = MIN(zeros, digits);
    decimal->whole = text + zeros;
    decimal->wholes = digits - zeros;
    decimal->fraction = text + digits + (text[digits] == '.');
    size_t behind = text[digits] == '.' ? strspn(decimal->fraction, "0123456789") : 0;
    for (decimal->fractions = behind;
         decimal->fractions && decimal->fraction[decimal->fractions - 1] == '0';)
        decimal->fractions--;
    decimal->negative &= decimal->wholes || decimal->fractions;
    return digits + behind && !decimal->fraction[behind];
}

static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
    if (a->wholes != b->wholes)
        return a->wholes < b->wholes ? -1 : 1;
    int order = strncmp(a->whole, b->whole, a->wholes);
    if (order == 0)
        order = strncmp(a->fraction, b->fraction, MIN(a->fractions, b->fractions));
    return order ? order : (a->fractions > b->fractions) - (a->fractions < b->fractions);
}

static bool compare_decimals(const char *a, const char *b, int *order)
{
    struct decimal first, second;
    if (!read_decimal(a, &first) || !read_decimal(b, &second))
        return false;
    if (first.negative != second.negative)
        *order = first.negative ? -1 : 1;
    else
        *order = first.negative ? compare_magnitude(&second, &first)
                                : compare_magnitude(&first, &second);
    return true;
}

static bool compare_floats(const char *a, const char *b, int *order)
{
    char *first, *second;
    double x = g_ascii_strtod(a, &first), y = g_ascii_strtod(b, &second);
    *order = (x > y) - (x < y);
    return first != a && second != b && !*first && !*second && x == x && y == y;
}

/* Fractions of a second may be written shorter or longer. */
static int compare_times(const char *a, const char *b)
{
    size_t first = strlen(a), second = strlen(b);
    bool a_dotted = strchr(a, '.') != NULL, b_dotted = strchr(b, '.') != NULL;
    while (a_dotted && first && strchr("0.", a[first - 1]) && strcspn(a, ".") < first)
        first--;
    while (b_dotted && second && strchr("0.", b[second - 1]) && strcspn(b, ".") < second)
        second--;
    int order = strncmp(a, b, MIN(first, second));
    return order ? order : (first > second) - (first < second);
}

static bool compare(enum key_type type, const char *a, const char *b, int *order)
{
    if (type == KEY_NUMBER && compare_decimals(a, b, order))
        return true;
    if (type == KEY_NUMBER || type == KEY_FLOAT)
        return compare_floats(a, b, order);
    *order = type == KEY_TIMESTAMP ? compare_times(a, b)
             : type == KEY_BOOLEAN ? g_ascii_strcasecmp(a, b)
                                   : strcmp(a, b);
    return true;
}

static bool satisfies(enum operator operator, int order)
{
    switch (operator) {
    case EQUAL:
        return order == 0;
    case DIFFERENT:
        return order != 0;
    case LESS:
        return order < 0;
    case AT_MOST:
        return order <= 0;
    case GREATER:
        return order > 0;
    default:
        return order >= 0;
    }
}

/* SQL's: % is any number of characters, _ one, and a backslash takes the next as it is. */
static bool is_like(const char *text, const char *pattern)
{
    const char *behind_any = NULL, *retry = NULL;
    while (*text) {
        bool escaped = *pattern == '\\' && pattern[1];
        if (*pattern == '%') {
            behind_any = ++pattern;
            retry = text;
        } else if (*pattern && (*pattern == '_' && !escaped)) {
            pattern++;
            text = g_utf8_next_char(text);
        } else if (*pattern && pattern[escaped] == *text) {
            pattern += 1 + escaped;
            text++;
        } else if (behind_any) {
            pattern = behind_any;
            text = ++retry;
        } else {
            return false;
        }
    }
    return pattern[strspn(pattern, "%")] == '\0';
}

/* ---- applying ---- */

/* SQL has three truths: what compares nothing is neither true nor false. */
enum truth { FALSE_, TRUE_, UNKNOWN };

/* NULL: it has no value. */
static const char *value_of(const struct expression *node, guint place, char **values)
{
    const struct operand *operand = &g_array_index(node->operands, struct operand, place);
    const char *value = operand->key < 0 ? operand->text : values[operand->key];
    return operand->key >= 0 && strcmp(value, CATALOG_NO_VALUE) == 0 ? NULL : value;
}

static enum truth test(const struct expression *node, enum operator operator, guint other,
                       char **values)
{
    const char *a = value_of(node, 0, values), *b = value_of(node, other, values);
    int order;
    if (!a || !b || !compare(node->type, a, b, &order))
        return UNKNOWN;
    return satisfies(operator, order) ? TRUE_ : FALSE_;
}

static enum truth both(enum truth a, enum truth b)
{
    return a == FALSE_ || b == FALSE_ ? FALSE_ : a == UNKNOWN || b == UNKNOWN ? UNKNOWN : TRUE_;
}

static enum truth either(enum truth a, enum truth b)
{
    return a == TRUE_ || b == TRUE_ ? TRUE_ : a == UNKNOWN || b == UNKNOWN ? UNKNOWN : FALSE_;
}

static enum truth is_in(const struct expression *node, char **values)
{
    enum truth truth = FALSE_;
    for (guint i = 1; i < node->operands->len && truth != TRUE_; i++)
        truth = either(truth, test(node, EQUAL, i, values));
    return truth;
}

static enum truth truth_of(const struct expression *node, char **values);

static enum truth join(const struct expression *node, char **values)
{
    enum truth truth = node->kind == NODE_AND ? TRUE_ : FALSE_;
    for (guint i = 0; i < node->parts->len; i++) {
        enum truth part = truth_of(node->parts->pdata[i], values);
        truth = node->kind == NODE_AND ? both(truth, part) : either(truth, part);
    }
    return truth;
}

static enum truth like(const struct expression *node, char **values)
{
    const char *text = value_of(node, 0, values), *pattern = value_of(node, 1, values);
    return !text || !pattern ? UNKNOWN : is_like(text, pattern) ? TRUE_ : FALSE_;
}

static enum truth truth_of(const struct expression *node, char **values)
{
    enum truth part;
    switch (node->kind) {
    case NODE_AND:
    case NODE_OR:
        return join(node, values);
    case NODE_NOT:
        part = truth_of(node->parts->pdata[0], values);
        return part == UNKNOWN ? UNKNOWN : part == TRUE_ ? FALSE_ : TRUE_;
    case NODE_NULL:
        return value_of(node, 0, values) ? FALSE_ : TRUE_;
    case NODE_IN:
        return is_in(node, values);
    case NODE_BETWEEN:
        return both(test(node, AT_LEAST, 1, values), test(node, AT_MOST, 2, values));
    case NODE_LIKE:
        return like(node, values);
    default:
        return test(node, node->operator, 1, values);
    }
}

bool expression_holds(const struct expression *expression, char **values)
{
    return truth_of(expression, values) == TRUE_;
}

/* ---- what it demands ---- */

/* Of a text alone: "01" and "1" are one number. */
static const char *demanded(const struct expression *node, size_t key)
{
    if (node->kind != NODE_COMPARE || node->operator!= EQUAL || node->type != KEY_TEXT)
        return NULL;
    const struct operand *a = &g_array_index(node->operands, struct operand, 0);
    const struct operand *b = &g_array_index(node->operands, struct operand, 1);
    if (a->key == (int)key && b->key < 0)
        return b->text;
    return b->key == (int)key && a->key < 0 ? a->text : NULL;
}

const char *expression_demands(const struct expression *expression, size_t key)
{
    if (expression->kind != NODE_AND)
        return demanded(expression, key);
    const char *text = NULL;
    for (guint i = 0; i < expression->parts->len && !text; i++)
        text = expression_demands(expression->parts->pdata[i], key);
    return text;
}
