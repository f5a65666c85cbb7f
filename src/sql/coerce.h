/* coerce.h: which types go for which, and how a value becomes another type's. */
#ifndef LATHE_SQL_COERCE_H
#define LATHE_SQL_COERCE_H

#include "sql/compiler.h"

/* Trino's common supertype; NULL: there is none. */
const struct sql_type *sql_common_type(struct arena *arena, const struct sql_type *a,
                                       const struct sql_type *b);
/* A value of one type is taken where the other is asked for. */
bool sql_coercible(struct arena *arena, const struct sql_type *from, const struct sql_type *to);
/* CAST(from AS to) is allowed. */
bool sql_castable(const struct sql_type *from, const struct sql_type *to);

/* DuckDB's text of the value as the other type: an implicit coercion or an explicit cast, which
 * are the same. */
struct sql_value sql_cast(struct sql_compiler *compiler, struct sql_value value,
                          const struct sql_type *to);

#endif
