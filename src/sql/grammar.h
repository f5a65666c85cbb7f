/* grammar.h: Trino's grammar as text, and what it says of a statement that no rule takes. */
#ifndef LATHE_SQL_GRAMMAR_H
#define LATHE_SQL_GRAMMAR_H

#include "sql/compiler.h"

/* A rule: its name, how Trino's errors name what it stands for ("<expression>") or NULL, and its
 * body: words and symbols between quotes are tokens, small letters name rules, capitals kinds of
 * tokens; | ( ) ? * + as ever. */
struct sql_rule {
    const char *name, *label, *body;
};

extern const struct sql_rule sql_grammar[];

/* Fails with "mismatched input ..." where the tokens are no statement; else comes back. */
void sql_check_grammar(struct sql_compiler *compiler);

#endif
