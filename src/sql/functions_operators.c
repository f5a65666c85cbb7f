/* Operators on numbers: not callable by these names. Where one of DuckDB's checks is Trino's, its
 * error is translated by who reads it (NUMERIC_VALUE_OUT_OF_RANGE). */
#include "sql/functions.h"

const struct sql_function sql_functions_operators[] = {
    {"+", SQL_SCALAR, "(tinyint, tinyint) -> tinyint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(smallint, smallint) -> smallint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(integer, integer) -> integer", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(bigint, bigint) -> bigint", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(real, real) -> real", "($1 + $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR, "(double, double) -> double", "($1 + $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(tinyint, tinyint) -> tinyint", "($1 - $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(smallint, smallint) -> smallint", "($1 - $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(integer, integer) -> integer", "($1 - $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(bigint, bigint) -> bigint", "($1 - $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(real, real) -> real", "($1 - $2)", SQL_HIDDEN},
    {"-", SQL_SCALAR, "(double, double) -> double", "($1 - $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(tinyint, tinyint) -> tinyint", "($1 * $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(smallint, smallint) -> smallint", "($1 * $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(integer, integer) -> integer", "($1 * $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(bigint, bigint) -> bigint", "($1 * $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(real, real) -> real", "($1 * $2)", SQL_HIDDEN},
    {"*", SQL_SCALAR, "(double, double) -> double", "($1 * $2)", SQL_HIDDEN},
    {"/", SQL_SCALAR, "(tinyint, tinyint) -> tinyint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "// $2 END)",
     SQL_HIDDEN},
    {"%", SQL_SCALAR, "(tinyint, tinyint) -> tinyint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "% $2 END)",
     SQL_HIDDEN},
    {"/", SQL_SCALAR, "(smallint, smallint) -> smallint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "// $2 END)",
     SQL_HIDDEN},
    {"%", SQL_SCALAR, "(smallint, smallint) -> smallint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "% $2 END)",
     SQL_HIDDEN},
    {"/", SQL_SCALAR, "(integer, integer) -> integer",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "// $2 END)",
     SQL_HIDDEN},
    {"%", SQL_SCALAR, "(integer, integer) -> integer",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "% $2 END)",
     SQL_HIDDEN},
    {"/", SQL_SCALAR, "(bigint, bigint) -> bigint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "// $2 END)",
     SQL_HIDDEN},
    {"%", SQL_SCALAR, "(bigint, bigint) -> bigint",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE $1 "
     "% $2 END)",
     SQL_HIDDEN},
    {"/", SQL_SCALAR, "(real, real) -> real", "($1 / $2)", SQL_HIDDEN},
    {"%", SQL_SCALAR, "(real, real) -> real", "($1 % $2)", SQL_HIDDEN},
    {"/", SQL_SCALAR, "(double, double) -> double", "($1 / $2)", SQL_HIDDEN},
    {"%", SQL_SCALAR, "(double, double) -> double", "($1 % $2)", SQL_HIDDEN},
    {"+", SQL_SCALAR,
     "(decimal(a,b), decimal(c,d)) -> decimal(p,s) where s = max(b, d); p = min(38, max(a - b, c - "
     "d) + s + 1)",
     "CAST(CAST($1 AS ${r}) + CAST($2 AS ${r}) AS ${r})", SQL_HIDDEN},
    {"-", SQL_SCALAR,
     "(decimal(a,b), decimal(c,d)) -> decimal(p,s) where s = max(b, d); p = min(38, max(a - b, c - "
     "d) + s + 1)",
     "CAST(CAST($1 AS ${r}) - CAST($2 AS ${r}) AS ${r})", SQL_HIDDEN},
    {"*", SQL_SCALAR,
     "(decimal(a,b), decimal(c,d)) -> decimal(p,s) where s = b + d; p = min(38, a + c)",
     "trino_decimal_multiply($1, $2, CAST(NULL AS ${r}))", SQL_HIDDEN},
    {"/", SQL_SCALAR,
     "(decimal(a,b), decimal(c,d)) -> decimal(p,s) where s = max(b, d); p = min(38, a + d + max(d "
     "- b, 0))",
     "trino_decimal_divide($1, $2, ${b}, ${d}, ${s}, CAST(NULL AS ${r}))", SQL_HIDDEN},
    {"%", SQL_SCALAR,
     "(decimal(a,b), decimal(c,d)) -> decimal(p,s) where s = max(b, d); p = min(a - b, c - d) + s",
     "(CASE WHEN $2 = 0 THEN CAST(trino_fail('DIVISION_BY_ZERO:Division by zero') AS ${r}) ELSE "
     "CAST($1 % $2 AS ${r}) END)",
     SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(tinyint) -> tinyint", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(smallint) -> smallint", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(integer) -> integer", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(bigint) -> bigint", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(real) -> real", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(double) -> double", "(-($1))", SQL_HIDDEN},
    {"negate", SQL_SCALAR, "(decimal(p,s)) -> decimal(p,s)", "(-($1))", SQL_HIDDEN},
    {0},
};
