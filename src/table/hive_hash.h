/* hive_hash.h: Hive's first hash of values, which says the bucket of a row. */
#ifndef LATHE_TABLE_HIVE_HASH_H
#define LATHE_TABLE_HIVE_HASH_H

#include "table/value.h"

int32_t hive_hash(const struct value_view *view, size_t row);

#endif
