/* value.h: values in DuckDB's chunks, and what they look like as text. */
#ifndef LATHE_TABLE_VALUE_H
#define LATHE_TABLE_VALUE_H

#include <glib.h>
#include <stdbool.h>

#include "sql/type.h"
#include "table/duckdb_library.h"

/* A vector of a chunk and what hangs from it, opened for reading. */
struct value_view {
    int kind;  /* enum duckdb_kind of how the values lie: of a decimal its integers' */
    int scale; /* of a decimal */
    const void *data;
    const uint64_t *valid;       /* a bit a row; NULL: all are */
    struct value_view *children; /* of a list one, of a map one of two, of a struct its members' */
    size_t count;
};

void value_view_open(struct value_view *view, const struct duckdb_library *library, void *vector);
void value_view_close(struct value_view *view);

static inline bool value_is_null(const struct value_view *view, size_t row)
{
    return view->valid && !(view->valid[row / 64] >> (row % 64) & 1);
}

/* A text or its bytes. */
const char *value_bytes(const struct value_view *view, size_t row, size_t *size);
/* A whole number of any width, its decimals' digits included. */
__extension__ typedef __int128 value_wide;
value_wide value_integer(const struct value_view *view, size_t row);
double value_double(const struct value_view *view, size_t row);

/* ---- as text; none of these is for a null ---- */

/* Java's Double.toString and Float.toString: 1.0, 1.0E10, NaN. */
void value_put_double(GString *text, double value);
void value_put_float(GString *text, float value);
/* As a cast to varchar writes them: 1.0E0, 3.333333333333333E-1; reals with seven digits. */
void value_put_scientific(GString *text, double value, bool real);
/* digits / 10^scale. */
void value_put_decimal(GString *text, value_wide digits, int scale);
void value_put_day_interval(GString *text, int64_t millis);
void value_put_year_interval(GString *text, int64_t months);

/* As Athena's CSV has it, before quotes are doubled: [1, 2], {a=1}, 61 62 for bytes. */
void value_put_athena(GString *text, const struct sql_type *type, const struct value_view *view,
                      size_t row);
/* As Trino's client protocol has it in JSON. */
void value_put_json(GString *text, const struct sql_type *type, const struct value_view *view,
                    size_t row);
/* Adds a text in JSON's quotes. */
void value_put_quoted(GString *text, const char *bytes, size_t size);
/* What a value without members is as text, in neither form quoted. */
void value_put_scalar(GString *text, const struct sql_type *type, const struct value_view *view,
                      size_t row);

#endif
