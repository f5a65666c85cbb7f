/* parser.h: what the parser's files share. The parser is by recursive descent, a function a rule
 * of Trino's grammar; grammar.c says the same grammar as text, for errors. */
#ifndef LATHE_SQL_PARSER_H
#define LATHE_SQL_PARSER_H

#include "sql/compiler.h"

const struct sql_token *sql_peek(const struct sql_compiler *c, size_t ahead);
/* The next token, or the one after `ahead`, is this keyword or symbol. */
bool sql_is(const struct sql_compiler *c, const char *word);
bool sql_is_ahead(const struct sql_compiler *c, size_t ahead, const char *word);
bool sql_accept(struct sql_compiler *c, const char *word);
/* Both words, one after the other, or none. */
bool sql_accept_two(struct sql_compiler *c, const char *first, const char *second);
void sql_expect(struct sql_compiler *c, const char *word);
/* One of the words, NULL-terminated: the word, or NULL. */
const char *sql_accept_one(struct sql_compiler *c, const char *const *words);
bool sql_is_identifier(const struct sql_compiler *c, size_t ahead);
struct sql_name sql_identifier(struct sql_compiler *c);
struct sql_name *sql_qualified_name(struct sql_compiler *c, size_t *count);
/* ( name, ... ) */
struct sql_name *sql_name_list(struct sql_compiler *c, size_t *count);
bool sql_is_string(const struct sql_compiler *c, size_t ahead);
const char *sql_string(struct sql_compiler *c);
/* What stands from a token on up to the next one, as written. */
const char *sql_source_from(struct sql_compiler *c, size_t token);
/* The parenthesis here opens a query, not an expression or a relation. */
bool sql_is_query(const struct sql_compiler *c);
bool sql_is_query_start(const struct sql_compiler *c, size_t ahead);

void sql_enter(struct sql_compiler *c);
void sql_leave(struct sql_compiler *c);
int sql_taller(struct sql_compiler *c, int height, const struct sql_token *at);

struct sql_node *sql_new_node(struct sql_compiler *c, enum node_kind kind,
                              const struct sql_token *at);
void sql_add_part(struct sql_compiler *c, struct sql_node *node, struct sql_node *part);

struct sql_node *sql_parse_expression(struct sql_compiler *c);
struct sql_node *sql_parse_value(struct sql_compiler *c);
struct sql_node *sql_parse_primary(struct sql_compiler *c);
struct sql_node *sql_parse_call(struct sql_compiler *c);
struct sql_node *sql_parse_special(struct sql_compiler *c);
struct sql_node *sql_parse_json(struct sql_compiler *c);
struct sql_node *sql_parse_literal(struct sql_compiler *c);
bool sql_is_interval(const struct sql_compiler *c);
struct sql_node *sql_parse_interval(struct sql_compiler *c);
struct sql_node *sql_parse_type(struct sql_compiler *c);
struct sql_sort *sql_parse_sorts(struct sql_compiler *c, size_t *count);
struct sql_window *sql_parse_window(struct sql_compiler *c);
struct sql_query *sql_parse_query(struct sql_compiler *c);
struct sql_query *sql_parse_query_no_with(struct sql_compiler *c);
struct sql_relation *sql_parse_relation(struct sql_compiler *c);
/* A name that stands here without AS is an alias, not the next clause. */
bool sql_is_alias(const struct sql_compiler *c);
struct sql_relation *sql_table_relation(struct sql_compiler *c);

#endif
