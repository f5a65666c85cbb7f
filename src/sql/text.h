/* text.h: text that grows in an arena, and the ways to leave a compilation. */
#ifndef LATHE_SQL_TEXT_H
#define LATHE_SQL_TEXT_H

#include "parse/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct sql_text {
    struct arena *arena;
    char *bytes; /* terminated; NULL while empty */
    size_t size, room;
};

void sql_text_add(struct sql_text *text, const char *bytes, size_t size);
void sql_text_put(struct sql_text *text, const char *string);
void sql_text_printf(struct sql_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void sql_text_vprintf(struct sql_text *text, const char *format, va_list list);
/* 'it''s' */
void sql_text_quote(struct sql_text *text, const char *string, char quote);
/* Never NULL. */
const char *sql_text_end(struct sql_text *text);

const char *sql_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
const char *sql_quoted(struct arena *arena, const char *string, char quote);
/* ASCII letters alone: Trino's identifiers are folded by the root locale; others stay. */
const char *sql_lower(struct arena *arena, const char *string);
bool sql_same_word(const char *a, const char *b);
/* DuckDB's texts, the same but for the names of lambdas' parameters (l1, l2, ...). */
bool sql_same_text(const char *a, const char *b);
/* Characters, not bytes. */
size_t sql_characters(const char *text);

#endif
