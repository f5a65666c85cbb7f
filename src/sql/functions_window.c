/* Window functions. */
#include "sql/functions.h"

const struct sql_function sql_functions_window[] = {
    {"row_number", SQL_WINDOW, "() -> bigint", "row_number()$f", 0},
    {"rank", SQL_WINDOW, "() -> bigint", "rank()$f", 0},
    {"dense_rank", SQL_WINDOW, "() -> bigint", "dense_rank()$f", 0},
    {"percent_rank", SQL_WINDOW, "() -> double", "percent_rank()$f", 0},
    {"cume_dist", SQL_WINDOW, "() -> double", "cume_dist()$f", 0},
    {"ntile", SQL_WINDOW, "(bigint) -> bigint", "ntile($1)$f", 0},
    {"first_value", SQL_WINDOW, "<T>(T) -> T", "first_value($1$n)$f", 0},
    {"last_value", SQL_WINDOW, "<T>(T) -> T", "last_value($1$n)$f", 0},
    {"nth_value", SQL_WINDOW, "<T>(T, bigint) -> T", "nth_value($1, trino_nth($2)$n)$f", 0},
    {"lag", SQL_WINDOW, "<T>(T) -> T", "lag($1$n)$f", 0},
    {"lag", SQL_WINDOW, "<T>(T, bigint) -> T", "lag($1, trino_window_offset($2)$n)$f", 0},
    {"lag", SQL_WINDOW, "<T>(T, bigint, T) -> T", "lag($1, trino_window_offset($2), $3$n)$f", 0},
    {"lead", SQL_WINDOW, "<T>(T) -> T", "lead($1$n)$f", 0},
    {"lead", SQL_WINDOW, "<T>(T, bigint) -> T", "lead($1, trino_window_offset($2)$n)$f", 0},
    {"lead", SQL_WINDOW, "<T>(T, bigint, T) -> T", "lead($1, trino_window_offset($2), $3$n)$f", 0},
    {0},
};
