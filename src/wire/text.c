#include "wire/text.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

static json_t *decode_integer(const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    bool whole = *text && !g_ascii_isspace(*text) && !*end && !errno;
    return whole ? json_integer(number) : json_string(text);
}

static json_t *decode_double(const char *text)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    bool whole = *text && !g_ascii_isspace(*text) && !*end && isfinite(number);
    return whole ? json_real(number) : json_string(text);
}

static json_t *decode_boolean(const char *text)
{
    if (g_ascii_strcasecmp(text, "true") == 0)
        return json_true();
    return g_ascii_strcasecmp(text, "false") == 0 ? json_false() : json_string(text);
}

json_t *text_decode(const struct shape *shape, const char *text)
{
    double time;
    switch (shape->type) {
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        return decode_integer(text);
    case SHAPE_FLOAT:
    case SHAPE_DOUBLE:
        return decode_double(text);
    case SHAPE_BOOLEAN:
        return decode_boolean(text);
    case SHAPE_TIMESTAMP:
        return clock_parse(text, &time) && isfinite(time) ? json_real(time) : json_string(text);
    default:
        return json_string(text);
    }
}

char *text_encode(const struct shape_member *member, const json_t *value, enum member_time time)
{
    if (member->shape->type == SHAPE_TIMESTAMP && json_is_number(value)) {
        switch (member->time != TIME_DEFAULT ? member->time : time) {
        case TIME_HTTP:
            return clock_http(json_number_value(value));
        case TIME_EPOCH:
            return g_strdup_printf("%.0f", json_number_value(value));
        default:
            return clock_iso(json_number_value(value));
        }
    }
    if (json_is_string(value))
        return g_strndup(json_string_value(value), json_string_length(value));
    return json_text_of(value);
}
