/* resolve_type.h: types as they were parsed. */
#ifndef LATHE_SQL_RESOLVE_TYPE_H
#define LATHE_SQL_RESOLVE_TYPE_H

#include "sql/compiler.h"

/* Fails with "Unknown type: ..." at the node. */
const struct sql_type *sql_resolve_type(struct sql_compiler *compiler, const struct sql_node *node);

#endif
