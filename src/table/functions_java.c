/* format and format_number, as Java's Formatter and DecimalFormat write. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "table/functions.h"
#include "table/moment.h"

/* ---- format ---- */

struct directive {
    const char *start;
    size_t size;
    int64_t argument; /* from 0; -1: the next, -2: the last one again */
    bool left, zeros, plus, blank, groups, parentheses;
    int width, precision; /* -1: not said */
    char conversion, of_time;
};

static bool take_number(const char **at, const char *end, int *number)
{
    const char *start = *at;
    for (*number = 0; *at < end && g_ascii_isdigit(**at) && *at - start < 6; ++*at)
        *number = *number * 10 + (**at - '0');
    return *at > start;
}

/* The argument's number before a dollar, or the last one's sign. */
static void take_argument(const char **at, const char *end, struct directive *directive)
{
    const char *from = *at;
    int number;
    directive->argument = -1;
    if (*at < end && **at == '<') {
        ++*at;
        directive->argument = -2;
    } else if (take_number(&from, end, &number) && from < end && *from == '$') {
        *at = from + 1;
        directive->argument = number - 1;
    }
}

static void take_flags(const char **at, const char *end, struct directive *directive)
{
    for (; *at < end && **at && strchr("-0+ ,(#<", **at); ++*at)
        switch (**at) {
        case '-':
            directive->left = true;
            break;
        case '0':
            directive->zeros = true;
            break;
        case '+':
            directive->plus = true;
            break;
        case ' ':
            directive->blank = true;
            break;
        case ',':
            directive->groups = true;
            break;
        case '(':
            directive->parentheses = true;
            break;
        case '<':
            directive->argument = -2;
            break;
        }
}

/* What stands behind a percent sign. */
static bool take_directive(const char **at, const char *end, struct directive *directive)
{
    *directive = (struct directive){.start = *at - 1, .width = -1, .precision = -1};
    take_argument(at, end, directive);
    take_flags(at, end, directive);
    if (!take_number(at, end, &directive->width))
        directive->width = -1;
    if (*at < end && **at == '.') {
        ++*at;
        if (!take_number(at, end, &directive->precision))
            return false;
    }
    if (*at == end)
        return false;
    directive->conversion = *(*at)++;
    if (directive->conversion == 't' || directive->conversion == 'T') {
        if (*at == end)
            return false;
        directive->of_time = *(*at)++;
    }
    directive->size = (size_t)(*at - directive->start);
    return true;
}

static bool fail_format(struct function_call *call, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool fail_format(struct function_call *call, const char *format, ...)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *why = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return call_fail(call, INVALID_ARGUMENT, "Invalid format string: %.*s (%s)", (int)size, text,
                     why);
}

static const char *class_of(const struct value_view *view)
{
    switch (view->kind) {
    case DUCKDB_BOOLEAN:
        return "java.lang.Boolean";
    case DUCKDB_VARCHAR:
        return "java.lang.String";
    case DUCKDB_FLOAT:
    case DUCKDB_DOUBLE:
        return "java.lang.Double";
    case DUCKDB_DATE:
        return "java.time.LocalDate";
    case DUCKDB_TIMESTAMP:
        return "java.time.LocalDateTime";
    default:
        return view->scale ? "java.math.BigDecimal" : "java.lang.Long";
    }
}

static bool fail_conversion(struct function_call *call, const struct directive *directive,
                            const struct value_view *view)
{
    return fail_format(call, "IllegalFormatConversion: %c != %s", directive->conversion,
                       class_of(view));
}

static void put_padded(GString *out, const struct directive *directive, const GString *text)
{
    int64_t missing = directive->width - g_utf8_strlen(text->str, (gssize)text->len);
    for (int64_t i = 0; !directive->left && i < missing; i++)
        g_string_append_c(out, ' ');
    g_string_append_len(out, text->str, (gssize)text->len);
    for (int64_t i = 0; directive->left && i < missing; i++)
        g_string_append_c(out, ' ');
}

/* A sign, digits that may be grouped, and zeros before them up to the width. */
static void put_number(GString *out, const struct directive *directive, const char *digits,
                       bool negative)
{
    g_autoptr(GString) body = g_string_new(NULL);
    size_t whole = strcspn(digits, ".e");
    for (size_t i = 0; i < whole; i++) {
        g_string_append_c(body, digits[i]);
        if (directive->groups && (whole - i) % 3 == 1 && whole - i > 3)
            g_string_append_c(body, ',');
    }
    g_string_append(body, digits + whole);
    const char *sign = negative           ? directive->parentheses ? "(" : "-"
                       : directive->plus  ? "+"
                       : directive->blank ? " "
                                          : "";
    bool closes = negative && directive->parentheses;
    int64_t used = (int64_t)(strlen(sign) + body->len + closes);
    for (; directive->zeros && used < directive->width; used++)
        g_string_prepend_c(body, '0');
    g_string_prepend(body, sign);
    g_string_append(body, closes ? ")" : "");
    put_padded(out, directive, body);
}

static bool is_whole(const struct value_view *view)
{
    return (view->kind >= DUCKDB_TINYINT && view->kind <= DUCKDB_UBIGINT && !view->scale) ||
           (view->kind == DUCKDB_HUGEINT && !view->scale);
}

static bool put_whole(struct function_call *call, GString *out, const struct directive *directive,
                      const struct value_view *view)
{
    if (!is_whole(view))
        return fail_conversion(call, directive, view);
    if (directive->precision >= 0)
        return fail_format(call, "IllegalFormatPrecision: %d", directive->precision);
    g_autoptr(GString) digits = g_string_new(NULL);
    value_wide value = value_integer(view, call->row);
    value_put_decimal(digits, value < 0 ? -value : value, 0);
    put_number(out, directive, digits->str, value < 0);
    return true;
}

static bool put_hexadecimal(struct function_call *call, GString *out,
                            const struct directive *directive, const struct value_view *view)
{
    if (!is_whole(view))
        return fail_conversion(call, directive, view);
    g_autoptr(GString) digits = g_string_new(NULL);
    uint64_t value = (uint64_t)value_integer(view, call->row);
    if (directive->conversion == 'o')
        g_string_append_printf(digits, "%" G_GINT64_MODIFIER "o", value);
    else if (directive->conversion == 'X')
        g_string_append_printf(digits, "%" G_GINT64_MODIFIER "X", value);
    else
        g_string_append_printf(digits, "%" G_GINT64_MODIFIER "x", value);
    put_number(out, directive, digits->str, false);
    return true;
}

/* So many decimals of a decimal's digits, half up. */
static void put_decimals(GString *digits, value_wide value, int scale, int wanted)
{
    for (; scale > wanted; scale--) {
        bool up = scale == wanted + 1 && value % 10 >= 5;
        value = value / 10 + up;
    }
    value_put_decimal(digits, value, scale);
    if (!scale && wanted)
        g_string_append_c(digits, '.');
    for (; scale < wanted; scale++)
        g_string_append_c(digits, '0');
}

/* A double's own shortest digits are what Java rounds, half up. */
static void put_double_decimals(GString *digits, double value, int wanted)
{
    struct duckdb_huge huge;
    g_autoptr(GString) plain = g_string_new(NULL);
    value_put_double(plain, value);
    if (wanted <= 17 && value < 1e18 && read_decimal(plain->str, plain->len, 38, wanted, &huge)) {
        __extension__ typedef unsigned __int128 bits;
        value_put_decimal(digits, (value_wide)((bits)(uint64_t)huge.upper << 64 | huge.lower),
                          wanted);
    } else {
        g_string_append_printf(digits, "%.*f", wanted, value);
    }
}

static bool put_fixed(struct function_call *call, GString *out, const struct directive *directive,
                      const struct value_view *view)
{
    int wanted = directive->precision < 0 ? 6 : directive->precision;
    bool floating = view->kind == DUCKDB_DOUBLE || view->kind == DUCKDB_FLOAT;
    g_autoptr(GString) digits = g_string_new(NULL);
    if (!floating && !view->scale)
        return fail_conversion(call, directive, view);
    if (!floating) {
        value_wide value = value_integer(view, call->row);
        put_decimals(digits, value < 0 ? -value : value, view->scale, wanted);
        put_number(out, directive, digits->str, value < 0);
        return true;
    }
    double value = value_double(view, call->row);
    if (!isfinite(value)) {
        value_put_double(digits, value);
        put_padded(out, directive, digits);
        return true;
    }
    put_double_decimals(digits, fabs(value), wanted);
    put_number(out, directive, digits->str, signbit(value));
    return true;
}

static bool put_exponent(struct function_call *call, GString *out,
                         const struct directive *directive, const struct value_view *view)
{
    if (view->kind != DUCKDB_DOUBLE && view->kind != DUCKDB_FLOAT)
        return fail_conversion(call, directive, view);
    double value = value_double(view, call->row);
    char digits[400];
    g_snprintf(digits, sizeof digits, "%.*e", directive->precision < 0 ? 6 : directive->precision,
               fabs(value));
    put_number(out, directive, digits, signbit(value));
    return true;
}

static void put_plain(GString *text, const struct value_view *view, uint64_t row)
{
    size_t size;
    const char *bytes;
    switch (view->kind) {
    case DUCKDB_VARCHAR:
        bytes = value_bytes(view, row, &size);
        g_string_append_len(text, bytes, (gssize)size);
        break;
    case DUCKDB_BOOLEAN:
        g_string_append(text, value_integer(view, row) ? "true" : "false");
        break;
    case DUCKDB_DOUBLE:
        value_put_double(text, value_double(view, row));
        break;
    case DUCKDB_FLOAT:
        value_put_float(text, (float)value_double(view, row));
        break;
    case DUCKDB_DATE:
        moment_put_date(text, (int64_t)value_integer(view, row));
        break;
    default:
        value_put_decimal(text, value_integer(view, row), view->scale);
    }
}

static bool put_text(struct function_call *call, GString *out, const struct directive *directive,
                     const struct value_view *view)
{
    g_autoptr(GString) text = g_string_new(NULL);
    if (view->kind == DUCKDB_TIMESTAMP || view->kind == DUCKDB_STRUCT ||
        view->kind == DUCKDB_LIST || view->kind == DUCKDB_MAP || view->kind == DUCKDB_TIME)
        return call_fail(call, "NOT_SUPPORTED", "format of values of this type as text");
    put_plain(text, view, call->row);
    if (directive->precision >= 0)
        g_string_truncate(text,
                          (gsize)(g_utf8_offset_to_pointer(
                                      text->str, MIN(directive->precision,
                                                     g_utf8_strlen(text->str, (gssize)text->len))) -
                                  text->str));
    if (directive->conversion == 'S') {
        g_autofree char *upper = g_utf8_strup(text->str, (gssize)text->len);
        g_string_assign(text, upper);
    }
    put_padded(out, directive, text);
    return true;
}

static bool put_moment(struct function_call *call, GString *out, const struct directive *directive,
                       const struct value_view *view)
{
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                       "Friday", "Saturday", "Sunday"};
    if (view->kind != DUCKDB_DATE && view->kind != DUCKDB_TIMESTAMP)
        return fail_conversion(call, directive, view);
    int64_t micros = (int64_t)value_integer(view, call->row), year;
    micros *= view->kind == DUCKDB_DATE ? MOMENT_DAY : 1;
    int64_t whole = moment_floor(micros, MOMENT_DAY), clock = micros - whole * MOMENT_DAY;
    int month, day, hour = (int)(clock / (3600 * MOMENT_SECOND));
    moment_civil(whole, &year, &month, &day);
    g_autoptr(GString) text = g_string_new(NULL);
    switch (directive->of_time) {
    case 'Y':
        g_string_append_printf(text, "%04d", (int)year);
        break;
    case 'y':
        g_string_append_printf(text, "%02d", (int)(year % 100));
        break;
    case 'm':
        g_string_append_printf(text, "%02d", month);
        break;
    case 'd':
        g_string_append_printf(text, "%02d", day);
        break;
    case 'e':
        g_string_append_printf(text, "%d", day);
        break;
    case 'B':
        g_string_append(text, months[month - 1]);
        break;
    case 'b':
    case 'h':
        g_string_append_len(text, months[month - 1], 3);
        break;
    case 'A':
        g_string_append(text, days[moment_weekday(whole) - 1]);
        break;
    case 'a':
        g_string_append_len(text, days[moment_weekday(whole) - 1], 3);
        break;
    case 'j':
        g_string_append_printf(text, "%03d", (int)(whole - moment_days(year, 1, 1) + 1));
        break;
    case 'F':
        moment_put_date(text, whole);
        break;
    case 'H':
        g_string_append_printf(text, "%02d", hour);
        break;
    case 'M':
        g_string_append_printf(text, "%02d", (int)(clock / (60 * MOMENT_SECOND) % 60));
        break;
    case 'S':
        g_string_append_printf(text, "%02d", (int)(clock / MOMENT_SECOND % 60));
        break;
    case 'T':
        moment_put_time(text, clock, 0);
        break;
    default:
        return fail_format(call, "UnknownFormatConversion: Conversion = 't%c'", directive->of_time);
    }
    put_padded(out, directive, text);
    return true;
}

static bool put_truth(struct function_call *call, GString *out, const struct directive *directive,
                      const struct value_view *view)
{
    bool truth = view->kind != DUCKDB_BOOLEAN || value_integer(view, call->row);
    g_autoptr(GString) text = g_string_new(truth ? "true" : "false");
    put_padded(out, directive, text);
    return true;
}

static bool put_value(struct function_call *call, GString *out, const struct directive *directive,
                      const struct value_view *view)
{
    if (value_is_null(view, call->row)) {
        g_autoptr(GString) null = g_string_new("null");
        put_padded(out, directive, null);
        return true;
    }
    switch (directive->conversion) {
    case 's':
    case 'S':
        return put_text(call, out, directive, view);
    case 'd':
        return put_whole(call, out, directive, view);
    case 'x':
    case 'X':
    case 'o':
        return put_hexadecimal(call, out, directive, view);
    case 'f':
        return put_fixed(call, out, directive, view);
    case 'e':
    case 'E':
        return put_exponent(call, out, directive, view);
    case 'b':
        return put_truth(call, out, directive, view);
    case 't':
        return put_moment(call, out, directive, view);
    default:
        return fail_format(call, "UnknownFormatConversion: Conversion = '%c'",
                           directive->conversion);
    }
}

static bool put_directive(struct function_call *call, const struct directive *directive,
                          int64_t *next, int64_t *last)
{
    if (directive->conversion == '%' || directive->conversion == 'n') {
        g_string_append_c(call->text, directive->conversion == 'n' ? '\n' : '%');
        return true;
    }
    int64_t argument = directive->argument == -2   ? *last
                       : directive->argument == -1 ? (*next)++
                                                   : directive->argument;
    *last = argument;
    if (argument < 0 || argument + 1 >= (int64_t)call->count)
        return fail_format(call, "MissingFormatArgument: Format specifier '%.*s'",
                           (int)directive->size, directive->start);
    return put_value(call, call->text, directive, &call->arguments[argument + 1]);
}

static bool format(struct function_call *call)
{
    size_t size;
    if (call_is_null(call, 0))
        return give_null(call);
    const char *at = call_text(call, 0, &size), *end = at + size;
    int64_t next = 0, last = -1;
    while (at < end) {
        struct directive directive;
        if (*at != '%') {
            g_string_append_c(call->text, *at++);
            continue;
        }
        at++;
        if (!take_directive(&at, end, &directive))
            return fail_format(call, "UnknownFormatConversion: Conversion = '%%'");
        if (!put_directive(call, &directive, &next, &last))
            return false;
    }
    return give_made(call);
}

/* ---- format_number: 1.23M ---- */

static bool format_number(struct function_call *call)
{
    static const char *const units[] = {"", "K", "M", "B", "T", "Q"};
    double value = call_double(call, 0), left = fabs(value);
    size_t unit = 0;
    for (; left >= 1000 && unit + 1 < G_N_ELEMENTS(units); unit++)
        left /= 1000;
    char digits[64];
    g_snprintf(digits, sizeof digits, "%.*f", left < 10 ? 2 : left < 100 ? 1 : 0, left);
    size_t size = strlen(digits);
    while (strchr(digits, '.') && (digits[size - 1] == '0' || digits[size - 1] == '.')) {
        bool point = digits[size - 1] == '.';
        digits[--size] = 0;
        if (point)
            break;
    }
    g_string_append_printf(call->text, "%s%s%s", value < 0 ? "-" : "", digits, units[unit]);
    return give_made(call);
}

const struct function functions_java[] = {
    {"format", "varchar, any... -> varchar", format, FUNCTION_TAKES_NULL, NULL},
    {"format_number", "bigint -> varchar", format_number, 0, NULL},
    {"format_number", "double -> varchar", format_number, 0, NULL},
    {0},
};
