/* Numbers. */
#include "sql/functions.h"

const struct sql_function sql_functions_math[] = {
    {"abs", SQL_SCALAR, "(bigint) -> bigint", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(double) -> double", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(tinyint) -> tinyint", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(smallint) -> smallint", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(integer) -> integer", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(real) -> real", "abs($1)", 0},
    {"abs", SQL_SCALAR, "(decimal(p,s)) -> decimal(p,s)", "abs($1)", 0},
    {"sum", SQL_AGGREGATE, "(double) -> double", "sum($d$1$o)$f", 0},
    {"sum", SQL_AGGREGATE, "(real) -> real", "CAST(sum($d$1$o)$f AS FLOAT)", 0},
    {"sum", SQL_AGGREGATE, "(bigint) -> bigint", "CAST(sum($d$1$o)$f AS BIGINT)", 0},
    {"sum", SQL_AGGREGATE, "(interval day to second) -> interval day to second",
     "CAST(sum($d$1$o)$f AS BIGINT)", 0},
    {"sum", SQL_AGGREGATE, "(interval year to month) -> interval year to month",
     "CAST(sum($d$1$o)$f AS BIGINT)", 0},
    {"sum", SQL_AGGREGATE, "(decimal(p,s)) -> decimal(38,s)",
     "CAST(sum($d$1$o)$f AS DECIMAL(38,${s}))", 0},
    {"count", SQL_AGGREGATE, "() -> bigint", "count(*)$f", 0},
    {"count", SQL_AGGREGATE, "<T>(T) -> bigint", "count($d$1$o)$f", 0},
    {"min", SQL_AGGREGATE, "<T:orderable>(T) -> T", "min($d$1$o)$f", 0},
    {"max", SQL_AGGREGATE, "<T:orderable>(T) -> T", "max($d$1$o)$f", 0},
    {"transform", SQL_SCALAR, "<T,U>(array(T), function(T,U)) -> array(U)",
     "list_transform($1, $2)", 0},
    {"row_number", SQL_WINDOW, "() -> bigint", "row_number()$f", 0},
    {0},
};
