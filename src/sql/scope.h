/* scope.h: what names mean at a place of a statement. */
#ifndef LATHE_SQL_SCOPE_H
#define LATHE_SQL_SCOPE_H

#include "sql/compiler.h"

struct sql_used_table {
    const char *catalog, *schema, *table, *relation;
    const struct sql_column *columns;
    size_t count;
    bool *used;
    const char *filter; /* conjuncts over the partition columns */
    struct sql_equal *equal;
    size_t equals;
};

struct sql_field {
    const char *name; /* as it is shown; NULL: it has none */
    const char *relation, *schema, *catalog;
    const struct sql_type *type;
    const char *text;
    struct sql_used_table *table; /* where it is a table's column */
    size_t column;
    struct sql_origin origin;
    bool aliased;
};

struct sql_fields {
    struct sql_field *list;
    size_t count;
    struct sql_field *hidden; /* found by their names, and no part of a star: "$path" */
    size_t hidden_count;
};

struct sql_aggregation;

struct sql_scope {
    const struct sql_scope *outer; /* of the query around a subquery */
    struct sql_fields fields;
    struct sql_aggregation *aggregation; /* its columns are to be had by grouping keys alone */
};

/* A WITH query, or the recursion in one. */
struct sql_known_query {
    const struct sql_known_query *next;
    const char *name; /* in lower case */
    const char *relation;
    struct sql_fields fields; /* without text */
    const struct sql_with *with;
    struct sql_recursion *recursion; /* in the step of a recursion: the query itself */
};

/* A recursion's rows carry how deep they are: Trino gives up at ten. */
struct sql_recursion {
    const char *alias; /* of the query in its step's FROM */
    size_t references;
};

struct sql_local { /* a lambda's parameter */
    const struct sql_local *next;
    const char *name, *text;
    const struct sql_type *type;
};

struct sql_named_value {
    const char *name;
    struct sql_value value;
    struct sql_origin origin;
    bool aliased;
};

/* Where an expression stands. */
struct sql_context {
    struct sql_compiler *c;
    const struct sql_scope *scope;
    const struct sql_known_query *queries;
    const struct sql_local *locals;
    struct sql_aggregation *aggregation; /* after GROUP BY */
    const struct sql_body *body;         /* its named windows */
    const char *clause;                  /* "WHERE clause": takes no aggregates */
    const struct sql_node *top;          /* the whole expression, for errors */
    const struct sql_node *inside;       /* the aggregate whose argument this is */
    const struct sql_node *inside_window;
    const struct sql_named_value *outputs; /* ORDER BY: names of the select list come first */
    size_t output_count;
    struct sql_recursion *recursion; /* this SELECT is its step */
    bool condition;                  /* NULL is as good as false */
    bool in_lambda;
};

struct sql_aggregation {
    struct sql_value *keys;
    size_t key_count;
    struct sql_value *calls;
    size_t call_count;
    const char *relation; /* "g1": keys are g1.k1, calls g1.a1 */
};

/* Finds a qualified name in the scope and those around it; NULL: it is none. local: whether the
 * scope itself has it. Fails where it is ambiguous. */
const struct sql_field *sql_find_field(struct sql_context *x, const struct sql_node *node,
                                       const char *const *parts, size_t count,
                                       const struct sql_scope **found);
/* A prefix of the name is a column. */
bool sql_is_column(const struct sql_context *x, const char *const *parts, size_t count);
/* The names of a.b.c; 0: it is none. */
size_t sql_name_parts(const struct sql_node *node, const char **parts, size_t most);
bool sql_field_of(const struct sql_field *field, const char *const *qualifier, size_t count);
void sql_use_field(const struct sql_field *field);

/* expression.c */
struct sql_value sql_expression(struct sql_context *x, struct sql_node *node);
/* The same, and coerced; fails with "... must be ..." by who calls. */
struct sql_value sql_condition(struct sql_context *x, struct sql_node *node, const char *what);
struct sql_value sql_write(struct sql_context *x, const struct sql_type *type, const char *format,
                           ...) __attribute__((format(printf, 3, 4)));
struct sql_value sql_column_value(struct sql_context *x, struct sql_node *node);
struct sql_value sql_literal(struct sql_context *x, struct sql_node *node);
struct sql_value sql_operator(struct sql_context *x, struct sql_node *node, const char *name,
                              struct sql_value *arguments, size_t count);
struct sql_value sql_compare(struct sql_context *x, const struct sql_node *node,
                             const char *operation, struct sql_value left, struct sql_value right);
struct sql_value sql_predicate(struct sql_context *x, struct sql_node *node);
struct sql_value sql_call(struct sql_context *x, struct sql_node *node);
/* A function of the table by its name, over values. */
struct sql_value sql_call_values(struct sql_context *x, const struct sql_node *node,
                                 const char *name, struct sql_value *values, size_t count);
struct sql_value sql_special(struct sql_context *x, struct sql_node *node);
struct sql_value sql_json_form(struct sql_context *x, struct sql_node *node);
struct sql_value sql_json_asked(struct sql_context *x, struct sql_node *node);
struct sql_value sql_case(struct sql_context *x, struct sql_node *node);
/* All to one type, or "<what> must be the same type ...". */
const struct sql_type *sql_single_type(struct sql_context *x, struct sql_node *const *nodes,
                                       const char *what, struct sql_value *values, size_t count);
/* DuckDB's DISTINCT is not Trino's of the type: zoned times are the same by their instants. */
bool sql_distinct_by_key(const struct sql_type *type);
/* What values are sorted or grouped by: DuckDB's order of it is Trino's of the value. */
const char *sql_sort_key(struct sql_context *x, struct sql_value value);

enum sql_scan { SCAN_AGGREGATE = 1, SCAN_SUBQUERY = 2, SCAN_WINDOW = 4, SCAN_GROUPING = 8 };

/* What an expression holds, subqueries not counted. */
unsigned sql_scan(struct sql_compiler *c, const struct sql_node *node);
/* The first such part; NULL: there is none. */
const struct sql_node *sql_scan_first(struct sql_compiler *c, const struct sql_node *node,
                                      unsigned what);

/* query.c: DuckDB's text of a query, with its columns named c1, c2, ... */
struct sql_output {
    const char *text;
    struct sql_fields fields;
    bool ordered;
};
struct sql_output sql_query_output(struct sql_context *x, struct sql_query *query);
/* names.c: a name that the body reads from stands in one of its FROMs. */
bool sql_names_table(const struct sql_body *body, const char *name);
struct sql_output sql_body_output(struct sql_context *x, struct sql_body *body,
                                  struct sql_query *query);

/* relation.c: text for FROM, and the fields. */
struct sql_output sql_relation_output(struct sql_context *x, struct sql_relation *relation);

/* window.c: OVER (...). */
const char *sql_over(struct sql_context *x, struct sql_node *call);
/* " ORDER BY ..." of aggregates and windows. */
const char *sql_order(struct sql_context *x, struct sql_sort *sorts, size_t count);

#endif
