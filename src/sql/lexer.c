/* The lexer. The longest match wins, as in Trino's; a quote that is not closed is a token of its
 * own, which no rule takes. */
#include "sql/token.h"

#include <string.h>

struct lexer {
    const char *at;
    int line, column;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_word(char c)
{
    return is_digit(c) || is_letter(c) || c == '_';
}

static void advance(struct lexer *lexer, size_t size)
{
    for (; size; size--, lexer->at++) {
        if (*lexer->at == '\n') {
            lexer->line++;
            lexer->column = 1;
        } else {
            lexer->column += ((unsigned char)*lexer->at & 0xc0) != 0x80;
        }
    }
}

/* Bytes of white space and comments; a comment that is not closed is none. */
static size_t hidden(const char *at)
{
    if (*at && strchr(" \r\n\t", *at))
        return strspn(at, " \r\n\t");
    if (at[0] == '-' && at[1] == '-')
        return strcspn(at, "\n") + (strchr(at, '\n') ? 1 : 0);
    const char *end = at[0] == '/' && at[1] == '*' ? strstr(at + 2, "*/") : NULL;
    return end ? (size_t)(end + 2 - at) : 0;
}

static void skip_hidden(struct lexer *lexer)
{
    for (size_t size = hidden(lexer->at); size; size = hidden(lexer->at))
        advance(lexer, size);
}

/* Bytes from the quote to its closing one, a doubled one being text; 0: it is not closed. */
static size_t quoted(const char *at, bool doubled)
{
    const char *end = strchr(at + 1, *at);
    while (doubled && end && end[1] == *at)
        end = strchr(end + 2, *at);
    return end ? (size_t)(end + 1 - at) : 0;
}

static size_t digits(const char *at)
{
    size_t size = 0;
    while (is_digit(at[size]))
        size++;
    return size;
}

static size_t exponent(const char *at)
{
    if (*at != 'e' && *at != 'E')
        return 0;
    size_t sign = at[1] == '+' || at[1] == '-';
    size_t count = digits(at + 1 + sign);
    return count ? 1 + sign + count : 0;
}

static size_t words(const char *at)
{
    size_t size = 0;
    while (is_word(at[size]))
        size++;
    return size;
}

/* Trino's rule for numbers; DIGITS where a name begins with a digit and is longer. */
static enum sql_token_kind number(const char *at, size_t *size)
{
    size_t whole = digits(at), fraction = 0;
    bool point = at[whole] == '.';
    if (point)
        fraction = 1 + digits(at + whole + 1);
    size_t power = exponent(at + whole + fraction);
    *size = whole + fraction + power;
    size_t name = words(at);
    if (whole && name > *size) {
        *size = name;
        return TOKEN_DIGITS;
    }
    return power ? TOKEN_DOUBLE : point ? TOKEN_DECIMAL : TOKEN_INTEGER;
}

static const char *symbol(const char *at)
{
    static const char *const SYMBOLS[] = {"<>", "!=", "<=", ">=", "||", "->", "=>", "=", "<", ">",
                                          "+",  "-",  "*",  "/",  "%",  "?",  ";",  "(", ")", "[",
                                          "]",  ",",  ".",  ":",  "{",  "}",  "^",  "$", "|"};
    for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++)
        if (strncmp(at, SYMBOLS[i], strlen(SYMBOLS[i])) == 0)
            return SYMBOLS[i];
    return NULL;
}

static bool take_quoted(struct sql_token *token, enum sql_token_kind kind, size_t prefix)
{
    size_t size = quoted(token->start + prefix, kind != TOKEN_BINARY);
    token->kind = kind;
    token->size = prefix + size;
    return size > 0;
}

static bool take_text(struct sql_token *token)
{
    const char *at = token->start;
    if (*at == '\'')
        return take_quoted(token, TOKEN_STRING, 0);
    if (*at == '"')
        return take_quoted(token, TOKEN_QUOTED, 0);
    if (*at == '`')
        return take_quoted(token, TOKEN_BACKQUOTED, 0);
    if ((*at == 'u' || *at == 'U') && at[1] == '&' && at[2] == '\'')
        return take_quoted(token, TOKEN_UNICODE_STRING, 2);
    if ((*at == 'x' || *at == 'X') && at[1] == '\'')
        return take_quoted(token, TOKEN_BINARY, 1);
    return false;
}

static void take_word(struct sql_token *token)
{
    token->kind = TOKEN_WORD;
    token->size = words(token->start);
    token->keyword = sql_keyword(token->start, token->size, &token->reserved);
}

static void take_symbol(struct sql_token *token)
{
    const char *found = symbol(token->start);
    token->kind = found ? TOKEN_SYMBOL : TOKEN_UNKNOWN;
    token->size = found ? strlen(found) : 1;
    while (!found && ((unsigned char)token->start[token->size] & 0xc0) == 0x80)
        token->size++;
    token->keyword = found && strcmp(found, "!=") == 0 ? "<>" : found;
}

static void take(struct sql_token *token)
{
    const char *at = token->start;
    if (!*at) {
        token->kind = TOKEN_END;
        return;
    }
    if (take_text(token))
        return;
    if (is_digit(*at) || (*at == '.' && is_digit(at[1])))
        token->kind = number(at, &token->size);
    else if (is_letter(*at) || *at == '_')
        take_word(token);
    else
        take_symbol(token);
}

static struct sql_token next(struct lexer *lexer)
{
    skip_hidden(lexer);
    struct sql_token token = {.start = lexer->at, .line = lexer->line, .column = lexer->column};
    take(&token);
    advance(lexer, token.size);
    return token;
}

static size_t count_tokens(const char *text)
{
    struct lexer lexer = {text, 1, 1};
    size_t count = 1;
    while (next(&lexer).kind != TOKEN_END)
        count++;
    return count;
}

struct sql_token *sql_tokens(struct arena *arena, const char *text, size_t *count)
{
    *count = count_tokens(text);
    struct sql_token *tokens = arena_take(arena, *count, sizeof *tokens);
    struct lexer lexer = {text, 1, 1};
    for (size_t i = 0; tokens && i < *count; i++)
        tokens[i] = next(&lexer);
    return tokens;
}
