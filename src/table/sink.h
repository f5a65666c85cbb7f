/* sink.h: values on their way into DuckDB's vectors. */
#ifndef LATHE_TABLE_SINK_H
#define LATHE_TABLE_SINK_H

#include <glib.h>
#include <stdbool.h>

#include "sql/type.h"
#include "table/duckdb_library.h"

struct sink {
    const struct duckdb_library *library;
    const struct sql_type *type;
    void *vector;
    void *data;
    uint64_t *valid;       /* NULL: nothing is null so far */
    struct sink *children; /* of a list one, of a map key and value, of a row its members */
    size_t count;
    uint64_t used, room; /* of a list or map: elements in all its rows */
};

/* For a vector whose rows are all still to be set. */
void sink_open(struct sink *sink, const struct duckdb_library *library, const struct sql_type *type,
               void *vector);
void sink_close(struct sink *sink);

void sink_null(struct sink *sink, uint64_t row);
/* A value follows after all for a row that was set to null; its members stay null. */
void sink_not_null(struct sink *sink, uint64_t row);
/* A text, whose bytes need not be UTF-8: what is not is replaced as readers do. */
void sink_text(struct sink *sink, uint64_t row, const char *bytes, size_t size);
void sink_bytes(struct sink *sink, uint64_t row, const void *bytes, size_t size);
/* A whole number of the sink's width, days or microseconds; false where it does not fit. */
bool sink_integer(struct sink *sink, uint64_t row, int64_t value);
/* Microseconds since 1970, of which a timestamp keeps as many decimals as its type has. */
bool sink_moment(struct sink *sink, uint64_t row, int64_t micros);
void sink_double(struct sink *sink, uint64_t row, double value);

/* Begins a list or map in this row; then each element gets its row in the children. */
void sink_begin_list(struct sink *sink, uint64_t row);
uint64_t sink_next_element(struct sink *sink, uint64_t row);

/* Sets the value that a text says in its type's plainest form, as Hive's readers take it: false,
 * with nothing set, where it says none. Types with members are not read. */
bool sink_parse(struct sink *sink, uint64_t row, const char *bytes, size_t size);

/* A number of least to most digits, and a sign; `at` moves on behind them. */
bool read_digits(const char **at, const char *end, int least, int most, int64_t *value);
bool read_sign(const char **at, const char *end, char sign);
/* The readings themselves; false where the text says no such thing. */
bool read_integer(const char *bytes, size_t size, int64_t *value);
bool read_date(const char *bytes, size_t size, int64_t *days);
bool read_timestamp(const char *bytes, size_t size, int64_t *micros);
/* digits of a decimal of that many digits and scale, rounded half up. */
bool read_decimal(const char *bytes, size_t size, int digits, int scale, struct duckdb_huge *value);

#endif
