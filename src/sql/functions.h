/* functions.h: the tables of the families. */
#ifndef LATHE_SQL_FUNCTIONS_H
#define LATHE_SQL_FUNCTIONS_H

#include "sql/function.h"

extern const struct sql_function sql_functions_operators[];
extern const struct sql_function sql_functions_operators_time[];
extern const struct sql_function sql_functions_aggregate[];
extern const struct sql_function sql_functions_window[];
extern const struct sql_function sql_functions_array[];
extern const struct sql_function sql_functions_map[];
extern const struct sql_function sql_functions_general[];
extern const struct sql_function sql_functions_math[];

extern const struct sql_function sql_functions_text[], sql_functions_regexp[],
    sql_functions_moment[], sql_functions_json[], sql_functions_binary[];

#endif
