/* Lists, maps of numbers, and what is said in units. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table/functions.h"

/* ---- places in lists ---- */

static bool any(struct function_call *call)
{
    uint64_t first, count;
    const struct value_view *list = call_list(call, 0, &first, &count);
    bool unknown = false;
    for (uint64_t i = first; i < first + count; i++) {
        if (value_is_null(list, i))
            unknown = true;
        else if (value_integer(list, i))
            return give_truth(call, true);
    }
    return unknown ? give_null(call) : give_truth(call, false);
}

/* ---- lists to texts ---- */

struct typed {
    struct arena arena;
    char *text;
    const struct sql_type *type;
};

/* ---- doubles that may be NaN: it counts only where there is nothing else ---- */

/* ---- functions that DuckDB has with errors where Trino has NaN ---- */

static bool root(struct function_call *call)
{
    return give_double(call, sqrt(call_double(call, 0)));
}

static bool cube_root(struct function_call *call)
{
    return give_double(call, (double)cbrtl((long double)call_double(call, 0)));
}

static bool natural_log(struct function_call *call)
{
    return give_double(call, log(call_double(call, 0)));
}

static bool binary_log(struct function_call *call)
{
    return give_double(call, log(call_double(call, 0)) / log(2.0));
}

static bool decimal_log(struct function_call *call)
{
    return give_double(call, log10(call_double(call, 0)));
}

static bool arc_sine(struct function_call *call)
{
    return give_double(call, asin(call_double(call, 0)));
}

static bool arc_cosine(struct function_call *call)
{
    return give_double(call, acos(call_double(call, 0)));
}

/* The mean where p is a half; else by bisection of the error function, to the last bit. */
static bool inverse_normal_cdf(struct function_call *call)
{
    double mean = call_double(call, 0), deviation = call_double(call, 1), p = call_double(call, 2);
    if (!(p > 0 && p < 1))
        return call_fail(call, INVALID_ARGUMENT, "p must be in the interval (0, 1)");
    if (!(deviation > 0))
        return call_fail(call, INVALID_ARGUMENT, "standardDeviation must be > 0");
    double low = -40, high = 40;
    for (int i = 0; i < 200; i++) {
        double middle = (low + high) / 2;
        if (0.5 * erfc(-middle / sqrt(2.0)) < p)
            low = middle;
        else
            high = middle;
    }
    return give_double(call, p == 0.5 ? mean : mean + deviation * (low + high) / 2);
}

static double value_for(const struct value_view *pair, const struct duckdb_list_entry *entry,
                        const char *key, size_t size)
{
    for (uint64_t i = entry->offset; i < entry->offset + entry->length; i++) {
        size_t other_size;
        const char *other = value_bytes(&pair->children[0], i, &other_size);
        if (other_size == size && memcmp(other, key, size) == 0)
            return value_double(&pair->children[1], i);
    }
    return 0;
}

static bool cosine_similarity(struct function_call *call)
{
    const struct duckdb_list_entry *entries[2];
    const struct value_view *pairs[2];
    double norms[2] = {0, 0}, product = 0;
    for (int side = 0; side < 2; side++) {
        const struct value_view *view = &call->arguments[side];
        entries[side] = (const struct duckdb_list_entry *)view->data + call->row;
        pairs[side] = &view->children[0];
        for (uint64_t i = 0; i < entries[side]->length; i++) {
            uint64_t row = entries[side]->offset + i;
            if (value_is_null(&pairs[side]->children[1], row))
                return give_null(call);
            double value = value_double(&pairs[side]->children[1], row);
            norms[side] += value * value;
        }
    }
    for (uint64_t i = entries[0]->offset; i < entries[0]->offset + entries[0]->length; i++) {
        size_t size;
        const char *key = value_bytes(&pairs[0]->children[0], i, &size);
        product +=
            value_double(&pairs[0]->children[1], i) * value_for(pairs[1], entries[1], key, size);
    }
    return give_double(call, product / (sqrt(norms[0]) * sqrt(norms[1])));
}

/* ---- units ---- */

static bool unit_of(const char *const *names, size_t count, const char *unit, size_t *place)
{
    for (*place = 0; *place < count; ++*place)
        if (g_strcmp0(names[*place], unit) == 0)
            return true;
    return false;
}

/* A number with its unit behind it, or an error. */
static bool amount(struct function_call *call, const char *what, double *number, char **unit)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    g_autofree char *terminated = g_strndup(text, size);
    char *end;
    *number = g_ascii_strtod(terminated, &end);
    if (end == terminated)
        return call_fail(call, INVALID_ARGUMENT, "%s: '%s'", what, terminated);
    *unit = g_strdup(g_strstrip(end));
    return true;
}

static bool parse_duration(struct function_call *call)
{
    static const char *const names[] = {"ns", "us", "ms", "s", "m", "h", "d"};
    static const double millis[] = {1e-6, 1e-3, 1, 1e3, 6e4, 3.6e6, 8.64e7};
    double number;
    size_t place;
    g_autofree char *unit = NULL;
    if (!amount(call, "duration is not a valid data duration string", &number, &unit))
        return false;
    if (!unit_of(names, G_N_ELEMENTS(names), unit, &place))
        return call_fail(call, INVALID_ARGUMENT, "Unknown time unit: %s", unit);
    return give_integer(call, llround(number * millis[place]));
}

static bool parse_data_size(struct function_call *call)
{
    static const char *const names[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
    double number;
    size_t place;
    g_autofree char *unit = NULL;
    if (!amount(call, "Invalid data size", &number, &unit))
        return false;
    if (!unit_of(names, G_N_ELEMENTS(names), unit, &place))
        return call_fail(call, INVALID_ARGUMENT, "Invalid data size: '%s'", unit);
    g_string_append_printf(call->text, "%.0f", floor(number * pow(1024, (double)place)));
    return give_made(call);
}

const struct function functions_format[] = {
    {"any", "array(boolean) -> boolean", any, 0, NULL},
    {"sqrt", "double -> double", root, 0, NULL},
    {"cbrt", "double -> double", cube_root, 0, NULL},
    {"ln", "double -> double", natural_log, 0, NULL},
    {"log2", "double -> double", binary_log, 0, NULL},
    {"log10", "double -> double", decimal_log, 0, NULL},
    {"asin", "double -> double", arc_sine, 0, NULL},
    {"acos", "double -> double", arc_cosine, 0, NULL},
    {"inverse_normal_cdf", "double, double, double -> double", inverse_normal_cdf, 0, NULL},
    {"cosine_similarity", "map(varchar, double), map(varchar, double) -> double", cosine_similarity,
     0, NULL},
    {"parse_duration", "varchar -> bigint", parse_duration, 0, NULL},
    {"parse_data_size", "varchar -> varchar", parse_data_size, 0, NULL},
    {0},
};
