/* function.h: the functions table. A function is a row, an overload a row of its own; the order of
 * rows of one name is the order in which Trino's errors name the candidates.
 *
 * The signature is Trino's:
 *
 *   "(varchar(x)) -> bigint"                       x: any length, bound by the argument
 *   "<T>(array(T), bigint) -> T"                   T: any type; <T:orderable>, <T:comparable>
 *   "<T,U>(array(T), function(T,U)) -> array(U)"   a lambda of T with a result U
 *   "<E:orderable>(E...) -> E"                     any number of the last one (none too)
 *   "(varchar, any...) -> varchar"                 any types, each its own
 *   "(decimal(p,s)) -> decimal(q,0) where q = min(38, p - s + min(s, 1))"
 *                                                  computed: + - * / min max, parentheses
 *
 * The text is how it is said in DuckDB. Arguments are coerced to the signature's types before:
 *
 *   $1 .. $9     an argument; of a lambda its text "lambda l1, l2: ..."
 *   $*  $2*      all arguments, those from the second on, with commas between
 *   ${p}         what a length, precision or scale was bound to, or computed
 *   ${T} ${r}    DuckDB's type of what T was bound to, of the result; ${1} of the first argument
 *   ${'T} ${'1}  Trino's type as a text literal
 *   ${zone} ${now} ${user}   the session's time zone and user as text literals, the statement's
 *                time as TIMESTAMP '...' in UTC
 *   $d $o $f     aggregates: where DISTINCT and ORDER BY go, and where FILTER and OVER go:
 *                "sum($d$1$o)$f"
 *   $n           where IGNORE NULLS goes
 *   $$           a dollar
 *
 * An argument that stands twice is computed twice: prefer a function registered in C, or a macro of
 * the prelude, where it may be long. The result is NULL where an argument is, unless Trino's is
 * not: that is the text's to see to. Errors are raised as trino_fail('NAME:text'), a function in C
 * from VARCHAR to VARCHAR, cast to the type that is wanted there (not DuckDB's own error(): that is
 * volatile, and TRY refuses what is).
 *
 * Kept in the analyzer, with no row: coalesce, if, nullif, try, cast, grouping, the window frames,
 * and the forms with a syntax of their own (extract and trim call rows of the names that Trino
 * gives them: extract(YEAR FROM x) is year(x), || is concat, x[1] is the row "[]", LIKE is the row
 * "like"). Operators are rows too: "+", "-", "*", "/", "%", "negate"; see functions_operators.c. */
#ifndef LATHE_SQL_FUNCTION_H
#define LATHE_SQL_FUNCTION_H

#include <stddef.h>

enum sql_function_kind { SQL_SCALAR, SQL_AGGREGATE, SQL_WINDOW };

enum sql_function_flag {
    SQL_HIDDEN = 1,    /* an operator, a form of syntax: not callable by its name */
    SQL_RANDOM = 2,    /* two calls may differ */
    SQL_UNNAMED = 4,   /* not among an error's candidates */
    SQL_FOLD = 8,      /* the first lambda is of a state and an element: it is written as one of two
                          structs {'s': state, 'x': element}, and gives another */
    SQL_ENTRIES = 16,  /* the lambda is written as one of a struct {'key', 'value', 'other'} that
                          holds what it is of */
    SQL_FLOATING = 64, /* not chosen by itself: stands for the row of the same signature where its
                          variable is real or double, whose NaN DuckDB orders otherwise */
    SQL_TEXTS = 32,    /* an array's elements are cast to varchar */
};

struct sql_function {
    const char *name; /* in lower case */
    enum sql_function_kind kind;
    const char *signature;
    const char *text; /* NULL: known, and refused by name with NOT_SUPPORTED */
    unsigned flags;
};

/* Rows end with a NULL name. The families, a file each: functions_<family>.c; listed in
 * functions.c. */
extern const struct sql_function *const sql_function_families[];

#endif
