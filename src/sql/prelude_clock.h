/* prelude_clock.h: dates, times, zones and intervals as macros of DuckDB. */
#ifndef LATHE_SQL_PRELUDE_CLOCK_H
#define LATHE_SQL_PRELUDE_CLOCK_H

// clang-format off
#define SQL_PRELUDE_CLOCK \
    "CREATE OR REPLACE MACRO trino_whole_days(ms) AS CASE WHEN ms % 86400000 <> 0 " \
    "THEN CAST(trino_fail('INVALID_FUNCTION_ARGUMENT:Cannot add hour, minutes or " \
    "seconds to a date') AS INTEGER) ELSE CAST(ms // 86400000 AS INTEGER) END;\n" \
    "CREATE OR REPLACE MACRO trino_micros(t) AS (extract('hour' FROM t) * 3600 + " \
    "extract('minute' FROM t) * 60) * 1000000 + extract('microsecond' FROM t);\n" \
    "CREATE OR REPLACE MACRO trino_round_to(us, u) AS us + u // 2 - (((us + u // " \
    "2) % u + u) % u);\n" \
    "CREATE OR REPLACE MACRO trino_timestamp_round(x, p) AS " \
    "make_timestamp(trino_round_to(epoch_us(x), CAST(10 ** (6 - p) AS BIGINT)));\n" \
    "CREATE OR REPLACE MACRO trino_time_round(x, p) AS TIME '00:00:00' + " \
    "to_microseconds(trino_round_to(trino_micros(x), CAST(10 ** (6 - p) AS " \
    "BIGINT)));\n" \
    "CREATE OR REPLACE MACRO trino_offset(z) AS CASE WHEN z[1] = '-' THEN -1 ELSE " \
    "1 END * (CAST(z[2:3] AS INTEGER) * 60 + CAST(z[5:6] AS INTEGER));\n" \
    "CREATE OR REPLACE MACRO trino_from_instant(i, z) AS CASE WHEN z = 'UTC' THEN " \
    "i WHEN z[1] IN ('+', '-') THEN i + to_minutes(CASE WHEN z[1] IN ('+', '-') " \
    "THEN trino_offset(z) END) ELSE timezone(z, timezone('UTC', i)) END;\n" \
    "CREATE OR REPLACE MACRO trino_to_instant(l, z) AS CASE WHEN z = 'UTC' THEN l " \
    "WHEN z[1] IN ('+', '-') THEN l - to_minutes(CASE WHEN z[1] IN ('+', '-') THEN " \
    "trino_offset(z) END) ELSE timezone('UTC', timezone(z, l)) END;\n" \
    "CREATE OR REPLACE MACRO trino_local(x) AS " \
    "trino_from_instant(struct_extract(x, 'instant'), struct_extract(x, 'zone'));\n" \
    "CREATE OR REPLACE MACRO trino_shift(i, z) AS " \
    "CAST((epoch_us(trino_from_instant(i, z)) - epoch_us(i)) // 60000000 AS " \
    "INTEGER);\n" \
    "CREATE OR REPLACE MACRO trino_zoned(l, z) AS CASE WHEN l IS NOT NULL AND z IS " \
    "NOT NULL THEN {'instant': trino_to_instant(l, z), 'zone': z} END;\n" \
    "CREATE OR REPLACE MACRO trino_timestamp_zone(l) AS trino_zoned(l, 'UTC');\n" \
    "CREATE OR REPLACE MACRO trino_zoned_move(x, ms) AS CASE WHEN x IS NOT NULL " \
    "AND ms IS NOT NULL THEN {'instant': struct_extract(x, 'instant') + " \
    "to_microseconds(ms * 1000), 'zone': struct_extract(x, 'zone')} END;\n" \
    "CREATE OR REPLACE MACRO trino_zoned_months(x, n) AS CASE WHEN x IS NOT NULL " \
    "AND n IS NOT NULL THEN {'instant': trino_to_instant(trino_local(x) + " \
    "to_months(CAST(n AS INTEGER)), struct_extract(x, 'zone')), 'zone': " \
    "struct_extract(x, 'zone')} END;\n" \
    "CREATE OR REPLACE MACRO trino_timestamptz_round(x, p) AS CASE WHEN x IS NOT " \
    "NULL THEN {'instant': trino_timestamp_round(struct_extract(x, 'instant'), p), " \
    "'zone': struct_extract(x, 'zone')} END;\n" \
    "CREATE OR REPLACE MACRO trino_timetz_round(x, p) AS CASE WHEN x IS NOT NULL " \
    "THEN {'clock': trino_time_round(struct_extract(x, 'clock'), p), 'shift': " \
    "struct_extract(x, 'shift')} END;\n" \
    "CREATE OR REPLACE MACRO trino_timetz_key(x) AS trino_micros(struct_extract(x, " \
    "'clock')) - struct_extract(x, 'shift') * 60000000;\n" \
    "CREATE OR REPLACE MACRO trino_fraction(us, p) AS CASE WHEN p = 0 THEN '' ELSE " \
    "'.' || left(lpad(CAST(us % 1000000 AS VARCHAR), 6, '0'), p) END;\n" \
    "CREATE OR REPLACE MACRO trino_date_varchar(x) AS CASE WHEN year(x) BETWEEN 0 " \
    "AND 9999 THEN strftime(x, '%Y-%m-%d') WHEN year(x) < 0 THEN '-' || " \
    "lpad(CAST(-year(x) AS VARCHAR), 4, '0') || strftime(x, '-%m-%d') ELSE '+' || " \
    "CAST(year(x) AS VARCHAR) || strftime(x, '-%m-%d') END;\n" \
    "CREATE OR REPLACE MACRO trino_timestamp_varchar(x, p) AS " \
    "trino_date_varchar(CAST(x AS DATE)) || strftime(x, ' %H:%M:%S') || " \
    "trino_fraction(extract('microsecond' FROM x), p);\n" \
    "CREATE OR REPLACE MACRO trino_time_varchar(x, p) AS left(CAST(x AS VARCHAR), " \
    "8) || trino_fraction(extract('microsecond' FROM x), p);\n" \
    "CREATE OR REPLACE MACRO trino_timestamptz_varchar(x, p) AS " \
    "trino_timestamp_varchar(trino_local(x), p) || ' ' || struct_extract(x, " \
    "'zone');\n" \
    "CREATE OR REPLACE MACRO trino_offset_varchar(n) AS CASE WHEN n < 0 THEN '-' " \
    "ELSE '+' END || lpad(CAST(abs(n) // 60 AS VARCHAR), 2, '0') || ':' || " \
    "lpad(CAST(abs(n) % 60 AS VARCHAR), 2, '0');\n" \
    "CREATE OR REPLACE MACRO trino_timetz_varchar(x, p) AS " \
    "trino_time_varchar(struct_extract(x, 'clock'), p) || " \
    "trino_offset_varchar(struct_extract(x, 'shift'));\n" \
    "CREATE OR REPLACE MACRO trino_months_varchar(n) AS CASE WHEN n < 0 THEN '-' " \
    "ELSE '' END || CAST(abs(n) // 12 AS VARCHAR) || '-' || CAST(abs(n) % 12 AS " \
    "VARCHAR);\n" \
    "CREATE OR REPLACE MACRO trino_days_varchar(n) AS CASE WHEN n < 0 THEN '-' " \
    "ELSE '' END || CAST(abs(n) // 86400000 AS VARCHAR) || ' ' || lpad(CAST(abs(n) " \
    "// 3600000 % 24 AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(n) // 60000 % 60 " \
    "AS VARCHAR), 2, '0') || ':' || lpad(CAST(abs(n) // 1000 % 60 AS VARCHAR), 2, " \
    "'0') || '.' || lpad(CAST(abs(n) % 1000 AS VARCHAR), 3, '0');\n" \
    "CREATE OR REPLACE MACRO trino_varchar_date(x) AS CASE WHEN x IS NULL THEN " \
    "NULL ELSE coalesce(TRY(CASE WHEN regexp_matches(x, " \
    "'^\\s*([+-]?[0-9]+)-([0-9]{1,2})-([0-9]{1,2})\\s*$') THEN " \
    "make_date(CAST(regexp_extract(x, " \
    "'^\\s*([+-]?[0-9]+)-([0-9]{1,2})-([0-9]{1,2})\\s*$', 1) AS BIGINT), " \
    "CAST(regexp_extract(x, '^\\s*([+-]?[0-9]+)-([0-9]{1,2})-([0-9]{1,2})\\s*$', 2) " \
    "AS BIGINT), CAST(regexp_extract(x, " \
    "'^\\s*([+-]?[0-9]+)-([0-9]{1,2})-([0-9]{1,2})\\s*$', 3) AS BIGINT)) END), " \
    "CAST(trino_fail('INVALID_CAST_ARGUMENT:Value cannot be cast to date: ' || x) " \
    "AS DATE)) END;\n" \
    "CREATE OR REPLACE MACRO trino_clock_micros(h, m, s, f) AS CASE WHEN CAST(h AS " \
    "BIGINT) < 24 AND CAST(m AS BIGINT) < 60 AND CAST('0' || s AS BIGINT) < 60 " \
    "THEN (CAST(h AS BIGINT) * 3600 + CAST(m AS BIGINT) * 60 + CAST('0' || s AS " \
    "BIGINT)) * 1000000 + CAST(round(CAST('0.' || left(f || '0', 12) AS " \
    "DECIMAL(14,12)) * 1000000) AS BIGINT) END;\n" \
    "CREATE OR REPLACE MACRO trino_read_timestamp(x) AS TRY(CASE WHEN " \
    "regexp_matches(x, '^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$') " \
    "THEN CAST(make_date(CAST(regexp_extract(x, " \
    "'^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "1) AS BIGINT), CAST(regexp_extract(x, " \
    "'^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "2) AS BIGINT), CAST(regexp_extract(x, " \
    "'^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "3) AS BIGINT)) AS TIMESTAMP) + to_microseconds(trino_clock_micros('0' || " \
    "regexp_extract(x, '^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "4), '0' || regexp_extract(x, '^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "5), regexp_extract(x, '^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "6), regexp_extract(x, '^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "7))) END);\n" \
    "CREATE OR REPLACE MACRO trino_varchar_timestamp(x, p) AS CASE WHEN x IS NULL " \
    "THEN NULL ELSE coalesce(trino_timestamp_round(trino_read_timestamp(x), p), " \
    "CAST(trino_fail('INVALID_CAST_ARGUMENT:Value cannot be cast to timestamp: ' " \
    "|| x) AS TIMESTAMP)) END;\n" \
    "CREATE OR REPLACE MACRO trino_zone_name(z) AS CASE WHEN z IN ('', 'Z', 'UTC', " \
    "'+00:00', '-00:00') THEN 'UTC' WHEN regexp_full_match(z, " \
    "'[+-][0-9]{1,2}(:[0-9]{2})?') THEN z[1] || lpad(regexp_extract(z, " \
    "'([0-9]{1,2})', 1), 2, '0') || CASE WHEN contains(z, ':') THEN right(z, 3) " \
    "ELSE ':00' END ELSE z END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_timestamptz(x, p) AS CASE WHEN x IS " \
    "NULL THEN NULL ELSE {'instant': " \
    "coalesce(TRY(trino_to_instant(trino_timestamp_round(trino_read_timestamp(x), " \
    "p), trino_zone_name(trim(regexp_extract(x, " \
    "'^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "8))))), CAST(trino_fail('INVALID_CAST_ARGUMENT:Value cannot be cast to " \
    "timestamp: ' || x) AS TIMESTAMP)), 'zone': " \
    "trino_zone_name(trim(regexp_extract(x, " \
    "'^([+-]?[0-9]{4,})-([0-9]{1,2})-([0-9]{1,2})(?: " \
    "(?:([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?)?\\s*([^0-9\\s].*)?)?$', " \
    "8)))} END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_time(x, p) AS CASE WHEN x IS NULL THEN " \
    "NULL ELSE coalesce(trino_time_round(TIME '00:00:00' + " \
    "to_microseconds(TRY(CASE WHEN regexp_matches(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?$') THEN " \
    "trino_clock_micros(regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?$', 1), " \
    "regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?$', 2), " \
    "regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?$', 3), " \
    "regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?$', 4)) END)), " \
    "p), CAST(trino_fail('INVALID_CAST_ARGUMENT:Value cannot be cast to time: ' || " \
    "x) AS TIME)) END;\n" \
    "CREATE OR REPLACE MACRO trino_varchar_timetz(x, p) AS CASE WHEN x IS NULL " \
    "THEN NULL WHEN regexp_matches(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$') " \
    "THEN {'clock': trino_time_round(TIME '00:00:00' + " \
    "to_microseconds(trino_clock_micros(regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$', " \
    "1), regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$', " \
    "2), regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$', " \
    "3), regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$', " \
    "4))), p), 'shift': trino_offset(regexp_extract(x, " \
    "'^([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.]([0-9]+))?)?\\s*([+-][0-9]{2}:[0-9]{2})$', " \
    "5))} ELSE {'clock': trino_varchar_time(x, p), 'shift': 0} END;\n"
// clang-format on

#endif
