/* prelude_values.h: numbers and texts as macros of DuckDB: casts with Trino's errors, NaN's
 * comparisons. */
#ifndef LATHE_SQL_PRELUDE_VALUES_H
#define LATHE_SQL_PRELUDE_VALUES_H

// clang-format off
#define SQL_PRELUDE_VALUES \
    "CREATE OR REPLACE MACRO trino_finite(a) AS nullif(nullif(nullif(a, " \
    "'NaN'::DOUBLE), 'Infinity'::DOUBLE), '-Infinity'::DOUBLE);\n" \
    "CREATE OR REPLACE MACRO trino_equal_floating(a, b) AS CASE WHEN a IS NULL OR " \
    "b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN false ELSE a = b END;\n" \
    "CREATE OR REPLACE MACRO trino_unequal_floating(a, b) AS CASE WHEN a IS NULL " \
    "OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN true ELSE a <> b END;\n" \
    "CREATE OR REPLACE MACRO trino_less_floating(a, b) AS CASE WHEN a IS NULL OR b " \
    "IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN false ELSE a < b END;\n" \
    "CREATE OR REPLACE MACRO trino_less_equal_floating(a, b) AS CASE WHEN a IS " \
    "NULL OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN false ELSE a <= b " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_greater_floating(a, b) AS CASE WHEN a IS NULL " \
    "OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN false ELSE a > b END;\n" \
    "CREATE OR REPLACE MACRO trino_greater_equal_floating(a, b) AS CASE WHEN a IS " \
    "NULL OR b IS NULL THEN NULL WHEN isnan(a) OR isnan(b) THEN false ELSE a >= b " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_index(i, n) AS CASE WHEN i BETWEEN 1 AND n THEN " \
    "i WHEN i IS NULL OR n IS NULL THEN NULL ELSE " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:' || CASE WHEN i = 0 THEN 'SQL " \
    "array indices start at 1' WHEN i < 0 THEN 'Array subscript is negative: ' || " \
    "i ELSE 'Array subscript must be less than or equal to array length: ' || i || " \
    "' > ' || n END) AS BIGINT) END;\n" \
    "CREATE OR REPLACE MACRO trino_unscaled(d) AS CAST(replace(CAST(d AS VARCHAR), " \
    "'.', '') AS HUGEINT);\n" \
    "CREATE OR REPLACE MACRO trino_round_divide(a, b) AS a // b + CASE WHEN abs(a " \
    "% b) * 2 >= abs(b) THEN CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END ELSE 0 " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_padded(n, s) AS lpad(CAST(abs(n) AS VARCHAR), " \
    "CAST(CASE WHEN length(CAST(abs(n) AS VARCHAR)) > s THEN length(CAST(abs(n) AS " \
    "VARCHAR)) ELSE s + 1 END AS INTEGER), '0');\n" \
    "CREATE OR REPLACE MACRO trino_scaled(n, s, r) AS cast_to_type(CASE WHEN n < 0 " \
    "THEN '-' ELSE '' END || left(trino_padded(n, s), length(trino_padded(n, s)) - " \
    "CAST(s AS BIGINT)) || '.' || CASE WHEN s > 0 THEN right(trino_padded(n, s), " \
    "s) ELSE '' END, r);\n" \
    "CREATE OR REPLACE MACRO trino_null_as(t, r) AS cast_to_type(t, r);\n" \
    "CREATE OR REPLACE MACRO trino_decimal_divide(a, b, sa, sb, s, r) AS " \
    "cast_to_type(trino_divide_decimal(a, b, s), r);\n" \
    "CREATE OR REPLACE MACRO trino_decimal_multiply(a, b, r) AS cast_to_type(a * " \
    "b, r);\n"
// clang-format on

#endif
