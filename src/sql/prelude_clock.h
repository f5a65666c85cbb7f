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
    "CREATE OR REPLACE MACRO trino_offset(z) AS CASE WHEN z[1] = '-' THEN -1 ELSE " \
    "1 END * (CAST(z[2:3] AS INTEGER) * 60 + CAST(z[5:6] AS INTEGER));\n" \
    "CREATE OR REPLACE MACRO trino_from_instant(i, z) AS CASE WHEN z = 'UTC' THEN " \
    "i WHEN z[1] IN ('+', '-') THEN i + to_minutes(CASE WHEN z[1] IN ('+', '-') " \
    "THEN trino_offset(z) END) ELSE timezone(z, timezone('UTC', i)) END;\n" \
    "CREATE OR REPLACE MACRO trino_to_instant(l, z) AS CASE WHEN z = 'UTC' THEN l " \
    "WHEN z[1] IN ('+', '-') THEN l - to_minutes(CASE WHEN z[1] IN ('+', '-') THEN " \
    "trino_offset(z) END) ELSE timezone('UTC', timezone(z, l)) END;\n" \
    "CREATE OR REPLACE MACRO trino_shift(i, z) AS " \
    "CAST((epoch_us(trino_from_instant(i, z)) - epoch_us(i)) // 60000000 AS " \
    "INTEGER);\n" \
    "CREATE OR REPLACE MACRO trino_zoned(l, z) AS CASE WHEN l IS NOT NULL AND z IS " \
    "NOT NULL THEN {'instant': trino_to_instant(l, z), 'zone': z} END;\n" \
    "CREATE OR REPLACE MACRO trino_zoned_move(x, ms) AS CASE WHEN x IS NOT NULL " \
    "AND ms IS NOT NULL THEN {'instant': struct_extract(x, 'instant') + " \
    "to_microseconds(ms * 1000), 'zone': struct_extract(x, 'zone')} END;\n" \
    "CREATE OR REPLACE MACRO trino_zoned_months(x, n) AS CASE WHEN x IS NOT NULL " \
    "AND n IS NOT NULL THEN {'instant': trino_to_instant(trino_local(x) + " \
    "to_months(CAST(n AS INTEGER)), struct_extract(x, 'zone')), 'zone': " \
    "struct_extract(x, 'zone')} END;\n"
// clang-format on

#endif
