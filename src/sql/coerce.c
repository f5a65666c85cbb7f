/* Trino's TypeCoercion: common supertypes and implicit coercions. */
#include "sql/coerce.h"

#include "sql/type_kinds.h"

/* A type as the kind that it may be taken for; NULL: it may not. */
static const struct sql_type *as_kind(struct arena *arena, const struct sql_type *from,
                                      enum sql_type_kind kind)
{
    static const int DIGITS[] = {
        [SQL_TINYINT] = 3, [SQL_SMALLINT] = 5, [SQL_INTEGER] = 10, [SQL_BIGINT] = 19};
    if (from->kind == SQL_UNKNOWN)
        return NULL;
    if (sql_type_integral(from) && kind == SQL_DECIMAL)
        return sql_type_sized(arena, SQL_DECIMAL, DIGITS[from->kind], 0);
    if (sql_type_integral(from))
        return kind > from->kind && kind <= SQL_DOUBLE ? sql_type_plain(kind) : NULL;
    if (from->kind == SQL_DECIMAL || from->kind == SQL_REAL)
        return kind == SQL_DOUBLE || (kind == SQL_REAL && from->kind == SQL_DECIMAL)
                   ? sql_type_plain(kind)
                   : NULL;
    if (from->kind == SQL_DATE && (kind == SQL_TIMESTAMP || kind == SQL_TIMESTAMP_ZONED))
        return sql_type_sized(arena, kind, 0, 0);
    if ((from->kind == SQL_TIMESTAMP && kind == SQL_TIMESTAMP_ZONED) ||
        (from->kind == SQL_TIME && kind == SQL_TIME_ZONED))
        return sql_type_sized(arena, kind, from->precision, 0);
    if (from->kind == SQL_VARCHAR && kind == SQL_CHAR)
        return sql_type_sized(arena, kind, from->precision < 65536 ? from->precision : 65536, 0);
    if ((from->kind == SQL_VARCHAR || from->kind == SQL_CHAR) &&
        (kind == SQL_REGEXP || kind == SQL_JSONPATH))
        return sql_type_plain(kind);
    return NULL;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static const struct sql_type *common_decimal(struct arena *arena, const struct sql_type *a,
                                             const struct sql_type *b)
{
    int scale = larger(a->scale, b->scale);
    int precision = larger(a->precision - a->scale, b->precision - b->scale) + scale;
    precision = precision > SQL_PRECISION_MOST ? SQL_PRECISION_MOST : precision;
    return sql_type_sized(arena, SQL_DECIMAL, precision, scale);
}

static const struct sql_type *common_parts(struct arena *arena, const struct sql_type *a,
                                           const struct sql_type *b)
{
    if (a->count != b->count)
        return NULL;
    const struct sql_type **types = arena_take(arena, a->count + 1, sizeof *types);
    const char **names = arena_take(arena, a->count + 1, sizeof *names);
    for (size_t i = 0; types && names && i < a->count; i++) {
        types[i] = sql_common_type(arena, a->parts[i], b->parts[i]);
        bool same = a->kind == SQL_ROW && a->names[i] && b->names[i] &&
                    sql_same_word(a->names[i], b->names[i]);
        names[i] = same ? a->names[i] : NULL;
        if (!types[i])
            return NULL;
    }
    return sql_type_of_parts(arena, a->kind, a->count, types, names);
}

static const struct sql_type *common_of_kind(struct arena *arena, const struct sql_type *a,
                                             const struct sql_type *b)
{
    if (a->kind == SQL_DECIMAL)
        return common_decimal(arena, a, b);
    if (a->count)
        return common_parts(arena, a, b);
    return a->precision >= b->precision ? a : b;
}

const struct sql_type *sql_common_type(struct arena *arena, const struct sql_type *a,
                                       const struct sql_type *b)
{
    if (a->kind == SQL_UNKNOWN || b->kind == SQL_UNKNOWN)
        return a->kind == SQL_UNKNOWN ? b : a;
    if (a->kind == b->kind)
        return common_of_kind(arena, a, b);
    const struct sql_type *taken = as_kind(arena, a, b->kind);
    if (taken)
        return common_of_kind(arena, taken, b);
    taken = as_kind(arena, b, a->kind);
    return taken ? common_of_kind(arena, a, taken) : NULL;
}

/* Names of a row's fields do not stand in the way. */
static bool same_but_names(const struct sql_type *a, const struct sql_type *b)
{
    if (a->kind != b->kind || a->precision != b->precision || a->scale != b->scale ||
        a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!same_but_names(a->parts[i], b->parts[i]))
            return false;
    return true;
}

bool sql_coercible(struct arena *arena, const struct sql_type *from, const struct sql_type *to)
{
    if (to->kind == SQL_UNKNOWN)
        return from->kind == SQL_UNKNOWN;
    if (from->kind != to->kind && from->kind != SQL_UNKNOWN && !as_kind(arena, from, to->kind))
        return false;
    if (from->kind == to->kind && from->count) {
        for (size_t i = 0; i < from->count; i++)
            if (from->count != to->count || !sql_coercible(arena, from->parts[i], to->parts[i]))
                return false;
        return true;
    }
    const struct sql_type *common = sql_common_type(arena, from, to);
    return common && same_but_names(common, to);
}
