/* call.h: a call on its way from its name to DuckDB's text. */
#ifndef LATHE_SQL_CALL_H
#define LATHE_SQL_CALL_H

#include "sql/function.h"
#include "sql/scope.h"
#include "sql/signature.h"

enum { SQL_MOST_OVERLOADS = 64 };

struct sql_function_call {
    struct sql_context *x;
    const struct sql_node *node;
    const char *name;
    struct sql_value *values; /* a lambda's type is NULL until it is bound */
    const struct sql_type **types;
    struct sql_node **lambdas; /* NULL where an argument is none */
    size_t count;
    const struct sql_function *rows[SQL_MOST_OVERLOADS];
    size_t row_count;
};

/* How a row's text is filled. */
struct sql_filling {
    struct sql_function_call *call;
    const struct sql_signature *signature;
    const struct sql_type *result;
    const char *distinct, *order, *filter, *nulls;
};

/* overload.c: the row that the arguments' types mean, with the arguments coerced to it; fails with
 * Trino's errors. */
struct sql_signature *sql_call_bind(struct sql_function_call *call);
bool sql_call_is_operator(const struct sql_function_call *call);

/* call_text.c: DuckDB's text of the bound call. */
struct sql_value sql_call_text(struct sql_filling *filling);
const struct sql_type *sql_call_result(struct sql_function_call *call,
                                       const struct sql_signature *signature);

#endif
