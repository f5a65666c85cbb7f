/* prelude_lists.h: arrays and maps as macros of DuckDB. */
#ifndef LATHE_SQL_PRELUDE_LISTS_H
#define LATHE_SQL_PRELUDE_LISTS_H

// clang-format off
#define SQL_PRELUDE_LISTS \
    "CREATE OR REPLACE MACRO trino_decimal_average(sum, n, s, r) AS " \
    "cast_to_type(CASE WHEN n > 0 THEN trino_divide_decimal(sum, CAST(n AS " \
    "DECIMAL(18,0)), s) END, r);\n" \
    "CREATE OR REPLACE MACRO trino_first_keys(s) AS list_filter(s, lambda e, i: i " \
    "= 1 OR s[i - 1].key IS DISTINCT FROM e.key);\n" \
    "CREATE OR REPLACE MACRO trino_sorted_keys(l) AS " \
    "list_sort(list_transform(list_filter(l, lambda e: e.key IS NOT NULL), lambda " \
    "e, i: {'key': e.key, 'place': i, 'value': e.value}));\n" \
    "CREATE OR REPLACE MACRO trino_map_entries(l) AS map(list_transform(l, lambda " \
    "e: e.key), list_transform(l, lambda e: e.value));\n" \
    "CREATE OR REPLACE MACRO trino_map_of(l) AS CASE WHEN " \
    "len(trino_sorted_keys(l)) > 0 THEN " \
    "trino_map_entries(trino_first_keys(trino_sorted_keys(l))) END;\n" \
    "CREATE OR REPLACE MACRO trino_multimap_of(l) AS " \
    "map(list_transform(trino_first_keys(trino_sorted_keys(l)), lambda e: e.key), " \
    "list_transform(trino_first_keys(trino_sorted_keys(l)), lambda k: " \
    "list_transform(list_filter(l, lambda e: e.key IS NOT DISTINCT FROM k.key), " \
    "lambda e: e.value)));\n" \
    "CREATE OR REPLACE MACRO trino_most(h, n) AS " \
    "trino_map_entries(list_transform(list_sort(list_transform(map_entries(h), " \
    "lambda e: {'n': -CAST(e.value AS BIGINT), 'key': e.key})), lambda e: {'key': " \
    "e.key, 'value': -e.n})[1:n]);\n" \
    "CREATE OR REPLACE MACRO trino_quantile(q) AS CASE WHEN q < 0 OR q > 1 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:percentile must be between 0 and " \
    "1') AS DOUBLE) WHEN q + 1e-12 > 1 THEN 1 ELSE q + 1e-12 END;\n" \
    "CREATE OR REPLACE MACRO trino_nth(n) AS CASE WHEN n < 1 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Offset must be at least 1') AS " \
    "BIGINT) ELSE n END;\n" \
    "CREATE OR REPLACE MACRO trino_window_offset(n) AS CASE WHEN n < 0 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Offset must be at least 0') AS " \
    "BIGINT) ELSE n END;\n" \
    "CREATE OR REPLACE MACRO trino_element_index(i) AS CASE WHEN i = 0 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:SQL array indices start at 1') AS " \
    "BIGINT) ELSE i END;\n" \
    "CREATE OR REPLACE MACRO trino_contains(l, x) AS CASE WHEN l IS NULL OR x IS " \
    "NULL THEN NULL WHEN list_contains(l, x) THEN true WHEN list_count(l) < len(l) " \
    "THEN NULL ELSE false END;\n" \
    "CREATE OR REPLACE MACRO trino_contains_sequence(l, s) AS CASE WHEN l IS NULL " \
    "OR s IS NULL THEN NULL ELSE len(list_filter(range(1, len(l) - len(s) + 2), " \
    "lambda i: l[i:i + len(s) - 1] = s)) > 0 END;\n" \
    "CREATE OR REPLACE MACRO trino_overlap(a, b) AS CASE WHEN a IS NULL OR b IS " \
    "NULL THEN NULL WHEN list_has_any(list_filter(a, lambda e: e IS NOT NULL), " \
    "list_filter(b, lambda e: e IS NOT NULL)) THEN true WHEN len(a) > 0 AND len(b) " \
    "> 0 AND (list_count(a) < len(a) OR list_count(b) < len(b)) THEN NULL ELSE " \
    "false END;\n" \
    "CREATE OR REPLACE MACRO trino_distinct(l) AS list_filter(l, lambda e, i: " \
    "list_position(l, e) = i);\n" \
    "CREATE OR REPLACE MACRO trino_list_join(a, b) AS CASE WHEN a IS NOT NULL AND " \
    "b IS NOT NULL THEN list_concat(a, b) END;\n" \
    "CREATE OR REPLACE MACRO trino_within(a, b, w) AS CASE WHEN b IS NOT NULL THEN " \
    "list_filter(a, lambda e: (list_position(b, e) IS NOT NULL) = w) END;\n" \
    "CREATE OR REPLACE MACRO trino_slice(l, f, n) AS CASE WHEN f = 0 THEN " \
    "l[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:SQL array indices start at 1') " \
    "AS BIGINT):] WHEN n < 0 THEN " \
    "l[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:length must be greater than or " \
    "equal to 0') AS BIGINT):] WHEN f > 0 THEN l[f:f + n - 1] WHEN -f > len(l) " \
    "THEN l[1:0] ELSE l[len(l) + f + 1:len(l) + f + n] END;\n" \
    "CREATE OR REPLACE MACRO trino_trimmed(n, s) AS CASE WHEN s < 0 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:size must not be negative: ' || s) " \
    "AS BIGINT) WHEN s > n THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:size " \
    "must not exceed array cardinality ' || n || ': ' || s) AS BIGINT) ELSE n - s " \
    "END;\n" \
    "CREATE OR REPLACE MACRO trino_sequence_step(a, b, s) AS CASE WHEN s = 0 THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:step must not be zero') AS BIGINT) " \
    "WHEN (s > 0) <> (b >= a) AND b <> a THEN " \
    "CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:sequence stop value should be " \
    "greater than or equal to start value if step is greater than zero otherwise " \
    "stop should be less than or equal to start') AS BIGINT) WHEN (b - a) // s >= " \
    "10000 THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:result of sequence " \
    "function must not have more than 10000 entries') AS BIGINT) ELSE s END;\n" \
    "CREATE OR REPLACE MACRO trino_sequence(a, b, s) AS generate_series(a, b, " \
    "CAST(trino_sequence_step(a, b, s) AS BIGINT));\n" \
    "CREATE OR REPLACE MACRO trino_sequence_dates(a, b, s) AS " \
    "list_transform(trino_sequence(CAST(0 AS BIGINT), CAST(b - a AS BIGINT), s), " \
    "lambda i: a + CAST(i AS INTEGER));\n" \
    "CREATE OR REPLACE MACRO trino_sequence_times(a, b, ms) AS " \
    "list_transform(trino_sequence(CAST(0 AS BIGINT), epoch_us(b) - epoch_us(a), " \
    "ms * 1000), lambda i: a + to_microseconds(i));\n" \
    "CREATE OR REPLACE MACRO trino_sequence_month_times(a, b, n) AS " \
    "list_filter(list_transform(range(0, CAST(abs(datediff('month', a, b)) // " \
    "abs(n) + 1 AS BIGINT)), lambda i: a + to_months(CAST(i * n AS INTEGER))), " \
    "lambda t: CASE WHEN n > 0 THEN t <= b ELSE t >= b END);\n" \
    "CREATE OR REPLACE MACRO trino_sequence_months(a, b, n) AS " \
    "list_transform(trino_sequence_month_times(CAST(a AS TIMESTAMP), CAST(b AS " \
    "TIMESTAMP), n), lambda t: CAST(t AS DATE));\n" \
    "CREATE OR REPLACE MACRO trino_repeat(x, n) AS list_transform(range(0, CASE " \
    "WHEN n < 0 THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:count argument of " \
    "repeat function must be greater than or equal to 0') AS BIGINT) WHEN n > " \
    "10000 THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:count argument of " \
    "repeat function must be less than or equal to 10000') AS BIGINT) ELSE n END), " \
    "lambda i: x);\n" \
    "CREATE OR REPLACE MACRO trino_flatten_all(l) AS CASE WHEN list_count(l) = " \
    "len(l) THEN flatten(l) END;\n" \
    "CREATE OR REPLACE MACRO trino_text_all(l) AS CASE WHEN list_count(l) = len(l) " \
    "THEN list_reduce(l, lambda a, b: a || b) END;\n" \
    "CREATE OR REPLACE MACRO trino_pairs(a, b) AS list_transform(list_zip(a, b), " \
    "lambda z: {'key': z[1], 'value': z[2]});\n" \
    "CREATE OR REPLACE MACRO trino_ngrams(l, n) AS CASE WHEN n <= 0 THEN " \
    "[l[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:N must be positive') AS " \
    "BIGINT):]] WHEN n >= len(l) THEN [l] ELSE list_transform(range(1, len(l) - n " \
    "+ 2), lambda i: l[i:i + n - 1]) END;\n" \
    "CREATE OR REPLACE MACRO trino_twice(l) AS list_filter(l, lambda e, i: " \
    "list_position(l, e) < i)[1];\n" \
    "CREATE OR REPLACE MACRO trino_map(k, v) AS map(CASE WHEN len(k) <> len(v) " \
    "THEN k[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Key and value arrays must " \
    "be the same length') AS BIGINT):] WHEN list_count(k) < len(k) THEN " \
    "k[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:map key cannot be null') AS " \
    "BIGINT):] WHEN len(list_distinct(k)) < len(k) THEN " \
    "k[CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Duplicate map keys (' || " \
    "CAST(trino_twice(k) AS VARCHAR) || ') are not allowed') AS BIGINT):] ELSE k " \
    "END, v);\n"
// clang-format on

#endif
