/* Literals: what they are is checked here, so that DuckDB reads nothing that Trino would not. */
#include "sql/scope.h"

#include "sql/clock.h"
#include "sql/coerce.h"
#include "sql/resolve_type.h"
#include "sql/type_kinds.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct sql_value constant(struct sql_value value)
{
    value.constant = true;
    return value;
}

static struct sql_value text_value(struct sql_context *x, const char *text,
                                   const struct sql_type *type)
{
    return constant(sql_write(x, type, "%s::VARCHAR", sql_quoted(&x->c->arena, text, '\'')));
}

static struct sql_value integer(struct sql_context *x, const struct sql_node *node)
{
    errno = 0;
    long long number = strtoll(node->text, NULL, 10);
    if (errno)
        sql_fail(x->c, 1, 1, "SYNTAX_ERROR", "Invalid numeric literal: %s", node->text);
    bool small = number >= -2147483648LL && number <= 2147483647LL;
    /* the least bigint has no literal in DuckDB */
    const struct sql_type *type = sql_type_plain(small ? SQL_INTEGER : SQL_BIGINT);
    const char *format = number < 0 ? "CAST('%s' AS %s)" : "%s::%s";
    return constant(sql_write(x, type, format, node->text, sql_type_duckdb(&x->c->arena, type)));
}

/* Digits with at most one point and a sign, as DECIMAL counts them; false: it is none. */
static bool decimal_digits(const char *text, int *precision, int *scale)
{
    text += *text == '-' || *text == '+';
    int whole = 0, fraction = 0;
    bool any = false;
    for (; isdigit((unsigned char)*text); text++, any = true)
        whole += *text != '0' || whole;
    if (*text == '.')
        for (text++; isdigit((unsigned char)*text); text++, any = true)
            fraction++;
    *precision = whole + fraction ? whole + fraction : 1;
    *scale = fraction;
    return any && !*text && *precision <= SQL_PRECISION_MOST;
}

static bool decimal(struct sql_context *x, const char *text, struct sql_value *value)
{
    int precision, scale;
    if (!decimal_digits(text, &precision, &scale))
        return false;
    const struct sql_type *type = sql_type_sized(&x->c->arena, SQL_DECIMAL, precision, scale);
    *value = constant(sql_write(x, type, "'%s'::DECIMAL(%d,%d)", text, precision, scale));
    return true;
}

/* Java's Double.parseDouble, without its hexadecimal form. */
static bool is_double(const char *text, bool *nan)
{
    text += *text == '-' || *text == '+';
    *nan = strcmp(text, "NaN") == 0;
    if (*nan || strcmp(text, "Infinity") == 0)
        return true;
    size_t whole = strspn(text, "0123456789"), fraction = 0;
    if (text[whole] == '.')
        fraction = 1 + strspn(text + whole + 1, "0123456789");
    if (whole + (fraction ? fraction - 1 : 0) == 0)
        return false;
    text += whole + fraction;
    if (*text == 'e' || *text == 'E') {
        text += 1 + (text[1] == '-' || text[1] == '+');
        size_t digits = strspn(text, "0123456789");
        text += digits;
        if (!digits)
            return false;
    }
    return !*text;
}

static bool floating(struct sql_context *x, const char *text, enum sql_type_kind kind,
                     struct sql_value *value)
{
    bool nan;
    if (!is_double(text, &nan))
        return false;
    const struct sql_type *type = sql_type_plain(kind);
    double number = strtod(text, NULL);
    bool infinite = isinf(kind == SQL_REAL ? (double)(float)number : number);
    const char *said = nan ? "NaN" : infinite ? (number > 0 ? "Infinity" : "-Infinity") : text;
    *value = sql_write(x, type, "'%s'::%s", said, sql_type_duckdb(&x->c->arena, type));
    value->constant = !nan;
    return true;
}

static bool boolean(struct sql_context *x, const char *text, struct sql_value *value)
{
    bool truth = sql_same_word(text, "true") || sql_same_word(text, "t") || strcmp(text, "1") == 0;
    bool lie = sql_same_word(text, "false") || sql_same_word(text, "f") || strcmp(text, "0") == 0;
    *value = constant(sql_write(x, sql_type_plain(SQL_BOOLEAN), "%s", truth ? "true" : "false"));
    return truth || lie;
}

static bool whole_number(struct sql_context *x, const char *text, enum sql_type_kind kind,
                         struct sql_value *value)
{
    static const long long MOST[] = {[SQL_TINYINT] = 127,
                                     [SQL_SMALLINT] = 32767,
                                     [SQL_INTEGER] = 2147483647LL,
                                     [SQL_BIGINT] = 9223372036854775807LL};
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    const struct sql_type *type = sql_type_plain(kind);
    bool sign = *text == '-' || *text == '+';
    if (errno || *end || !isdigit((unsigned char)text[sign]) || number > MOST[kind] ||
        number < -MOST[kind] - 1)
        return false;
    *value = constant(
        sql_write(x, type, "CAST('%lld' AS %s)", number, sql_type_duckdb(&x->c->arena, type)));
    return true;
}

/* 0045-03-15 (BC) is DuckDB's -0044-03-15. */
static const char *date_text(struct sql_context *x, const struct sql_clock *clock)
{
    bool before = clock->year <= 0;
    return sql_printf(&x->c->arena, "%04ld-%02d-%02d%s", before ? 1 - clock->year : clock->year,
                      clock->month, clock->day, before ? " (BC)" : "");
}

static bool date(struct sql_context *x, const char *text, struct sql_value *value)
{
    struct sql_clock clock;
    if (!sql_clock_date(text, &clock))
        return false;
    *value = constant(sql_write(x, sql_type_plain(SQL_DATE), "DATE '%s'", date_text(x, &clock)));
    return true;
}

static void refuse_digits(struct sql_context *x, const struct sql_node *node, int digits,
                          const char *what)
{
    if (digits > 6)
        sql_fail_at(x->c, node, "NOT_SUPPORTED",
                    "%s precision of more than 6 digits is not supported", what);
}

static const char *clock_text(struct sql_context *x, const struct sql_clock *clock)
{
    return sql_printf(&x->c->arena, "%02d:%02d:%02d%s%s", clock->hour, clock->minute, clock->second,
                      clock->digits ? "." : "", clock->fraction);
}

static const char *local_text(struct sql_context *x, const struct sql_clock *clock)
{
    bool before = clock->year <= 0;
    return sql_printf(&x->c->arena, "%04ld-%02d-%02d%s %s", before ? 1 - clock->year : clock->year,
                      clock->month, clock->day, before ? " (BC)" : "", clock_text(x, clock));
}

/* +2 is +02:00, Z is UTC. */
static const char *zone_text(struct sql_context *x, const char *zone)
{
    int minutes;
    if (!sql_clock_offset(zone, &minutes))
        return strcmp(zone, "Z") == 0 || sql_same_word(zone, "utc") ? "UTC" : zone;
    if (!minutes)
        return "UTC";
    int size = minutes < 0 ? -minutes : minutes;
    return sql_printf(&x->c->arena, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

static bool timestamp(struct sql_context *x, const struct sql_node *node, struct sql_value *value)
{
    struct sql_clock clock;
    if (!sql_clock_timestamp(node->text, &clock))
        return false;
    refuse_digits(x, node, clock.digits, "TIMESTAMP");
    const char *local = local_text(x, &clock);
    if (!*clock.zone) {
        const struct sql_type *type = sql_type_sized(&x->c->arena, SQL_TIMESTAMP, clock.digits, 0);
        *value = constant(sql_write(x, type, "TIMESTAMP '%s'", local));
        return true;
    }
    if (!sql_clock_zone(zone_text(x, clock.zone)))
        return false;
    const struct sql_type *type =
        sql_type_sized(&x->c->arena, SQL_TIMESTAMP_ZONED, clock.digits, 0);
    *value = sql_write(x, type, "trino_zoned(TIMESTAMP '%s', %s)", local,
                       sql_quoted(&x->c->arena, zone_text(x, clock.zone), '\''));
    return true;
}

static bool time_of_day(struct sql_context *x, const struct sql_node *node, struct sql_value *value)
{
    struct sql_clock clock;
    int minutes = 0;
    if (!sql_clock_time(node->text, &clock))
        return false;
    refuse_digits(x, node, clock.digits, "TIME");
    const char *local = clock_text(x, &clock);
    enum sql_type_kind kind = *clock.zone ? SQL_TIME_ZONED : SQL_TIME;
    const struct sql_type *type = sql_type_sized(&x->c->arena, kind, clock.digits, 0);
    if (*clock.zone && !sql_clock_offset(clock.zone, &minutes))
        return false;
    if (*clock.zone)
        *value = sql_write(x, type, "{'clock': TIME '%s', 'shift': %d::INTEGER}", local, minutes);
    else
        *value = constant(sql_write(x, type, "TIME '%s'", local));
    return true;
}

static bool is_json(const char **at, int depth);

static void blanks(const char **at)
{
    *at += strspn(*at, " \t\r\n");
}

static bool json_string(const char **at)
{
    if (*(*at)++ != '"')
        return false;
    for (; **at && **at != '"'; (*at)++)
        if (**at == '\\' && !*++*at)
            return false;
    return *(*at)++ == '"';
}

static bool json_list(const char **at, int depth, bool object)
{
    char close = object ? '}' : ']';
    (*at)++;
    blanks(at);
    if (**at == close)
        return (*at)++ != NULL;
    for (;;) {
        blanks(at);
        if (object && !json_string(at))
            return false;
        blanks(at);
        if (object && *(*at)++ != ':')
            return false;
        if (!is_json(at, depth + 1))
            return false;
        blanks(at);
        if (**at == close)
            return (*at)++ != NULL;
        if (*(*at)++ != ',')
            return false;
    }
}

static bool is_json(const char **at, int depth)
{
    static const char *const WORDS[] = {"true", "false", "null"};
    blanks(at);
    if (depth > 200)
        return false;
    if (**at == '{' || **at == '[')
        return json_list(at, depth, **at == '{');
    if (**at == '"')
        return json_string(at);
    for (size_t i = 0; i < 3; i++)
        if (strncmp(*at, WORDS[i], strlen(WORDS[i])) == 0) {
            *at += strlen(WORDS[i]);
            return true;
        }
    char *end;
    if (**at != '-' && !isdigit((unsigned char)**at))
        return false;
    strtod(*at, &end);
    bool found = end != *at;
    *at = end;
    return found;
}

static bool json(struct sql_context *x, const char *text, struct sql_value *value)
{
    const char *at = text;
    bool good = is_json(&at, 0);
    blanks(&at);
    if (!good || *at)
        return false;
    *value = sql_write(x, sql_type_plain(SQL_JSON), "trino_json_canonical(%s)",
                       sql_quoted(&x->c->arena, text, '\''));
    return true;
}

static bool typed(struct sql_context *x, const struct sql_node *node, const struct sql_type *type,
                  struct sql_value *value)
{
    switch (type->kind) {
    case SQL_DATE:
        return date(x, node->text, value);
    case SQL_TIME:
        return time_of_day(x, node, value);
    case SQL_TIMESTAMP:
        return timestamp(x, node, value);
    case SQL_DECIMAL:
        return decimal(x, node->text, value);
    case SQL_REAL:
    case SQL_DOUBLE:
        return floating(x, node->text, type->kind, value);
    case SQL_BOOLEAN:
        return boolean(x, node->text, value);
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT:
        return whole_number(x, node->text, type->kind, value);
    case SQL_JSON:
        return json(x, node->text, value);
    case SQL_CHAR:
        type = sql_type_sized(&x->c->arena, SQL_CHAR, (int)sql_characters(node->text), 0);
        *value = text_value(x, node->text, type);
        value->text = sql_printf(&x->c->arena, "rtrim(%s, ' ')", value->text);
        return true;
    default:
        if (!sql_castable(sql_type_plain(SQL_VARCHAR), type))
            return false;
        *value = text_value(x, node->text, sql_type_plain(SQL_VARCHAR));
        *value = sql_cast(x->c, *value, type);
        return true;
    }
}

static struct sql_value typed_literal(struct sql_context *x, const struct sql_node *node)
{
    struct sql_value value;
    const char *name = sql_lower(&x->c->arena, node->more);
    const struct sql_type *type = sql_type_read(&x->c->arena, name);
    if (!type)
        sql_fail(x->c, 0, 0, "TYPE_NOT_FOUND",
                 "io.trino.spi.TrinoException: line %d:%d: Unknown resolvedType: %s", node->line,
                 node->column, node->more);
    if (!typed(x, node, type, &value)) {
        struct sql_text loud = {.arena = &x->c->arena};
        for (const char *c = name; *c; c++)
            sql_text_printf(&loud, "%c", toupper((unsigned char)*c));
        sql_fail_at(x->c, node, "INVALID_LITERAL", "'%s' is not a valid %s literal", node->text,
                    sql_text_end(&loud));
    }
    return value;
}

static struct sql_value interval(struct sql_context *x, const struct sql_node *node)
{
    bool months;
    long long amount;
    if (!sql_clock_interval(node->text, node->more, node->last, &months, &amount))
        sql_fail_at(x->c, node, "INVALID_LITERAL", "'%s' is not a valid INTERVAL literal",
                    node->text);
    amount = node->flags & NODE_NEGATIVE ? -amount : amount;
    return constant(sql_write(x, sql_type_plain(months ? SQL_INTERVAL_MONTHS : SQL_INTERVAL_DAYS),
                              "CAST('%lld' AS BIGINT)", amount));
}

/* Of a text that is described. */
static struct sql_value unknown_parameter(struct sql_context *x, const struct sql_node *node)
{
    struct sql_value value = sql_write(x, sql_type_plain(SQL_UNKNOWN), "CAST(NULL AS INTEGER)");
    value.unknown = (size_t)node->number + 1;
    return value;
}

/* A question mark is the expression that was given for it. */
static struct sql_value parameter(struct sql_context *x, const struct sql_node *node)
{
    const struct sql_catalog *catalog = x->c->catalog;
    size_t index = (size_t)node->number;
    if (x->c->wanted)
        return unknown_parameter(x, node);
    if (!catalog || index >= catalog->parameter_count)
        sql_fail_at(x->c, node, "INVALID_PARAMETER_USAGE",
                    "Incorrect number of parameters: expected %zu but found %zu", x->c->parameters,
                    catalog ? catalog->parameter_count : 0);
    size_t before = x->c->parameters;
    struct sql_node *value = sql_parse_expression_text(x->c, catalog->parameters[index]);
    if (x->c->parameters != before)
        sql_fail_at(x->c, node, "INVALID_PARAMETER_USAGE", "Parameter cannot hold a parameter");
    struct sql_scope nothing = {0};
    struct sql_context alone = {.c = x->c, .scope = &nothing};
    return sql_expression(&alone, value);
}

struct sql_value sql_literal(struct sql_context *x, struct sql_node *node)
{
    struct sql_value value = {0};
    switch (node->kind) {
    case NODE_NULL:
        return sql_write(x, sql_type_plain(SQL_UNKNOWN), "CAST(NULL AS INTEGER)");
    case NODE_BOOLEAN:
        return constant(sql_write(x, sql_type_plain(SQL_BOOLEAN), "%s", node->text));
    case NODE_INTEGER:
        return integer(x, node);
    case NODE_DECIMAL:
        if (!decimal(x, node->text, &value))
            sql_fail_at(x->c, node, "INVALID_LITERAL", "'%s' is not a valid DECIMAL literal",
                        node->text);
        return value;
    case NODE_DOUBLE:
        floating(x, node->text, SQL_DOUBLE, &value);
        return value;
    case NODE_STRING:
        return text_value(
            x, node->text,
            sql_type_sized(&x->c->arena, SQL_VARCHAR, (int)sql_characters(node->text), 0));
    case NODE_BYTES:
        return constant(sql_write(x, sql_type_plain(SQL_VARBINARY), "unhex('%s')", node->text));
    case NODE_TYPED:
        return typed_literal(x, node);
    case NODE_INTERVAL:
        return interval(x, node);
    default:
        return parameter(x, node);
    }
}
