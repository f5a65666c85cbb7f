/* prelude_path.h: the steps of SQL/JSON paths as macros of DuckDB, over lists of JSON texts. */
#ifndef LATHE_SQL_PRELUDE_PATH_H
#define LATHE_SQL_PRELUDE_PATH_H

// clang-format off
#define SQL_PRELUDE_PATH \
    "CREATE OR REPLACE MACRO trino_path_kind(i) AS CASE i[1] WHEN '{' THEN " \
    "'OBJECT' WHEN '[' THEN 'ARRAY' WHEN '\"' THEN 'STRING' WHEN 't' THEN 'BOOLEAN' " \
    "WHEN 'f' THEN 'BOOLEAN' WHEN 'n' THEN 'NULL' ELSE 'NUMBER' END;\n" \
    "CREATE OR REPLACE MACRO trino_path_unwrapped(l) AS flatten(list_transform(l, " \
    "lambda i: CASE WHEN i[1] = '[' THEN trino_json_list(i) ELSE [i] END));\n" \
    "CREATE OR REPLACE MACRO trino_path_member_lax(l, s, n) AS " \
    "list_filter(list_transform(list_filter(trino_path_unwrapped(l), lambda i: " \
    "i[1] = '{'), lambda i: trino_json_extract(i, s)), lambda i: i IS NOT NULL);\n" \
    "CREATE OR REPLACE MACRO trino_path_member_strict(l, s, n) AS " \
    "list_transform(l, lambda i: CASE WHEN i[1] <> '{' THEN " \
    "trino_fail('PATH_EVALUATION_ERROR:path evaluation failed: ' || 'invalid item " \
    "type. Expected: OBJECT, actual: ' || trino_path_kind(i)) ELSE " \
    "coalesce(trino_json_extract(i, s), trino_fail('PATH_EVALUATION_ERROR:path " \
    "evaluation failed: ' || 'structural error: missing member ''' || n || ''' in " \
    "JSON object')) END);\n" \
    "CREATE OR REPLACE MACRO trino_path_all_lax(l) AS trino_path_unwrapped(l);\n" \
    "CREATE OR REPLACE MACRO trino_path_all_strict(l) AS flatten(list_transform(l, " \
    "lambda i: CASE WHEN i[1] = '[' THEN trino_json_list(i) ELSE " \
    "[trino_fail('PATH_EVALUATION_ERROR:path evaluation failed: ' || 'invalid item " \
    "type. Expected: ARRAY, actual: ' || trino_path_kind(i))] END));\n" \
    "CREATE OR REPLACE MACRO trino_path_element_lax(l, n) AS " \
    "list_filter(list_transform(l, lambda i: CASE WHEN i[1] = '[' THEN " \
    "trino_json_list(i)[n + 1] WHEN n = 0 THEN i END), lambda i: i IS NOT NULL);\n" \
    "CREATE OR REPLACE MACRO trino_path_element_strict(l, n) AS list_transform(l, " \
    "lambda i: CASE WHEN i[1] <> '[' THEN trino_fail('PATH_EVALUATION_ERROR:path " \
    "evaluation failed: ' || 'invalid item type. Expected: ARRAY, actual: ' || " \
    "trino_path_kind(i)) WHEN n >= len(trino_json_list(i)) THEN " \
    "trino_fail('PATH_EVALUATION_ERROR:path evaluation failed: ' || 'structural " \
    "error: invalid array subscript: [' || n || ', ' || n || '] for array of size " \
    "' || len(trino_json_list(i))) ELSE trino_json_list(i)[n + 1] END);\n" \
    "CREATE OR REPLACE MACRO trino_path_scalar(l) AS CASE WHEN len(l) = 0 THEN '' " \
    "WHEN len(l) > 1 THEN trino_fail('JSON_VALUE_RESULT_ERROR:cannot extract SQL " \
    "scalar from JSON: JSON path found multiple items') WHEN l[1][1] IN ('{', '[') " \
    "THEN trino_fail('JSON_VALUE_RESULT_ERROR:cannot extract SQL scalar from JSON: " \
    "JSON path found an item that cannot be converted to an SQL value') ELSE l[1] " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_path_single(l) AS CASE WHEN len(l) = 0 THEN '' " \
    "WHEN len(l) > 1 THEN trino_fail('JSON_VALUE_RESULT_ERROR:cannot extract JSON: " \
    "JSON path found multiple items') ELSE l[1] END;\n" \
    "CREATE OR REPLACE MACRO trino_path_wrapped(l) AS CASE WHEN len(l) = 0 THEN '' " \
    "ELSE '[' || array_to_string(l, ',') || ']' END;\n" \
    "CREATE OR REPLACE MACRO trino_path_wrapped_many(l) AS CASE WHEN len(l) = 1 " \
    "AND l[1][1] IN ('{', '[') THEN l[1] ELSE trino_path_wrapped(l) END;\n"
// clang-format on

#endif
