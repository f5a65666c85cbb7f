/* The families of functions, in the order in which candidates are looked for. */
#include "sql/functions.h"

const struct sql_function *const sql_function_families[] = {
    sql_functions_operators, sql_functions_operators_time,
    sql_functions_aggregate, sql_functions_window,
    sql_functions_array,     sql_functions_map,
    sql_functions_general,   sql_functions_math,
    sql_functions_text,      sql_functions_regexp,
    sql_functions_moment,    sql_functions_json,
    sql_functions_binary,    NULL,
};
