#include "stream/prefix.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/id.h"

#define LONGEST 512 /* characters, evaluated */
/* Bytes, that what stands behind them still makes a key of at most 1,024: the longest name of a
 * stream, version, time, id and extension. */
#define MOST_BYTES ((size_t)1024 - 64 - 50 - 20 - 37 - 128 - 2)
#define RANDOM_CHARACTERS 11
#define BY_HOUR "!{timestamp:yyyy/MM/dd/HH/}"
#define ERROR_TYPE "!{firehose:error-output-type}"
#define LONGEST_TYPE "metadata-extraction-failed"
#define PARTITION_KEY "partitionKeyFromQuery:"

/* AWS's sentence, its spelling too: clients match it. */
static bool refuse(GError **error, const char *constraint)
{
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "Ths supplied prefix(es) do not satisfy the following constraint: %s",
                     constraint);
}

/* ---- timestamps ---- */

/* What a run of one pattern letter says of a time. */
struct field {
    char letter;
    size_t count;
    GDateTime *time;
};

static void append_year(GString *text, const struct field *field)
{
    int year = g_date_time_get_year(field->time);
    if (field->count == 2)
        g_string_append_printf(text, "%02d", year % 100);
    else
        g_string_append_printf(text, "%0*d", (int)field->count, year);
}

/* Of months and days: four letters are the whole name, fewer the short one. */
static void append_name(GString *text, const struct field *field, const char *const *names, int at)
{
    if (field->count < 4)
        g_string_append_len(text, names[at - 1], 3);
    else
        g_string_append(text, names[at - 1]);
}

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};
static const char *const days[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                   "Friday", "Saturday", "Sunday"};

/* The first digits of the second's fraction, of which a time has milliseconds. */
static void append_fraction(GString *text, const struct field *field)
{
    char digits[8];
    g_snprintf(digits, sizeof digits, "%06d", g_date_time_get_microsecond(field->time));
    for (size_t i = 0; i < field->count; i++)
        g_string_append_c(text, i < 6 ? digits[i] : '0');
}

/* -1: the letter is none of a number. */
static int number_of(const struct field *field)
{
    GDateTime *time = field->time;
    int hour = g_date_time_get_hour(time);
    switch (field->letter) {
    case 'M':
    case 'L':
        return g_date_time_get_month(time);
    case 'd':
        return g_date_time_get_day_of_month(time);
    case 'D':
        return g_date_time_get_day_of_year(time);
    case 'H':
        return hour;
    case 'k':
        return hour ? hour : 24;
    case 'K':
        return hour % 12;
    case 'h':
        return hour % 12 ? hour % 12 : 12;
    case 'm':
        return g_date_time_get_minute(time);
    case 's':
        return g_date_time_get_second(time);
    default:
        return -1;
    }
}

static void append_field(GString *text, const struct field *field)
{
    if (field->letter == 'y' || field->letter == 'u')
        append_year(text, field);
    else if (strchr("ML", field->letter) && field->count > 2)
        append_name(text, field, months, g_date_time_get_month(field->time));
    else if (field->letter == 'E')
        append_name(text, field, days, g_date_time_get_day_of_week(field->time));
    else if (field->letter == 'a')
        g_string_append(text, g_date_time_get_hour(field->time) < 12 ? "AM" : "PM");
    else if (field->letter == 'S')
        append_fraction(text, field);
    else
        g_string_append_printf(text, "%0*d", (int)field->count, number_of(field));
}

/* How often a letter may stand in a row, by Java's rules for those that are known here; 0: not. */
static size_t most_of(char letter)
{
    static const struct {
        const char *letters;
        size_t most;
    } rules[] = {{"yu", 10}, {"MLE", 4}, {"dHhkKms", 2}, {"D", 3}, {"a", 1}, {"S", 9}};
    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (strchr(rules[i].letters, letter))
            return rules[i].most;
    return 0;
}

/* Text in quotes: as it is, two quotes are one. The character behind it; NULL where it never ends.
 */
static const char *quoted(const char *at, const char *end, GString *text)
{
    if (at + 1 < end && at[1] == '\'') {
        g_string_append_c(text, '\'');
        return at + 2;
    }
    for (at++; at < end; at++) {
        if (*at != '\'')
            g_string_append_c(text, *at);
        else if (at + 1 < end && at[1] == '\'')
            g_string_append_c(text, *at++);
        else
            return at + 1;
    }
    return NULL;
}

static bool wrong_pattern(GError **error, const char *pattern, const char *end, const char *why)
{
    g_autofree char *whole = g_strndup(pattern, (gsize)(end - pattern));
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "The timestamp pattern '%s' %s; lathe knows the letters y u M L d D E H h k K "
                     "a m s S, and text in single quotes",
                     whole, why);
}

/* Java's patterns of times: letters in a row are a field, all else is itself. */
static bool append_time(GString *text, const char *pattern, const char *end, GDateTime *time,
                        GError **error)
{
    for (const char *at = pattern; at && at < end;) {
        if (*at == '\'') {
            at = quoted(at, end, text);
            if (!at)
                return wrong_pattern(error, pattern, end, "has a quote that never ends");
        } else if (strchr("[]#{", *at)) {
            return wrong_pattern(error, pattern, end, "has one of [ ] # {, which are reserved");
        } else if (!g_ascii_isalpha(*at)) {
            g_string_append_c(text, *at++);
        } else {
            struct field field = {*at, 0, time};
            while (at < end && *at == field.letter) {
                field.count++;
                at++;
            }
            if (field.count > most_of(field.letter))
                return wrong_pattern(error, pattern, end,
                                     most_of(field.letter) ? "repeats a letter too often"
                                                           : "has a letter that is not supported");
            append_field(text, &field);
        }
    }
    return true;
}

/* ---- expressions ---- */

static bool begins(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) >= strlen(word) && strncmp(at, word, strlen(word)) == 0;
}

static bool is(const char *at, const char *end, const char *word)
{
    return (size_t)(end - at) == strlen(word) && begins(at, end, word);
}

/* What expressions stand for. */
struct meaning {
    GDateTime *time;
    const char *error_type;
    bool partitioned;   /* records have partition keys */
    const json_t *keys; /* theirs; NULL: not known yet */
};

static bool append_key(GString *text, const char *name, const struct meaning *meaning,
                       GError **error)
{
    if (!meaning->partitioned)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "The prefix has the expression !{" PARTITION_KEY
                         "%s}: partition keys need "
                         "dynamic partitioning, and are for Prefix alone",
                         name);
    if (!*name)
        return refuse(error, "!{" PARTITION_KEY "} has to name a key");
    const char *value = json_string_value(json_object_get(meaning->keys, name));
    if (meaning->keys && !value)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "the query's result has no partition key %s", name);
    g_string_append(text, value ? value : "");
    return true;
}

/* The text between !{ and }. */
static bool append_expression(GString *text, const char *at, const char *end,
                              const struct meaning *meaning, GError **error)
{
    if (begins(at, end, "timestamp:"))
        return append_time(text, at + strlen("timestamp:"), end, meaning->time, error);
    if (is(at, end, "firehose:random-string")) {
        g_autofree char *word = id_word(RANDOM_CHARACTERS);
        g_string_append(text, word);
        return true;
    }
    if (is(at, end, "firehose:error-output-type")) {
        g_string_append(text, meaning->error_type);
        return true;
    }
    g_autofree char *whole = g_strndup(at, (gsize)(end - at));
    if (g_str_has_prefix(whole, PARTITION_KEY))
        return append_key(text, whole + strlen(PARTITION_KEY), meaning, error);
    const char *why = g_str_has_prefix(whole, "partitionKeyFromLambda:")
                          ? "there are no functions here; " PARTITION_KEY "<name> takes keys from "
                            "a query"
                          : "there are timestamp:<pattern>, firehose:random-string, "
                            "firehose:error-output-type and " PARTITION_KEY "<name>";
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "The prefix has the expression !{%s}: %s", whole, why);
}

static char *evaluate(const char *prefix, const struct meaning *meaning, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    while (*prefix) {
        if (!begins(prefix, prefix + strlen(prefix), "!{")) {
            g_string_append_c(text, *prefix++);
            continue;
        }
        const char *end = strchr(prefix, '}');
        if (!end) {
            refuse(error, "The sequence \"!{\" can only appear in !{namespace:value} expressions");
            return NULL;
        }
        if (!append_expression(text, prefix + 2, end, meaning, error))
            return NULL;
        prefix = end + 1;
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool has_expressions(const char *prefix)
{
    return prefix && strstr(prefix, "!{");
}

static GDateTime *time_in(double time, GTimeZone *zone)
{
    g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc((gint64)time);
    g_autoptr(GDateTime) whole = g_date_time_to_timezone(utc, zone);
    double fraction = time - (double)(gint64)time;
    return g_date_time_add(whole, (GTimeSpan)(fraction * 1e6 + 0.5));
}

static bool check_length(const char *text, const char *name, GError **error)
{
    if (g_utf8_strlen(text, -1) > LONGEST)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "%s has %ld characters when it is evaluated; at most %d are allowed", name,
                         g_utf8_strlen(text, -1), LONGEST);
    return strlen(text) <= MOST_BYTES ||
           error_set(
               error, ERROR_INVALID_ARGUMENT_EXCEPTION,
               "%s has %zu bytes when it is evaluated; at most %zu leave room for the rest of "
               "an object's key",
               name, strlen(text), MOST_BYTES);
}

char *prefix_evaluate(const char *prefix, const json_t *keys, double time, GTimeZone *zone,
                      GError **error)
{
    g_autofree char *whole = has_expressions(prefix)
                                 ? g_strdup(prefix)
                                 : g_strconcat(prefix ? prefix : "", BY_HOUR, NULL);
    g_autoptr(GDateTime) at = time_in(time, zone);
    struct meaning meaning = {.time = at, .partitioned = keys != NULL, .keys = keys};
    g_autofree char *text = evaluate(whole, &meaning, error);
    return text && check_length(text, "Prefix", error) ? g_steal_pointer(&text) : NULL;
}

char *prefix_evaluate_error(const char *prefix, const char *type, double time, GTimeZone *zone)
{
    g_autofree char *whole =
        has_expressions(prefix) ? g_strdup(prefix)
                                : g_strconcat(prefix ? prefix : "", ERROR_TYPE, "/", BY_HOUR, NULL);
    g_autoptr(GDateTime) at = time_in(time, zone);
    struct meaning meaning = {.time = at, .error_type = type};
    return evaluate(whole, &meaning, NULL);
}

static bool check_one(const char *prefix, const char *name, bool partitioned, GError **error)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    struct meaning meaning = {.time = now, .error_type = LONGEST_TYPE, .partitioned = partitioned};
    g_autofree char *text = evaluate(prefix ? prefix : "", &meaning, error);
    return text && check_length(text, name, error);
}

bool prefix_check(const char *prefix, const char *error_prefix, bool partitioned, GError **error)
{
    if ((has_expressions(prefix) || partitioned) && (!error_prefix || !*error_prefix))
        return refuse(error, "ErrorOutputPrefix cannot be null or empty when Prefix contains "
                             "expressions");
    if (prefix && strstr(prefix, ERROR_TYPE))
        return refuse(error, "Prefix cannot contain " ERROR_TYPE);
    if (has_expressions(error_prefix) && !strstr(error_prefix, ERROR_TYPE))
        return refuse(error, "ErrorOutputPrefix must contain at least one instance of " ERROR_TYPE
                             " when it contains expressions");
    if (partitioned && !(prefix && strstr(prefix, "!{" PARTITION_KEY)))
        return refuse(error, "Prefix must contain at least one !{" PARTITION_KEY "<name>} when "
                             "dynamic partitioning is enabled");
    return check_one(prefix, "Prefix", partitioned, error) &&
           check_one(error_prefix, "ErrorOutputPrefix", false, error);
}

GTimeZone *prefix_zone(const char *name, GError **error)
{
    if (!name || !*name)
        return g_time_zone_new_utc();
    GTimeZone *zone = g_time_zone_new_identifier(name);
    if (!zone)
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "CustomTimeZone %s is none that this machine knows; one is named as in IANA's "
                  "database, for example Europe/Berlin",
                  name);
    return zone;
}
