/* type_kinds.h: one row a kind: its words in each tongue, and how it is written. */
#ifndef LATHE_SQL_TYPE_KINDS_H
#define LATHE_SQL_TYPE_KINDS_H

#include "sql/type.h"

struct sql_type_kind_row {
    const char *name;   /* Trino's */
    const char *hive;   /* the catalog's; NULL: it has none */
    const char *duckdb; /* NULL: made of its parts */
    bool comparable, orderable;
};

extern const struct sql_type_kind_row sql_type_kinds[];

/* Types without parts or numbers. */
const struct sql_type *sql_type_plain(enum sql_type_kind kind);
const struct sql_type *sql_type_sized(struct arena *arena, enum sql_type_kind kind, int precision,
                                      int scale);
const struct sql_type *sql_type_of_parts(struct arena *arena, enum sql_type_kind kind, size_t count,
                                         const struct sql_type *const *parts,
                                         const char *const *names);
bool sql_type_comparable(const struct sql_type *type);
bool sql_type_orderable(const struct sql_type *type);
bool sql_type_integral(const struct sql_type *type);

#endif
