/* Operators and forms of syntax: not callable by these names. Where one of DuckDB's checks is
 * Trino's, its error is translated by who reads it (NUMERIC_VALUE_OUT_OF_RANGE, DIVISION_BY_ZERO).
 */
#include "sql/functions.h"

const struct sql_function sql_functions_operators[] = {
    {"+", SQL_SCALAR, "(tinyint, tinyint) -> tinyint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(smallint, smallint) -> smallint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(integer, integer) -> integer", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(bigint, bigint) -> bigint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(real, real) -> real", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(double, double) -> double", "($1 + $2)", SQL_HIDDEN},
    {0},
};
