/* token.h: a statement's text as tokens, as Trino's lexer cuts it. */
#ifndef LATHE_SQL_TOKEN_H
#define LATHE_SQL_TOKEN_H

#include "parse/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum sql_token_kind {
    TOKEN_END,
    TOKEN_WORD,       /* a name or a keyword without quotes */
    TOKEN_QUOTED,     /* "name" */
    TOKEN_BACKQUOTED, /* `name` */
    TOKEN_DIGITS,     /* 1abc, which is no name */
    TOKEN_STRING,
    TOKEN_UNICODE_STRING, /* U&'...' */
    TOKEN_BINARY,         /* X'...' */
    TOKEN_INTEGER,
    TOKEN_DECIMAL,
    TOKEN_DOUBLE,
    TOKEN_SYMBOL,
    TOKEN_UNKNOWN /* a character that begins nothing */
};

struct sql_token {
    enum sql_token_kind kind;
    const char *start; /* in the statement's text */
    size_t size;
    int line, column;    /* of characters, from 1 */
    const char *keyword; /* in capitals, or the symbol's text ("<>" for "!="); NULL: none */
    bool reserved;
};

/* All tokens of the text and TOKEN_END; NULL where memory is out. */
struct sql_token *sql_tokens(struct arena *arena, const char *text, size_t *count);

/* The keyword in capitals as this table has it, one pointer a word; NULL: it is none. */
const char *sql_keyword(const char *word, size_t size, bool *reserved);

#endif
