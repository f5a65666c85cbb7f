/* hive_inside.h: what reads Hive's statements shares: the tokens, and a place among them. */
#ifndef LATHE_QUERY_HIVE_INSIDE_H
#define LATHE_QUERY_HIVE_INSIDE_H

#include "base/error.h"
#include "query/hive.h"

enum hive_kind {
    HIVE_END,
    HIVE_WORD,   /* a bare word, in lower case */
    HIVE_NAME,   /* `quoted`, in lower case */
    HIVE_TEXT,   /* 'text' or "text", its escapes read */
    HIVE_NUMBER, /* digits, a point, a sign: as it was written */
    HIVE_SIGN,   /* one character of punctuation */
    HIVE_WRONG,  /* a quote without its end */
};

struct hive_token {
    enum hive_kind kind;
    char *text;
    unsigned line, column; /* of its first character; from 1 and from 0, as Hive counts */
};

/* struct hive_token; the last is HIVE_END, or the HIVE_WRONG one. A semicolon at the end
 * is left out. */
GArray *hive_tokens(const char *text);

struct hive_reader {
    GArray *tokens;
    guint at;
    GError **error;
};

const struct hive_token *hive_here(const struct hive_reader *reader);
/* Whether the next token is that word (or sign); a take goes past it. */
bool hive_sees(const struct hive_reader *reader, const char *word);
bool hive_takes(struct hive_reader *reader, const char *word);
/* Several words in a row ("if not exists"), all or none. */
bool hive_takes_words(struct hive_reader *reader, const char *words);
/* It has to be there: else the error. */
bool hive_needs(struct hive_reader *reader, const char *word);
bool hive_needs_words(struct hive_reader *reader, const char *words);
/* Sets the error that names the place; false. */
bool hive_fail(struct hive_reader *reader);

/* A name, a text: g_free; NULL and the error. */
char *hive_name(struct hive_reader *reader);
char *hive_quoted(struct hive_reader *reader);
/* A literal as the catalog keeps it: 'x' is x, 5 is 5. */
char *hive_literal(struct hive_reader *reader);
/* ('a' = 'b', ...) as an object of texts. */
json_t *hive_properties(struct hive_reader *reader);
/* name type [COMMENT 'text'] as Glue's column. */
json_t *hive_column(struct hive_reader *reader);
/* (name type [COMMENT 'text'], ...) as Glue's columns. */
json_t *hive_columns(struct hive_reader *reader);
/* What follows CREATE EXTERNAL TABLE [IF NOT EXISTS] name: a TableInput. */
json_t *hive_table_input(struct hive_reader *reader);

#endif
