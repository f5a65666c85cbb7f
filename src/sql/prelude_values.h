/* prelude_values.h: numbers and texts as macros of DuckDB: casts with Trino's errors, NaN's
 * comparisons. */
#ifndef LATHE_SQL_PRELUDE_VALUES_H
#define LATHE_SQL_PRELUDE_VALUES_H

// clang-format off
#define SQL_PRELUDE_VALUES \
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
    "CREATE OR REPLACE MACRO trino_all(l) AS CASE WHEN l IS NULL THEN NULL WHEN " \
    "list_contains(l, false) THEN false WHEN list_count(l) < len(l) THEN NULL ELSE " \
    "true END;\n" \
    "CREATE OR REPLACE MACRO trino_index(i, n) AS CASE WHEN i BETWEEN 1 AND n THEN " \
    "i WHEN i IS NULL OR n IS NULL THEN NULL ELSE " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:' || CASE WHEN i = 0 THEN 'SQL " \
    "array indices start at 1' WHEN i < 0 THEN 'Array subscript is negative: ' || " \
    "i ELSE 'Array subscript must be less than or equal to array length: ' || i || " \
    "' > ' || n END) AS BIGINT) END;\n" \
    "CREATE OR REPLACE MACRO trino_like_escape(v, p, e) AS CASE WHEN length(e) <> 1 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Escape string must be a single character') AS " \
    "BOOLEAN) WHEN contains(replace(replace(replace(p, e || e, ''), e || '%', ''), e || '_', ''), e) " \
    "THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Escape character must be followed by ''%'', ''_'' " \
    "or the escape character itself') AS BOOLEAN) ELSE like_escape(v, p, e) END;\n" \
    "CREATE OR REPLACE MACRO trino_unscaled(d) AS CAST(replace(CAST(d AS VARCHAR), " \
    "'.', '') AS HUGEINT);\n" \
    "CREATE OR REPLACE MACRO trino_round_divide(a, b) AS a // b + CASE WHEN abs(a " \
    "% b) * 2 >= abs(b) THEN CASE WHEN (a < 0) = (b < 0) THEN 1 ELSE -1 END ELSE 0 " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_padded(n, s) AS lpad(CAST(abs(n) AS VARCHAR), CAST(CASE WHEN " \
    "length(CAST(abs(n) AS VARCHAR)) > s THEN length(CAST(abs(n) AS VARCHAR)) ELSE s + 1 END AS " \
    "INTEGER), '0');\n" \
    "CREATE OR REPLACE MACRO trino_scaled(n, s, r) AS cast_to_type(CASE WHEN n < 0 THEN '-' ELSE '' " \
    "END || left(trino_padded(n, s), length(trino_padded(n, s)) - CAST(s AS BIGINT)) || '.' || " \
    "CASE WHEN s > 0 THEN right(trino_padded(n, s), s) ELSE '' END, r);\n" \
    "CREATE OR REPLACE MACRO trino_null_as(t, r) AS cast_to_type(t, r);\n" \
    "CREATE OR REPLACE MACRO trino_decimal_divide(a, b, sa, sb, s, r) AS CASE WHEN " \
    "b = 0 THEN trino_null_as(trino_fail('DIVISION_BY_ZERO:Division by zero'), r) " \
    "ELSE trino_scaled(trino_round_divide(trino_unscaled(a) * CAST('1e' || (s - sa " \
    "+ sb) AS HUGEINT), trino_unscaled(b)), s, r) END;\n" \
    "CREATE OR REPLACE MACRO trino_decimal_multiply(a, b, r) AS cast_to_type(a * " \
    "b, r);\n" \
    "CREATE OR REPLACE MACRO trino_double_decimal(t, r) AS CASE WHEN t IN ('nan', " \
    "'inf', '-inf') THEN cast_to_type(trino_fail('INVALID_CAST_ARGUMENT:Cannot " \
    "cast DOUBLE ''' || CASE t WHEN 'nan' THEN 'NaN' WHEN 'inf' THEN 'Infinity' " \
    "ELSE '-Infinity' END || ''' to ' || replace(typeof(r), ',', ', ')), r) ELSE " \
    "cast_to_type(t, r) END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_tinyint(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, '[+-]?[0-9]+') THEN TRY_CAST(x AS TINYINT) END, CASE " \
    "WHEN x IS NOT NULL THEN CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast " \
    "''' || x || ''' to TINYINT') AS TINYINT) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_smallint(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, '[+-]?[0-9]+') THEN TRY_CAST(x AS SMALLINT) END, CASE " \
    "WHEN x IS NOT NULL THEN CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast " \
    "''' || x || ''' to SMALLINT') AS SMALLINT) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_integer(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, '[+-]?[0-9]+') THEN TRY_CAST(x AS INTEGER) END, CASE " \
    "WHEN x IS NOT NULL THEN CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast " \
    "''' || x || ''' to INT') AS INTEGER) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_bigint(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, '[+-]?[0-9]+') THEN TRY_CAST(x AS BIGINT) END, CASE WHEN " \
    "x IS NOT NULL THEN CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast ''' || " \
    "x || ''' to BIGINT') AS BIGINT) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_real(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, " \
    "'\\s*[+-]?(NaN|Infinity|([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[fFdD]?)\\s*') " \
    "THEN TRY_CAST(regexp_replace(trim(x, ' ' || chr(9) || chr(10) || chr(13)), " \
    "'([0-9.])[fFdD]$', '\\1') AS FLOAT) END, CASE WHEN x IS NOT NULL THEN " \
    "CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast ''' || x || ''' to REAL') " \
    "AS FLOAT) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_double(x) AS coalesce(CASE WHEN " \
    "regexp_full_match(x, " \
    "'\\s*[+-]?(NaN|Infinity|([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?[fFdD]?)\\s*') " \
    "THEN TRY_CAST(regexp_replace(trim(x, ' ' || chr(9) || chr(10) || chr(13)), " \
    "'([0-9.])[fFdD]$', '\\1') AS DOUBLE) END, CASE WHEN x IS NOT NULL THEN " \
    "CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast ''' || x || ''' to " \
    "DOUBLE') AS DOUBLE) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_decimal(x, r, n) AS CASE WHEN x IS NULL " \
    "THEN r WHEN regexp_full_match(x, " \
    "'[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?') THEN " \
    "coalesce(TRY(cast_to_type(x, r)), " \
    "cast_to_type(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast VARCHAR ''' || x " \
    "|| ''' to ' || n || '. Value too large.'), r)) ELSE " \
    "cast_to_type(trino_fail('INVALID_CAST_ARGUMENT:Cannot cast VARCHAR ''' || x " \
    "|| ''' to ' || n || '. Value is not a number.'), r) END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_boolean(x) AS CASE WHEN x IS NULL THEN " \
    "NULL WHEN lower(x) IN ('t', 'true', '1') THEN true WHEN lower(x) IN ('f', " \
    "'false', '0') THEN false ELSE CAST(trino_fail('INVALID_CAST_ARGUMENT:Cannot " \
    "cast ''' || x || ''' to BOOLEAN') AS BOOLEAN) END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_fits(x, n) AS CASE WHEN length(x) > n " \
    "THEN trino_fail('INVALID_CAST_ARGUMENT:Value ' || x || ' cannot be " \
    "represented as varchar(' || n || ')') ELSE x END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_uuid(x) AS CASE WHEN x IS NULL THEN " \
    "NULL ELSE coalesce(CASE WHEN length(x) = 36 THEN CAST(TRY_CAST(x AS UUID) AS " \
    "VARCHAR) END, trino_fail('INVALID_CAST_ARGUMENT:Cannot cast value to UUID: ' " \
    "|| x)) END;\n"
// clang-format on

#endif
