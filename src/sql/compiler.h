/* compiler.h: what a compilation carries along, and how it is left. Errors leave it at once, by
 * longjmp to sql_compile: all memory is the arena's, so nothing is lost on the way. */
#ifndef LATHE_SQL_COMPILER_H
#define LATHE_SQL_COMPILER_H

#include "sql/node.h"
#include "sql/sql.h"
#include "sql/text.h"
#include "sql/token.h"

#include <setjmp.h>

struct sql_used_table;

struct sql_compiler {
    struct arena arena;
    jmp_buf out;
    struct sql_error *error;
    const struct sql_catalog *catalog;
    const char *text;
    struct sql_token *tokens;
    size_t token_count, at;
    int depth;
    size_t parameters; /* question marks so far */
    size_t names;      /* s1, c1, l1 ... given so far */
    size_t written;    /* bytes of DuckDB's text of expressions, against blowing up */
    struct sql_used_table **used;
    size_t used_count;
    int view_depth;
    const struct sql_type **wanted; /* of question marks without values, what they are coerced to */
};

_Noreturn void sql_fail(struct sql_compiler *compiler, int line, int column, const char *name,
                        const char *format, ...) __attribute__((format(printf, 5, 6)));
#define sql_fail_at(compiler, node, name, ...) \
    sql_fail(compiler, (node)->line, (node)->column, name, __VA_ARGS__)

/* Memory of the arena; leaves the compilation where there is none. */
void *sql_take(struct sql_compiler *compiler, size_t count, size_t element);
/* A list that grows: room for one more element, zeroed. */
void *sql_push(struct sql_compiler *compiler, void *list, size_t *count, size_t element);

/* parser.c: the statement that stands in compiler->text. */
struct sql_tree *sql_parse_tree(struct sql_compiler *compiler);
/* A single expression, or a type, of a text of its own. */
struct sql_node *sql_parse_expression_text(struct sql_compiler *compiler, const char *text);
struct sql_query *sql_parse_query_text(struct sql_compiler *compiler, const char *text);
struct sql_node *sql_parse_type_text(struct sql_compiler *compiler, const char *text);

/* expecting.c: the error of a text that no rule takes; does not come back. */
_Noreturn void sql_fail_syntax(struct sql_compiler *compiler);

/* format.c: an expression as Trino's errors say it. */
const char *sql_node_text(struct arena *arena, const struct sql_node *node);

#endif
