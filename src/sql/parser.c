/* Tokens, names and depth: what every rule of the parser is made of. */
#include "sql/parser.h"

#include <string.h>

/* Deeper trees than these are refused, as Trino refuses what overflows its stack. */
enum { DEEPEST = 400, TALLEST = 1200 };

const struct sql_token *sql_peek(const struct sql_compiler *c, size_t ahead)
{
    size_t at = c->at + ahead;
    return &c->tokens[at < c->token_count ? at : c->token_count - 1];
}

bool sql_is_ahead(const struct sql_compiler *c, size_t ahead, const char *word)
{
    const char *keyword = sql_peek(c, ahead)->keyword;
    return keyword && strcmp(keyword, word) == 0;
}

bool sql_is(const struct sql_compiler *c, const char *word)
{
    return sql_is_ahead(c, 0, word);
}

bool sql_accept(struct sql_compiler *c, const char *word)
{
    bool found = sql_is(c, word);
    c->at += found;
    return found;
}

bool sql_accept_two(struct sql_compiler *c, const char *first, const char *second)
{
    bool found = sql_is(c, first) && sql_is_ahead(c, 1, second);
    c->at += found ? 2 : 0;
    return found;
}

void sql_expect(struct sql_compiler *c, const char *word)
{
    if (!sql_accept(c, word))
        sql_fail_syntax(c);
}

const char *sql_accept_one(struct sql_compiler *c, const char *const *words)
{
    for (; *words; words++)
        if (sql_accept(c, *words))
            return *words;
    return NULL;
}

bool sql_is_identifier(const struct sql_compiler *c, size_t ahead)
{
    const struct sql_token *token = sql_peek(c, ahead);
    if (token->kind == TOKEN_WORD)
        return !token->reserved;
    return token->kind == TOKEN_QUOTED || token->kind == TOKEN_BACKQUOTED ||
           token->kind == TOKEN_DIGITS;
}

/* The text between quotes, with doubled quotes made one. */
static const char *unquoted(struct sql_compiler *c, const char *start, size_t size, char quote)
{
    char *text = sql_take(c, size + 1, 1), *to = text;
    for (size_t i = 0; i < size; i++) {
        *to++ = start[i];
        i += start[i] == quote && i + 1 < size && start[i + 1] == quote;
    }
    return text;
}

static void refuse_identifier(struct sql_compiler *c, const struct sql_token *token)
{
    if (token->kind == TOKEN_DIGITS)
        sql_fail_at(c, token, "SYNTAX_ERROR",
                    "identifiers must not start with a digit; surround the identifier with double "
                    "quotes");
    if (token->kind == TOKEN_BACKQUOTED)
        sql_fail_at(c, token, "SYNTAX_ERROR",
                    "backquoted identifiers are not supported; use double quotes to quote "
                    "identifiers");
    if (token->kind == TOKEN_QUOTED && token->size == 2)
        sql_fail_at(c, token, "SYNTAX_ERROR", "Zero-length delimited identifier not allowed");
}

struct sql_name sql_identifier(struct sql_compiler *c)
{
    const struct sql_token *token = sql_peek(c, 0);
    if (!sql_is_identifier(c, 0))
        sql_fail_syntax(c);
    refuse_identifier(c, token);
    c->at++;
    struct sql_name name = {.line = token->line, .column = token->column};
    name.quoted = token->kind == TOKEN_QUOTED;
    name.text = name.quoted ? unquoted(c, token->start + 1, token->size - 2, '"')
                            : arena_copy(&c->arena, token->start, token->size);
    return name;
}

struct sql_name *sql_qualified_name(struct sql_compiler *c, size_t *count)
{
    struct sql_name *names = NULL;
    *count = 0;
    do {
        names = sql_push(c, names, count, sizeof *names);
        names[*count - 1] = sql_identifier(c);
    } while (sql_is(c, ".") && sql_is_identifier(c, 1) && sql_accept(c, "."));
    return names;
}

struct sql_name *sql_name_list(struct sql_compiler *c, size_t *count)
{
    struct sql_name *names = NULL;
    *count = 0;
    sql_expect(c, "(");
    do {
        names = sql_push(c, names, count, sizeof *names);
        names[*count - 1] = sql_identifier(c);
    } while (sql_accept(c, ","));
    sql_expect(c, ")");
    return names;
}

bool sql_is_string(const struct sql_compiler *c, size_t ahead)
{
    enum sql_token_kind kind = sql_peek(c, ahead)->kind;
    return kind == TOKEN_STRING || kind == TOKEN_UNICODE_STRING;
}

static int hex_digit(char digit)
{
    static const char DIGITS[] = "0123456789abcdef0123456789ABCDEF";
    const char *found = digit ? strchr(DIGITS, digit) : NULL;
    return found ? (int)((found - DIGITS) % 16) : -1;
}

static void put_character(struct sql_text *text, unsigned code)
{
    char bytes[4];
    size_t size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    static const unsigned char HEADS[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = size; i-- > 1; code >>= 6)
        bytes[i] = (char)(0x80 | (code & 0x3f));
    bytes[0] = (char)(HEADS[size] | code);
    sql_text_add(text, bytes, size);
}

/* One escape of U&'...': four digits, or a plus and six. Returns the bytes it took. */
static size_t put_escape(struct sql_compiler *c, const struct sql_token *token,
                         struct sql_text *text, const char *at)
{
    size_t plus = *at == '+', digits = plus ? 6 : 4, found = 0;
    unsigned code = 0;
    for (; found < digits && hex_digit(at[plus + found]) >= 0; found++)
        code = code * 16 + (unsigned)hex_digit(at[plus + found]);
    if (found < digits && !at[plus + found])
        sql_fail_at(c, token, "SYNTAX_ERROR", "Incomplete escape sequence: %s", at);
    if (found < digits)
        sql_fail_at(c, token, "SYNTAX_ERROR", "Invalid hexadecimal digit: %c", at[plus + found]);
    if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        sql_fail_at(c, token, "SYNTAX_ERROR", "Invalid escaped character: %.*s", (int)digits,
                    at + plus);
    put_character(text, code);
    return plus + digits;
}

static char escape_character(struct sql_compiler *c)
{
    if (!sql_accept(c, "UESCAPE"))
        return '\\';
    const struct sql_token *token = sql_peek(c, 0);
    if (token->kind != TOKEN_STRING)
        sql_fail_syntax(c);
    c->at++;
    if (token->size != 3)
        sql_fail_at(c, token, "SYNTAX_ERROR", "%s",
                    token->size == 2 ? "Empty Unicode escape character"
                                     : "Invalid Unicode escape character");
    return token->start[1];
}

static const char *unicode_string(struct sql_compiler *c, const struct sql_token *token)
{
    const char *at = unquoted(c, token->start + 3, token->size - 4, '\'');
    char escape = escape_character(c);
    struct sql_text text = {.arena = &c->arena};
    while (*at) {
        if (*at != escape) {
            sql_text_add(&text, at++, 1);
        } else if (at[1] == escape) {
            sql_text_add(&text, &escape, 1);
            at += 2;
        } else {
            at += 1 + put_escape(c, token, &text, at + 1);
        }
    }
    return sql_text_end(&text);
}

const char *sql_string(struct sql_compiler *c)
{
    const struct sql_token *token = sql_peek(c, 0);
    if (!sql_is_string(c, 0))
        sql_fail_syntax(c);
    c->at++;
    if (token->kind == TOKEN_UNICODE_STRING)
        return unicode_string(c, token);
    return unquoted(c, token->start + 1, token->size - 2, '\'');
}

const char *sql_source_from(struct sql_compiler *c, size_t token)
{
    const char *start = c->tokens[token].start;
    const struct sql_token *last = &c->tokens[c->at ? c->at - 1 : 0];
    return arena_copy(&c->arena, start, (size_t)(last->start + last->size - start));
}

bool sql_is_query_start(const struct sql_compiler *c, size_t ahead)
{
    return sql_is_ahead(c, ahead, "SELECT") || sql_is_ahead(c, ahead, "WITH") ||
           sql_is_ahead(c, ahead, "VALUES") || sql_is_ahead(c, ahead, "TABLE");
}

/* The token after the parenthesis that closes the one `ahead`. */
static size_t after_closing(const struct sql_compiler *c, size_t ahead)
{
    size_t open = 0;
    for (; sql_peek(c, ahead)->kind != TOKEN_END; ahead++) {
        open += sql_is_ahead(c, ahead, "(");
        if (sql_is_ahead(c, ahead, ")") && --open == 0)
            return ahead + 1;
    }
    return ahead;
}

static bool goes_on_as_query(const struct sql_compiler *c, size_t ahead)
{
    static const char *const WORDS[] = {")",     "UNION", "INTERSECT", "EXCEPT",
                                        "ORDER", "LIMIT", "OFFSET",    "FETCH"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (sql_is_ahead(c, ahead, WORDS[i]))
            return true;
    return false;
}

/* (SELECT, or ((SELECT ...) UNION: whether what the inner parentheses hold goes on as a query is
 * told by what stands behind each of them. */
bool sql_is_query(const struct sql_compiler *c)
{
    size_t opened = 0;
    while (sql_is_ahead(c, opened, "("))
        opened++;
    if (!opened || !sql_is_query_start(c, opened))
        return false;
    for (size_t i = 1; i < opened; i++)
        if (!goes_on_as_query(c, after_closing(c, i)))
            return false;
    return true;
}

static _Noreturn void too_large(struct sql_compiler *c)
{
    sql_fail(c, 1, 1, "SYNTAX_ERROR", "statement is too large (stack overflow while parsing)");
}

void sql_enter(struct sql_compiler *c)
{
    if (++c->depth > DEEPEST)
        too_large(c);
}

void sql_leave(struct sql_compiler *c)
{
    c->depth--;
}

int sql_taller(struct sql_compiler *c, int height, const struct sql_token *at)
{
    (void)at;
    if (height >= TALLEST)
        too_large(c);
    return height + 1;
}

struct sql_node *sql_new_node(struct sql_compiler *c, enum node_kind kind,
                              const struct sql_token *at)
{
    struct sql_node *node = sql_take(c, 1, sizeof *node);
    *node = (struct sql_node){.kind = kind, .line = at->line, .column = at->column, .height = 1};
    return node;
}

void sql_add_part(struct sql_compiler *c, struct sql_node *node, struct sql_node *part)
{
    node->parts = sql_push(c, node->parts, &node->count, sizeof *node->parts);
    node->parts[node->count - 1] = part;
    if (part && part->height >= node->height)
        node->height = sql_taller(c, part->height, sql_peek(c, 0));
}
