/* What is of all types. */
#include "sql/functions.h"

const struct sql_function sql_functions_general[] = {
    {"typeof", SQL_SCALAR, "<T>(T) -> varchar", "${'T}::VARCHAR", 0},
    {"greatest", SQL_SCALAR, "<E:orderable>(E...) -> E",
     "(CASE WHEN list_count([$*]) = len([$*]) THEN coalesce(list_aggregate(list_filter([$*], "
     "lambda "
     "e: NOT isnan(e)), 'max'), list_aggregate([$*], 'max')) END)",
     SQL_FLOATING},
    {"greatest", SQL_SCALAR, "<E:orderable>(E...) -> E",
     "(CASE WHEN list_count([$*]) = len([$*]) THEN list_aggregate([$*], 'max') END)", 0},
    {"least", SQL_SCALAR, "<E:orderable>(E...) -> E",
     "(CASE WHEN list_count([$*]) = len([$*]) THEN coalesce(list_aggregate(list_filter([$*], "
     "lambda "
     "e: NOT isnan(e)), 'min'), list_aggregate([$*], 'min')) END)",
     SQL_FLOATING},
    {"least", SQL_SCALAR, "<E:orderable>(E...) -> E",
     "(CASE WHEN list_count([$*]) = len([$*]) THEN list_aggregate([$*], 'min') END)", 0},
    {0},
};
