/* Maps. */
#include "sql/functions.h"

const struct sql_function sql_functions_map[] = {
    {"map", SQL_SCALAR, "() -> map(unknown, unknown)",
     "map(CAST([] AS INTEGER[]), CAST([] AS INTEGER[]))", 0},
    {"map", SQL_SCALAR, "<K:comparable,V>(array(K), array(V)) -> map(K, V)", "trino_map($1, $2)",
     0},
    {"map_keys", SQL_SCALAR, "<K,V>(map(K,V)) -> array(K)", "map_keys($1)", 0},
    {"map_values", SQL_SCALAR, "<K,V>(map(K,V)) -> array(V)", "map_values($1)", 0},
    {"map_entries", SQL_SCALAR, "<K,V>(map(K,V)) -> array(row(K, V))",
     "list_transform(map_entries($1), lambda e: {'f1': e.key, 'f2': e.value})", 0},
    {"map_from_entries", SQL_SCALAR, "<K:comparable,V>(array(row(K, V))) -> map(K, V)",
     "trino_map(list_transform($1, lambda e: e.f1), list_transform($1, lambda e: e.f2))", 0},
    {"multimap_from_entries", SQL_SCALAR, "<K:comparable,V>(array(row(K, V))) -> map(K, array(V))",
     "trino_multimap_of(list_transform($1, lambda e: {'key': e.f1, 'value': e.f2}))", 0},
    {"map_concat", SQL_SCALAR, "<K:comparable,V>(map(K, V)...) -> map(K, V)", "map_concat($*)", 0},
    {"map_filter", SQL_SCALAR, "<K,V>(map(K, V), function(K,V,boolean)) -> map(K, V)",
     "trino_map_entries(list_filter(map_entries($1), $2))", SQL_ENTRIES},
    {"transform_keys", SQL_SCALAR,
     "<K1,K2:comparable,V>(map(K1, V), function(K1,V,K2)) -> map(K2, V)",
     "trino_map(list_transform(map_entries($1), $2), map_values($1))", SQL_ENTRIES},
    {"transform_values", SQL_SCALAR, "<K,V1,V2>(map(K, V1), function(K,V1,V2)) -> map(K, V2)",
     "map(map_keys($1), list_transform(map_entries($1), $2))", SQL_ENTRIES},
    {"map_zip_with", SQL_SCALAR,
     "<K:comparable,V1,V2,V3>(map(K, V1), map(K, V2), function(K,V1,V2,V3)) -> map(K, V3)",
     "map(trino_distinct(list_concat(map_keys($1), map_keys($2))), "
     "list_transform(list_transform(trino_distinct(list_concat(map_keys($1), map_keys($2))), "
     "lambda k: {'key': k, 'value': $1[k], 'other': $2[k]}), $3))",
     SQL_ENTRIES},
    {0},
};
