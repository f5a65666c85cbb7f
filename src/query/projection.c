/* Partition projection: which partitions a table has is said by its properties, "projection.*",
 * and where they lie by "storage.location.template". */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "catalog/catalog.h"
#include "query/places.h"

#define MOST_PLACES 1000000

bool projection_is(const json_t *table)
{
    const char *enabled = json_string_value(
        json_object_get(json_object_get(table, "Parameters"), "projection.enabled"));
    return enabled && g_ascii_strcasecmp(enabled, "true") == 0;
}

/* ---- a key's properties ---- */

static const char *property(const json_t *table, const char *key, const char *name)
{
    g_autofree char *full = g_strdup_printf("projection.%s.%s", key, name);
    return json_string_value(json_object_get(json_object_get(table, "Parameters"), full));
}

static bool fail(const char *key, const char *what, GError **error)
{
    return error_set(error, ERROR_INVALID_REQUEST,
                     "INVALID_TABLE_PROPERTY: Column projection for column '%s' failed. %s", key,
                     what);
}

static void add(GPtrArray *values, char *value)
{
    g_ptr_array_add(values, value);
}

static bool enum_values(const json_t *table, const char *key, GPtrArray *values, GError **error)
{
    const char *listed = property(table, key, "values");
    if (!listed)
        return fail(key, "Its property 'values' is missing", error);
    g_auto(GStrv) each = g_strsplit(listed, ",", -1);
    for (size_t i = 0; each[i]; i++)
        add(values, g_strdup(g_strstrip(each[i])));
    return true;
}

/* "a,b" */
static bool range_of(const json_t *table, const char *key, char **from, char **to, GError **error)
{
    const char *range = property(table, key, "range");
    g_auto(GStrv) ends = g_strsplit(range ? range : "", ",", -1);
    if (g_strv_length(ends) != 2) {
        fail(key, "Its property 'range' has to be two values with a comma between", error);
        return false;
    }
    *from = g_strdup(g_strstrip(ends[0]));
    *to = g_strdup(g_strstrip(ends[1]));
    return true;
}

static gint64 whole_property(const json_t *table, const char *key, const char *name,
                             gint64 fallback)
{
    const char *text = property(table, key, name);
    gint64 value = fallback;
    if (text)
        g_ascii_string_to_signed(text, 10, 1, G_MAXINT32, &value, NULL);
    return value;
}

static bool integer_values(const json_t *table, const char *key, GPtrArray *values, GError **error)
{
    g_autofree char *from = NULL, *to = NULL;
    gint64 first, last, step = whole_property(table, key, "interval", 1);
    int digits = (int)whole_property(table, key, "digits", 0);
    if (!range_of(table, key, &from, &to, error))
        return false;
    if (!g_ascii_string_to_signed(from, 10, G_MININT64 / 4, G_MAXINT64 / 4, &first, NULL) ||
        !g_ascii_string_to_signed(to, 10, G_MININT64 / 4, G_MAXINT64 / 4, &last, NULL))
        return fail(key, "Its property 'range' has to be two whole numbers", error);
    if ((last - first) / step >= MOST_PLACES)
        return fail(key, "Its range has more than 1,000,000 values", error);
    for (gint64 value = first; value <= last; value += step)
        add(values, g_strdup_printf("%0*" G_GINT64_FORMAT, digits, value));
    return true;
}

/* ---- dates ---- */

/* Java's letters of a date into strftime's; NULL where one is not known. */
static char *date_format(const char *java)
{
    static const struct {
        const char *letters, *format;
    } words[] = {{"yyyy", "%Y"}, {"MM", "%m"}, {"dd", "%d"},
                 {"HH", "%H"},   {"mm", "%M"}, {"ss", "%S"}};
    GString *format = g_string_new(NULL);
    while (*java) {
        size_t i = 0;
        while (i < G_N_ELEMENTS(words) && !g_str_has_prefix(java, words[i].letters))
            i++;
        if (i < G_N_ELEMENTS(words)) {
            g_string_append(format, words[i].format);
            java += strlen(words[i].letters);
        } else if (*java == '\'') {
            const char *end = strchr(java + 1, '\'');
            g_string_append_len(format, java + 1, end ? end - java - 1 : 0);
            java = end ? end + 1 : java + 1;
        } else if (g_ascii_isalpha(*java)) {
            g_string_free(format, TRUE);
            return NULL;
        } else {
            g_string_append_c(format, *java++);
        }
    }
    return g_string_free(format, FALSE);
}

static const struct unit {
    const char *name, *letter; /* ChronoUnit's; the last that a format has */
    int years, months, days, hours, minutes, seconds;
} units[] = {
    {"SECONDS", "ss", 0, 0, 0, 0, 0, 1}, {"MINUTES", "mm", 0, 0, 0, 0, 1, 0},
    {"HOURS", "HH", 0, 0, 0, 1, 0, 0},   {"DAYS", "dd", 0, 0, 1, 0, 0, 0},
    {"WEEKS", "ww", 0, 0, 7, 0, 0, 0},   {"MONTHS", "MM", 0, 1, 0, 0, 0, 0},
    {"YEARS", "yyyy", 1, 0, 0, 0, 0, 0},
};

/* That of the property, else the finest that the format tells. */
static const struct unit *unit_of(const json_t *table, const char *key, const char *format)
{
    const char *named = property(table, key, "interval.unit");
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (named ? g_ascii_strcasecmp(named, units[i].name) == 0
                  : strstr(format, units[i].letter) != NULL)
            return &units[i];
    return NULL;
}

static GDateTime *step(GDateTime *from, const struct unit *unit, int times)
{
    return g_date_time_add_full(from, unit->years * times, unit->months * times, unit->days * times,
                                unit->hours * times, unit->minutes * times, unit->seconds * times);
}

/* "NOW", "NOW-3YEARS", "NOW+1DAY" */
static GDateTime *relative(const char *text, double now)
{
    GDateTime *moment = g_date_time_new_from_unix_utc((gint64)now);
    const char *rest = text + strlen("NOW");
    char *word;
    gint64 times = g_ascii_strtoll(rest, &word, 10);
    for (size_t i = 0; *rest && i < G_N_ELEMENTS(units); i++) {
        size_t stem = strlen(units[i].name) - 1; /* DAY or DAYS */
        if (g_ascii_strncasecmp(word, units[i].name, stem) != 0)
            continue;
        GDateTime *moved = step(moment, &units[i], (int)times);
        g_date_time_unref(moment);
        return moved;
    }
    return moment;
}

/* A text by a strftime format of fixed digits. */
static GDateTime *absolute(const char *text, const char *format)
{
    int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0;
    static const char letters[] = "YmdHMS";
    int *const parts[] = {&year, &month, &day, &hour, &minute, &second};
    for (; *format; format++) {
        if (*format != '%') {
            if (*text++ != *format)
                return NULL;
            continue;
        }
        const char *letter = strchr(letters, *++format);
        int digits = *format == 'Y' ? 4 : 2, value = 0;
        for (int i = 0; i < digits; i++, text++) {
            if (!g_ascii_isdigit(*text))
                return NULL;
            value = value * 10 + *text - '0';
        }
        *parts[letter - letters] = value;
    }
    return *text ? NULL : g_date_time_new_utc(year, month, day, hour, minute, second);
}

static GDateTime *moment_of(const char *text, const char *format, double now)
{
    return g_str_has_prefix(text, "NOW") ? relative(text, now) : absolute(text, format);
}

static bool dates_between(const json_t *table, const char *key, const char *format,
                          GDateTime *first, GDateTime *last, GPtrArray *values, GError **error)
{
    const struct unit *unit = unit_of(table, key, property(table, key, "format"));
    if (!unit)
        return fail(key, "Its property 'interval.unit' is no unit of time: DAYS is one", error);
    int times = (int)whole_property(table, key, "interval", 1);
    GDateTime *at = g_date_time_ref(first);
    for (int i = 1; g_date_time_compare(at, last) <= 0 && values->len < MOST_PLACES; i++) {
        add(values, g_date_time_format(at, format));
        g_date_time_unref(at);
        at = step(first, unit, i * times);
    }
    g_date_time_unref(at);
    return values->len < MOST_PLACES ||
           fail(key, "Its range has more than 1,000,000 values", error);
}

static bool date_values(const json_t *table, const char *key, double now, GPtrArray *values,
                        GError **error)
{
    g_autofree char *from = NULL, *to = NULL;
    const char *java = property(table, key, "format");
    g_autofree char *format = java ? date_format(java) : NULL;
    if (!format)
        return fail(key, "Its property 'format' has to be made of yyyy, MM, dd, HH, mm and ss",
                    error);
    if (!range_of(table, key, &from, &to, error))
        return false;
    g_autoptr(GDateTime) first = moment_of(from, format, now);
    g_autoptr(GDateTime) last = moment_of(to, format, now);
    if (!first || !last)
        return fail(key, "Its property 'range' has to be two dates in its format, or NOW", error);
    return dates_between(table, key, format, first, last, values, error);
}

/* ---- all keys ---- */

static bool key_values(const json_t *table, const char *key, const char *equal, double now,
                       GPtrArray *values, GError **error)
{
    const char *type = property(table, key, "type");
    if (!type)
        return fail(key, "Its property 'type' is missing", error);
    if (strcmp(type, "injected") == 0) {
        if (equal)
            add(values, g_strdup(equal));
        return equal ||
               fail(key, "It is injected: a query has to say which values it has (=)", error);
    }
    if (strcmp(type, "enum") == 0)
        return enum_values(table, key, values, error);
    if (strcmp(type, "integer") == 0)
        return integer_values(table, key, values, error);
    if (strcmp(type, "date") == 0)
        return date_values(table, key, now, values, error);
    return fail(key, "Its property 'type' is none of enum, integer, date and injected", error);
}

/* Leaves the one value that is asked for, where it is among them. */
static void keep_equal(GPtrArray *values, const char *equal)
{
    for (guint i = values->len; equal && i-- > 0;)
        if (strcmp(values->pdata[i], equal) != 0)
            g_ptr_array_remove_index(values, i);
}

/* The template with ${key} replaced; else the table's place and key=value folders. */
static char *location_of(const json_t *table, char *const *values)
{
    const json_t *keys = json_object_get(table, "PartitionKeys");
    const char *template = json_string_value(
        json_object_get(json_object_get(table, "Parameters"), "storage.location.template"));
    if (!template) {
        g_autoptr(json_auto) list = json_array();
        for (size_t i = 0; values[i]; i++)
            json_array_append_new(list, json_string(values[i]));
        g_autoptr(json_auto) input = partition_input(table, list, NULL);
        return g_strdup(json_text_at(input, "StorageDescriptor.Location"));
    }
    GString *place = g_string_new(template);
    for (size_t i = 0; values[i]; i++) {
        g_autofree char *word =
            g_strdup_printf("${%s}", json_text_at(json_array_get(keys, i), "Name"));
        g_string_replace(place, word, values[i], 0);
    }
    if (!place->len || place->str[place->len - 1] != '/')
        g_string_append_c(place, '/');
    return g_string_free(place, FALSE);
}

static struct catalog_place *place_at(const json_t *table, GPtrArray *const *lists, size_t count,
                                      size_t number)
{
    struct catalog_place *place = g_new0(struct catalog_place, 1);
    place->values = g_new0(char *, count + 1);
    for (size_t i = count; i-- > 0; number /= lists[i]->len)
        place->values[i] = g_strdup(lists[i]->pdata[number % lists[i]->len]);
    place->location = location_of(table, place->values);
    return place;
}

static GPtrArray *all_places(const json_t *table, GPtrArray *const *lists, size_t count,
                             GError **error)
{
    double total = 1;
    for (size_t i = 0; i < count; i++)
        total *= lists[i]->len;
    if (total > MOST_PLACES) {
        error_set(error, ERROR_INVALID_REQUEST,
                  "INVALID_TABLE_PROPERTY: The table's projection has %.0f partitions; at most "
                  "1,000,000 can be read at once. Conditions that set keys to values make them "
                  "fewer.",
                  total);
        return NULL;
    }
    GPtrArray *places = g_ptr_array_new_with_free_func(catalog_place_free);
    for (size_t i = 0; i < (size_t)total; i++)
        g_ptr_array_add(places, place_at(table, lists, count, i));
    return places;
}

GPtrArray *projection_places(const json_t *table, const json_t *equal, double now, GError **error)
{
    const json_t *keys = json_object_get(table, "PartitionKeys");
    g_autoptr(GPtrArray) lists = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
    for (size_t i = 0; i < json_array_size(keys); i++) {
        const char *key = json_text_at(json_array_get(keys, i), "Name");
        const char *wanted = json_string_value(json_object_get(equal, key));
        GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
        g_ptr_array_add(lists, values);
        if (!key_values(table, key, wanted, now, values, error))
            return NULL;
        keep_equal(values, wanted);
    }
    return all_places(table, (GPtrArray *const *)lists->pdata, lists->len, error);
}
