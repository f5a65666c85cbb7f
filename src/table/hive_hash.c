#include "table/hive_hash.h"

#include <string.h>

static int32_t fold(int64_t value)
{
    return (int32_t)(value ^ (int64_t)((uint64_t)value >> 32));
}

static int32_t hash_text(const struct value_view *view, size_t row)
{
    size_t size;
    const char *bytes = value_bytes(view, row, &size);
    uint32_t hash = 0;
    for (size_t i = 0; i < size; i++)
        hash = hash * 31 + (uint32_t)(signed char)bytes[i];
    return (int32_t)hash;
}

static int32_t hash_float(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static int32_t hash_double(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return fold(bits);
}

int32_t hive_hash(const struct value_view *view, size_t row)
{
    if (value_is_null(view, row))
        return 0;
    switch (view->kind) {
    case DUCKDB_VARCHAR:
        return hash_text(view, row);
    case DUCKDB_FLOAT:
        return hash_float((float)value_double(view, row));
    case DUCKDB_DOUBLE:
        return hash_double(value_double(view, row));
    case DUCKDB_BIGINT:
        return fold((int64_t)value_integer(view, row));
    default:
        return (int32_t)value_integer(view, row);
    }
}
