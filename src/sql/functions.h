/* functions.h: the tables of the families. */
#ifndef LATHE_SQL_FUNCTIONS_H
#define LATHE_SQL_FUNCTIONS_H

#include "sql/function.h"

extern const struct sql_function sql_functions_operators[];
extern const struct sql_function sql_functions_operators_time[];
extern const struct sql_function sql_functions_math[];

#endif
