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
    {0},
};
