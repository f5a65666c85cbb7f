/* Numbers. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "table/functions.h"

/* Java's Math.round: half up. */
static double half_up(double value)
{
    double below = floor(value);
    return value - below >= 0.5 ? below + 1 : below;
}

static bool round_double(struct function_call *call)
{
    double value = call_double(call, 0);
    double factor = call->count > 1 ? pow(10, (double)call_integer(call, 1)) : 1;
    if (!isfinite(value) || !isfinite(value * factor))
        return give_double(call, value);
    return give_double(call, value < 0 ? -(half_up(-value * factor) / factor)
                                       : half_up(value * factor) / factor);
}

static bool round_integer(struct function_call *call)
{
    int64_t value = call_integer(call, 0), places = call_integer(call, 1), factor = 1;
    if (places >= 0)
        return give_integer(call, value);
    for (; places < 0 && factor < INT64_C(1000000000000000000); places++)
        factor *= 10;
    if (places < 0)
        return give_integer(call, 0);
    value_wide half = value < 0 ? -(value_wide)factor / 2 : (value_wide)factor / 2;
    value_wide rounded = ((value_wide)value + half) / factor * factor;
    return give_integer(call, (int64_t)rounded);
}

/* ---- decimals, answered as text ---- */

static value_wide power_of_ten(int64_t power)
{
    value_wide result = 1;
    while (power-- > 0)
        result *= 10;
    return result;
}

static bool give_digits(struct function_call *call, value_wide digits, int scale)
{
    value_put_decimal(call->text, digits, scale);
    return give_made(call);
}

static bool cut_decimal(struct function_call *call, bool rounds)
{
    const struct value_view *view = &call->arguments[0];
    value_wide digits = value_integer(view, call->row);
    int64_t cut = view->scale - (call->count > 1 ? call_integer(call, 1) : 0);
    if (cut <= 0)
        return give_digits(call, digits, view->scale);
    if (cut > 38)
        return give_digits(call, 0, view->scale);
    value_wide unit = power_of_ten(cut), rest = digits % unit;
    digits -= rest;
    if (rounds && (rest < 0 ? -rest : rest) >= unit - (rest < 0 ? -rest : rest))
        digits += rest < 0 ? -unit : unit;
    return give_digits(call, digits, view->scale);
}

static bool round_decimal(struct function_call *call)
{
    return cut_decimal(call, true);
}

static bool truncate_decimal(struct function_call *call)
{
    return cut_decimal(call, false);
}

/* a * 10^up / b, rounded half up, bit by bit where it is more than 128 bits. False where the result
 * has more than 38 digits. */
static bool divide_wide(value_wide a, value_wide b, int64_t up, value_wide *result)
{
    __extension__ typedef unsigned __int128 bits;
    bool negative = (a < 0) != (b < 0);
    bits left = a < 0 ? -(bits)a : (bits)a, by = b < 0 ? -(bits)b : (bits)b;
    bits quotient = left / by, rest = left % by, most = (bits)power_of_ten(38);
    for (; up > 0; up--) { /* a digit of the quotient at a time */
        bits tenfold = 0, digit = 0;
        for (int i = 0; i < 10; i++) { /* both are below 10^38: their sum has its place */
            tenfold += rest;
            digit += tenfold >= by;
            tenfold -= tenfold >= by ? by : 0;
        }
        if (quotient > most / 10)
            return false;
        rest = tenfold;
        quotient = quotient * 10 + digit;
    }
    if (rest >= by - rest)
        quotient++;
    *result = negative ? -(value_wide)quotient : (value_wide)quotient;
    return quotient < most;
}

static bool divide_decimal(struct function_call *call)
{
    const struct value_view *a = &call->arguments[0], *b = &call->arguments[1];
    value_wide by = value_integer(b, call->row), result;
    int64_t scale = call_integer(call, 2), up = scale + b->scale - a->scale;
    value_wide dividend = value_integer(a, call->row);
    if (by == 0)
        return call_fail(call, "DIVISION_BY_ZERO", "Division by zero");
    if (up < 0)
        return call_fail(call, "NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow");
    if (!divide_wide(dividend, by, up, &result))
        return call_fail(call, "NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow");
    return give_digits(call, result, (int)scale);
}

static bool modulo_decimal(struct function_call *call)
{
    const struct value_view *a = &call->arguments[0], *b = &call->arguments[1];
    value_wide left = value_integer(a, call->row), by = value_integer(b, call->row), factor;
    int scale = MAX(a->scale, b->scale);
    if (by == 0)
        return call_fail(call, "DIVISION_BY_ZERO", "Division by zero");
    if (a->scale < scale) { /* the rest of a * 10^n, digit by digit */
        value_wide rest = left % by;
        for (int i = a->scale; i < scale; i++)
            rest = (rest % by) * 10 % by;
        return give_digits(call, rest, scale);
    }
    factor = power_of_ten(scale - b->scale);
    if (__builtin_mul_overflow(by, factor, &by))
        return give_digits(call, left, scale);
    return give_digits(call, left % by, scale);
}

/* The divisor, where it is none that fails. */
static bool nonzero(struct function_call *call)
{
    int64_t value = call_integer(call, 0);
    return value ? give_integer(call, value)
                 : call_fail(call, "DIVISION_BY_ZERO", "Division by zero");
}

/* ---- bases and bits ---- */

static bool check_radix(struct function_call *call, int64_t radix)
{
    return (radix >= 2 && radix <= 36) ||
           call_fail(call, INVALID_ARGUMENT, "Radix must be between 2 and 36");
}

static bool to_base(struct function_call *call)
{
    int64_t value = call_integer(call, 0), radix = call_integer(call, 1);
    char digits[70];
    size_t at = sizeof digits;
    if (!check_radix(call, radix))
        return false;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do
        digits[--at] = "0123456789abcdefghijklmnopqrstuvwxyz"[left % (uint64_t)radix];
    while (left /= (uint64_t)radix);
    if (value < 0)
        digits[--at] = '-';
    return give_text(call, digits + at, sizeof digits - at);
}

static bool from_base(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    int64_t radix = call_integer(call, 1);
    if (!check_radix(call, radix))
        return false;
    g_autofree char *terminated = g_strndup(text, size);
    char *end;
    errno = 0;
    int64_t value = g_ascii_strtoll(terminated, &end, (guint)radix);
    bool plain = size && (g_ascii_isalnum(text[0]) || ((*text == '-' || *text == '+') && size > 1));
    if (!plain || *end || errno)
        return call_fail(call, INVALID_ARGUMENT, "Not a valid base-%d number: %s", (int)radix,
                         terminated);
    return give_integer(call, value);
}

static bool bit_count(struct function_call *call)
{
    int64_t value = call_integer(call, 0), bits = call_integer(call, 1);
    if (bits < 2 || bits > 64)
        return call_fail(call, INVALID_ARGUMENT,
                         "Bits specified in bit_count must be between 2 and 64, got %d", (int)bits);
    int64_t most = bits == 64 ? INT64_MAX : (INT64_C(1) << (bits - 1)) - 1;
    if (value > most || value < -most - 1)
        return call_fail(call, INVALID_ARGUMENT,
                         "Number must be representable with the bits specified. %" G_GINT64_FORMAT
                         " cannot be represented with %d bits",
                         value, (int)bits);
    uint64_t mask = bits == 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;
    return give_integer(call, __builtin_popcountll((uint64_t)value & mask));
}

static int width_of(const struct function_call *call)
{
    switch (call->arguments[0].kind) {
    case DUCKDB_TINYINT:
        return 8;
    case DUCKDB_SMALLINT:
        return 16;
    case DUCKDB_INTEGER:
        return 32;
    default:
        return 64;
    }
}

static bool give_bits(struct function_call *call, uint64_t bits, int width)
{
    int unused = 64 - width;
    return give_integer(call, (int64_t)(bits << unused) >> unused);
}

static bool shift_left(struct function_call *call)
{
    int64_t by = call_integer(call, 1);
    int width = width_of(call);
    bool over = by < 0 || by >= width;
    return give_bits(call, over ? 0 : (uint64_t)call_integer(call, 0) << by, width);
}

static bool shift_right(struct function_call *call)
{
    int64_t by = call_integer(call, 1);
    int width = width_of(call);
    bool over = by < 0 || by >= width;
    uint64_t bits = (uint64_t)call_integer(call, 0);
    bits = width == 64 ? bits : bits & ((UINT64_C(1) << width) - 1);
    return give_bits(call, over ? 0 : bits >> by, width);
}

static bool shift_right_arithmetic(struct function_call *call)
{
    int64_t by = call_integer(call, 1), value = call_integer(call, 0);
    bool over = by < 0 || by >= width_of(call);
    return give_integer(call, over ? (value < 0 ? -1 : 0) : value >> by);
}

/* ---- buckets ---- */

static bool width_bucket(struct function_call *call)
{
    double value = call_double(call, 0), low = call_double(call, 1), high = call_double(call, 2);
    int64_t count = call_integer(call, 3);
    if (count <= 0)
        return call_fail(call, INVALID_ARGUMENT, "bucketCount must be greater than 0");
    if (isnan(value))
        return call_fail(call, INVALID_ARGUMENT, "operand must not be NaN");
    if (!isfinite(low))
        return call_fail(call, INVALID_ARGUMENT, "first bound must be finite");
    if (!isfinite(high))
        return call_fail(call, INVALID_ARGUMENT, "second bound must be finite");
    if (low == high)
        return call_fail(call, INVALID_ARGUMENT, "bounds cannot equal each other");
    double least = fmin(low, high), most = fmax(low, high);
    int64_t bucket = value < least ? 0
                     : value >= most
                         ? count + 1
                         : (int64_t)((double)count * (value - least) / (most - least)) + 1;
    return give_integer(call, low > high ? count - bucket + 1 : bucket);
}

static bool width_bucket_of(struct function_call *call)
{
    uint64_t first, count;
    const struct value_view *bins = call_list(call, 1, &first, &count);
    double value = call_double(call, 0), last = -INFINITY;
    int64_t bucket = 0;
    if (!count)
        return call_fail(call, INVALID_ARGUMENT, "Bins cannot be an empty array");
    if (isnan(value))
        return call_fail(call, INVALID_ARGUMENT, "Operand cannot be NaN");
    for (uint64_t i = first; i < first + count; i++) {
        double bin = value_double(bins, i);
        if (value_is_null(bins, i))
            return call_fail(call, INVALID_ARGUMENT, "Bin values cannot be null");
        if (!isfinite(bin))
            return call_fail(call, INVALID_ARGUMENT, "Bin value must be finite, got %s",
                             isnan(bin) ? "NaN" : "Infinity");
        if (bin <= last && i > first)
            return call_fail(call, INVALID_ARGUMENT,
                             "Bin values are not sorted in ascending order");
        last = bin;
        bucket += value >= bin;
    }
    return give_integer(call, bucket);
}

/* ---- distributions ---- */

static bool normal_cdf(struct function_call *call)
{
    double mean = call_double(call, 0), deviation = call_double(call, 1);
    if (!(deviation > 0))
        return call_fail(call, INVALID_ARGUMENT, "standardDeviation must be > 0");
    return give_double(call,
                       0.5 * (1 + erf((call_double(call, 2) - mean) / (deviation * sqrt(2.0)))));
}

static bool wilson(struct function_call *call, double side)
{
    double successes = call_double(call, 0), trials = call_double(call, 1),
           z = call_double(call, 2);
    if (successes < 0)
        return call_fail(call, INVALID_ARGUMENT, "number of successes must not be negative");
    if (trials <= 0)
        return call_fail(call, INVALID_ARGUMENT, "number of trials must be positive");
    if (successes > trials)
        return call_fail(call, INVALID_ARGUMENT,
                         "number of successes must not be larger than number of trials");
    if (z < 0)
        return call_fail(call, INVALID_ARGUMENT, "z-score must not be negative");
    double p = successes / trials;
    double middle = p + z * z / (2 * trials);
    double spread = z * sqrt((p * (1 - p) + z * z / (4 * trials)) / trials);
    return give_double(call, (middle + side * spread) / (1 + z * z / trials));
}

static bool wilson_lower(struct function_call *call)
{
    return wilson(call, -1);
}

static bool wilson_upper(struct function_call *call)
{
    return wilson(call, 1);
}

/* ---- aggregates of lists, updated as Trino updates them, value by value ---- */

/* T. Terriberry, Computing Higher-Order Moments Online: the first four, and how many values. */
static bool moments(struct function_call *call, double *n, double m[5])
{
    uint64_t first, count;
    const struct value_view *list = call_list(call, 0, &first, &count);
    *n = 0;
    for (uint64_t i = first; i < first + count; i++) {
        if (value_is_null(list, i))
            continue;
        double before = (*n)++, delta = value_double(list, i) - m[1], part = delta / *n;
        double square = part * part, change = delta * part * before;
        m[1] += part;
        m[4] += change * square * (*n * *n - 3 * *n + 3) + 6 * square * m[2] - 4 * part * m[3];
        m[3] += change * part * (*n - 2) - 3 * part * m[2];
        m[2] += change;
    }
    return true;
}

static bool skewness(struct function_call *call)
{
    double n, m[5] = {0};
    moments(call, &n, m);
    return n < 3 ? give_null(call) : give_double(call, sqrt(n) * m[3] / pow(m[2], 1.5));
}

static bool kurtosis(struct function_call *call)
{
    double n, m[5] = {0};
    moments(call, &n, m);
    if (n < 4)
        return give_null(call);
    return give_double(call, ((n - 1) * n * (n + 1)) / ((n - 2) * (n - 3)) * m[4] / (m[2] * m[2]) -
                                 3 * ((n - 1) * (n - 1)) / ((n - 2) * (n - 3)));
}

/* Of pairs y, x. */
static bool correlation(struct function_call *call)
{
    uint64_t first, count;
    const struct value_view *list = call_list(call, 0, &first, &count);
    double n = 0, x_mean = 0, y_mean = 0, both = 0, x_square = 0, y_square = 0;
    for (uint64_t i = first; i < first + count; i++) {
        if (value_is_null(&list->children[0], i) || value_is_null(&list->children[1], i))
            continue;
        double y = value_double(&list->children[0], i), x = value_double(&list->children[1], i);
        n++;
        double x_delta = x - x_mean, y_delta = y - y_mean;
        x_mean += x_delta / n;
        y_mean += y_delta / n;
        both += x_delta * (y - y_mean);
        x_square += x_delta * (x - x_mean);
        y_square += y_delta * (y - y_mean);
    }
    double result = both / sqrt(x_square) / sqrt(y_square);
    return n < 1 || !isfinite(result) ? give_null(call) : give_double(call, result);
}

const struct function functions_number[] = {
    {"skewness", "array(double) -> double", skewness, 0, NULL},
    {"kurtosis", "array(double) -> double", kurtosis, 0, NULL},
    {"correlation", "array(row(y double, x double)) -> double", correlation, 0, NULL},
    {"round", "double -> double", round_double, 0, NULL},
    {"round", "double, bigint -> double", round_double, 0, NULL},
    {"round", "real -> real", round_double, 0, NULL},
    {"round", "real, bigint -> real", round_double, 0, NULL},
    {"round_integer", "bigint, bigint -> bigint", round_integer, 0, NULL},
    {"round_decimal", "any, bigint -> varchar", round_decimal, 0, NULL},
    {"truncate_decimal", "any, bigint -> varchar", truncate_decimal, 0, NULL},
    {"divide_decimal", "any, any, bigint -> varchar", divide_decimal, 0, NULL},
    {"modulo_decimal", "any, any -> varchar", modulo_decimal, 0, NULL},
    {"nonzero", "tinyint -> tinyint", nonzero, 0, NULL},
    {"nonzero", "smallint -> smallint", nonzero, 0, NULL},
    {"nonzero", "integer -> integer", nonzero, 0, NULL},
    {"nonzero", "bigint -> bigint", nonzero, 0, NULL},
    {"to_base", "bigint, bigint -> varchar", to_base, 0, NULL},
    {"from_base", "varchar, bigint -> bigint", from_base, 0, NULL},
    {"bit_count", "bigint, bigint -> bigint", bit_count, 0, NULL},
    {"shift_left", "tinyint, bigint -> tinyint", shift_left, 0, NULL},
    {"shift_left", "smallint, bigint -> smallint", shift_left, 0, NULL},
    {"shift_left", "integer, bigint -> integer", shift_left, 0, NULL},
    {"shift_left", "bigint, bigint -> bigint", shift_left, 0, NULL},
    {"shift_right", "tinyint, bigint -> tinyint", shift_right, 0, NULL},
    {"shift_right", "smallint, bigint -> smallint", shift_right, 0, NULL},
    {"shift_right", "integer, bigint -> integer", shift_right, 0, NULL},
    {"shift_right", "bigint, bigint -> bigint", shift_right, 0, NULL},
    {"shift_right_arithmetic", "tinyint, bigint -> tinyint", shift_right_arithmetic, 0, NULL},
    {"shift_right_arithmetic", "smallint, bigint -> smallint", shift_right_arithmetic, 0, NULL},
    {"shift_right_arithmetic", "integer, bigint -> integer", shift_right_arithmetic, 0, NULL},
    {"shift_right_arithmetic", "bigint, bigint -> bigint", shift_right_arithmetic, 0, NULL},
    {"width_bucket", "double, double, double, bigint -> bigint", width_bucket, 0, NULL},
    {"width_bucket", "double, array(double) -> bigint", width_bucket_of, 0, NULL},
    {"normal_cdf", "double, double, double -> double", normal_cdf, 0, NULL},
    {"wilson_interval_lower", "bigint, bigint, double -> double", wilson_lower, 0, NULL},
    {"wilson_interval_upper", "bigint, bigint, double -> double", wilson_upper, 0, NULL},
    {0},
};
