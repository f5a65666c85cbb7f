#include "table/grok.h"

#include <string.h>

#include "base/error.h"

#define DEEPEST 20
#define LONGEST_PATTERN 65536

/* The patterns of Logstash that Glue's documentation lists, and those that these need. */
static const char *const patterns[][2] = {
    {"USERNAME", "[a-zA-Z0-9._-]+"},
    {"USER", "%{USERNAME}"},
    {"INT", "(?:[+-]?(?:[0-9]+))"},
    {"BASE10NUM", "(?<![0-9.+-])(?>[+-]?(?:(?:[0-9]+(?:\\.[0-9]+)?)|(?:\\.[0-9]+)))"},
    {"NUMBER", "(?:%{BASE10NUM})"},
    {"BASE16NUM", "(?<![0-9A-Fa-f])(?:[+-]?(?:0x)?(?:[0-9A-Fa-f]+))"},
    {"BASE16FLOAT", "\\b(?<![0-9A-Fa-f.])(?:[+-]?(?:0x)?(?:(?:[0-9A-Fa-f]+(?:\\.[0-9A-Fa-f]*)?)|"
                    "(?:\\.[0-9A-Fa-f]+)))\\b"},
    {"BOOLEAN", "(?i:true|false)"},
    {"POSINT", "\\b(?:[1-9][0-9]*)\\b"},
    {"NONNEGINT", "\\b(?:[0-9]+)\\b"},
    {"WORD", "\\b\\w+\\b"},
    {"NOTSPACE", "\\S+"},
    {"SPACE", "\\s*"},
    {"DATA", ".*?"},
    {"GREEDYDATA", ".*"},
    {"QUOTEDSTRING", "(?>(?<!\\\\)(?>\"(?>\\\\.|[^\\\\\"]+)+\"|\"\"|(?>'(?>\\\\.|[^\\\\']+)+')|''|"
                     "(?>`(?>\\\\.|[^\\\\`]+)+`)|``))"},
    {"QS", "%{QUOTEDSTRING}"},
    {"UUID", "[A-Fa-f0-9]{8}-(?:[A-Fa-f0-9]{4}-){3}[A-Fa-f0-9]{12}"},
    {"MAC", "(?:%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC})"},
    {"CISCOMAC", "(?:(?:[A-Fa-f0-9]{4}\\.){2}[A-Fa-f0-9]{4})"},
    {"WINDOWSMAC", "(?:(?:[A-Fa-f0-9]{2}-){5}[A-Fa-f0-9]{2})"},
    {"COMMONMAC", "(?:(?:[A-Fa-f0-9]{2}:){5}[A-Fa-f0-9]{2})"},
    {"IPV6", "(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:[0-9]{1,3}\\.){3}[0-9]{1,3})?"},
    {"IPV4",
     "(?<![0-9])(?:(?:25[0-5]|2[0-4][0-9]|[0-1]?[0-9]{1,2})[.](?:25[0-5]|2[0-4][0-9]|"
     "[0-1]?[0-9]{1,2})[.](?:25[0-5]|2[0-4][0-9]|[0-1]?[0-9]{1,2})[.](?:25[0-5]|2[0-4][0-9]|"
     "[0-1]?[0-9]{1,2}))(?![0-9])"},
    {"IP", "(?:%{IPV6}|%{IPV4})"},
    {"HOSTNAME", "\\b(?:[0-9A-Za-z][0-9A-Za-z-_]{0,62})(?:\\.(?:[0-9A-Za-z][0-9A-Za-z-_]{0,62}))*"
                 "(?:\\.?|\\b)"},
    {"HOST", "%{HOSTNAME}"},
    {"IPORHOST", "(?:%{HOSTNAME}|%{IP})"},
    {"HOSTPORT", "(?:%{IPORHOST}:%{POSINT})"},
    {"PATH", "(?:%{UNIXPATH}|%{WINPATH})"},
    {"UNIXPATH", "(?>/(?>[\\w_%!$@:.,~-]+|\\\\.)*)+"},
    {"WINPATH", "(?>[A-Za-z]+:|\\\\)(?:\\\\[^\\\\?*]*)+"},
    {"TTY", "(?:/dev/(?:pts|tty(?:[pq])?)(?:\\w+)?/?(?:[0-9]+))"},
    {"URIPROTO", "[A-Za-z]+(?:\\+[A-Za-z+]+)?"},
    {"URIHOST", "%{IPORHOST}(?::%{POSINT:port})?"},
    {"URIPATH", "(?:/[A-Za-z0-9$.+!*'(){},~:;=@#%_\\-]*)+"},
    {"URIPARAM", "\\?[A-Za-z0-9$.+!*'|(){},~@#%&/=:;_?\\-\\[\\]]*"},
    {"URIPATHPARAM", "%{URIPATH}(?:%{URIPARAM})?"},
    {"URI", "%{URIPROTO}://(?:%{USER}(?::[^@]*)?@)?(?:%{URIHOST})?(?:%{URIPATHPARAM})?"},
    {"MONTH", "\\b(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|Jun(?:e)?|Jul(?:y)?|"
              "Aug(?:ust)?|Sep(?:tember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\\b"},
    {"MONTHNUM", "(?:0?[1-9]|1[0-2])"},
    {"MONTHDAY", "(?:(?:0[1-9])|(?:[12][0-9])|(?:3[01])|[1-9])"},
    {"DAY", "(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|Sat(?:urday)?|"
            "Sun(?:day)?)"},
    {"YEAR", "(?>\\d\\d){1,2}"},
    {"HOUR", "(?:2[0123]|[01]?[0-9])"},
    {"MINUTE", "(?:[0-5][0-9])"},
    {"SECOND", "(?:(?:[0-5][0-9]|60)(?:[:.,][0-9]+)?)"},
    {"TIME", "(?!<[0-9])%{HOUR}:%{MINUTE}(?::%{SECOND})(?![0-9])"},
    {"DATE_US", "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}"},
    {"DATE_EU", "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}"},
    {"ISO8601_TIMEZONE", "(?:Z|[+-]%{HOUR}(?::?%{MINUTE}))"},
    {"ISO8601_SECOND", "(?:%{SECOND}|60)"},
    {"TIMESTAMP_ISO8601", "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?"
                          "%{ISO8601_TIMEZONE}?"},
    {"DATE", "%{DATE_US}|%{DATE_EU}"},
    {"DATESTAMP", "%{DATE}[- ]%{TIME}"},
    {"TZ", "(?:[PMCE][SD]T|UTC)"},
    {"DATESTAMP_RFC822", "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}"},
    {"DATESTAMP_OTHER", "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}"},
    {"CISCOTIMESTAMP", "%{MONTH} %{MONTHDAY} %{YEAR} %{TIME}"},
    {"SYSLOGTIMESTAMP", "%{MONTH} +%{MONTHDAY} %{TIME}"},
    {"PROG", "(?:[\\w._/%-]+)"},
    {"SYSLOGPROG", "%{PROG:program}(?:\\[%{POSINT:pid}\\])?"},
    {"SYSLOGHOST", "%{IPORHOST}"},
    {"SYSLOGFACILITY", "<%{NONNEGINT:facility}.%{NONNEGINT:priority}>"},
    {"HTTPDATE", "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}"},
    {"SYSLOGBASE", "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:logsource} "
                   "%{SYSLOGPROG}:"},
    {"COMMONAPACHELOG",
     "%{IPORHOST:clientip} %{USER:ident} %{USER:auth} \\[%{HTTPDATE:timestamp}\\] "
     "\"(?:%{WORD:verb} %{NOTSPACE:request}(?: HTTP/%{NUMBER:httpversion})?|"
     "%{DATA:rawrequest})\" %{NUMBER:response} (?:%{NUMBER:bytes}|-)"},
    {"COMBINEDAPACHELOG", "%{COMMONAPACHELOG} %{QS:referrer} %{QS:agent}"},
    {"LOGLEVEL", "(?:[Aa]lert|ALERT|[Tt]race|TRACE|[Dd]ebug|DEBUG|[Nn]otice|NOTICE|[Ii]nfo|INFO|"
                 "[Ww]arn(?:ing)?|WARN(?:ING)?|[Ee]rr(?:or)?|ERR(?:OR)?|[Cc]rit(?:ical)?|"
                 "CRIT(?:ICAL)?|[Ff]atal|FATAL|[Ss]evere|SEVERE|EMERG(?:ENCY)?|"
                 "[Ee]merg(?:ency)?)"},
    {"RUBY_LOGLEVEL", "(?:DEBUG|FATAL|ERROR|WARN|INFO)"},
    {"RUBY_LOGGER", "[DFEWI], \\[%{TIMESTAMP_ISO8601:timestamp} #%{POSINT:pid}\\] "
                    "*%{RUBY_LOGLEVEL:loglevel} -- +%{DATA:progname}: %{GREEDYDATA:message}"},
    {"REDISTIMESTAMP", "%{MONTHDAY} %{MONTH} %{TIME}"},
    {"REDISLOG", "\\[%{POSINT:pid}\\] %{REDISTIMESTAMP:timestamp} \\* %{GREEDYDATA:message}"},
    {"REDISMONLOG", "%{NUMBER:timestamp} \\[%{INT:database} %{IP:client}:%{NUMBER:port}\\] "
                    "\"%{WORD:command}\"\\s?%{GREEDYDATA:params}"},
    {"SQUID", "%{NUMBER:timestamp}\\s+%{NUMBER:duration} %{IP:client_address} %{WORD:cache_result}/"
              "%{NONNEGINT:status_code} %{NUMBER:bytes} %{WORD:request_method} %{NOTSPACE:url} "
              "(?:%{NOTSPACE:user}|-) %{WORD:hierarchy_code}/%{NOTSPACE:server} "
              "%{NOTSPACE:content_type}"},
    {"MICROSOFT", "%{IPORHOST:client_ip}, %{NOTSPACE:username}, %{DATE_US:date}, %{TIME:time}, "
                  "%{NOTSPACE:service}, %{NOTSPACE:server}, %{IP:server_ip}, %{INT:time_taken}, "
                  "%{INT:bytes_received}, %{INT:bytes_sent}, %{INT:status}, %{INT:windows_status}, "
                  "%{WORD:request_type}, %{NOTSPACE:target}, %{GREEDYDATA:parameters}"},
};

struct grok_pattern {
    char *text;
    GHashTable *own;    /* name -> pattern, of the custom ones */
    GHashTable *wanted; /* names whose groups are told; NULL: all that are given, once each */
    GArray *groups;     /* struct grok_group */
    GString *regex;
};

static void clear_group(void *data)
{
    g_free(((struct grok_group *)data)->name);
}

static void read_custom(struct grok_pattern *pattern, const char *custom)
{
    g_auto(GStrv) lines = g_strsplit(custom ? custom : "", "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]);
        char *space = line + strcspn(line, " \t");
        if (!*space || *line == '#')
            continue;
        g_hash_table_insert(pattern->own, g_strndup(line, (gsize)(space - line)),
                            g_strstrip(g_strdup(space)));
    }
}

static const char *pattern_named(const struct grok_pattern *pattern, const char *name)
{
    const char *own = g_hash_table_lookup(pattern->own, name);
    for (size_t i = 0; !own && i < G_N_ELEMENTS(patterns); i++)
        if (strcmp(patterns[i][0], name) == 0)
            return patterns[i][1];
    return own;
}

static const char *type_named(const char *name)
{
    static const char *const types[][2] = {
        {"byte", "tinyint"}, {"boolean", "boolean"}, {"double", "double"}, {"short", "smallint"},
        {"int", "int"},      {"string", "string"},   {"long", "bigint"},   {"float", "float"}};
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_ascii_strcasecmp(types[i][0], name) == 0)
            return types[i][1];
    return NULL;
}

/* ---- groups ---- */

static bool is_told(const struct grok_pattern *pattern, const char *folded)
{
    for (guint i = 0; i < pattern->groups->len; i++)
        if (strcmp(g_array_index(pattern->groups, struct grok_group, i).name, folded) == 0)
            return true;
    return false;
}

/* Begins a group, one that is told where its name is asked for. */
static void open_group(struct grok_pattern *pattern, const char *name, bool given, const char *type)
{
    g_autofree char *folded = name ? g_utf8_strdown(name, -1) : NULL;
    bool told = folded && (pattern->wanted ? g_hash_table_contains(pattern->wanted, folded)
                                           : given && !is_told(pattern, folded));
    if (told) {
        struct grok_group group = {g_steal_pointer(&folded), type};
        g_array_append_val(pattern->groups, group);
    }
    g_string_append(pattern->regex, told ? "(" : "(?:");
}

/* (?<name> or (?P<name>: how long it is, and the name; else 0. */
static size_t named_group(const char *text, size_t size, char **name)
{
    size_t from = size > 3 && memcmp(text, "(?P<", 4) == 0 ? 4 : 3;
    if (size <= from || (from == 3 && memcmp(text, "(?<", 3) != 0) || !g_ascii_isalpha(text[from]))
        return 0;
    const char *end = memchr(text + from, '>', size - from);
    if (!end)
        return 0;
    *name = g_strndup(text + from, (gsize)(end - text) - from);
    return (size_t)(end - text) + 1;
}

/* A parenthesis: how many letters it takes up. */
static size_t add_parenthesis(struct grok_pattern *pattern, const char *text, size_t size)
{
    g_autofree char *name = NULL;
    size_t length = named_group(text, size, &name);
    if (length)
        open_group(pattern, name, true, "string");
    else
        g_string_append(pattern->regex, size == 1 || text[1] != '?' ? "(?:" : "(");
    return length ? length : 1;
}

/* What stands between references. */
static void add_plain(struct grok_pattern *pattern, const char *text, size_t size)
{
    bool in_class = false;
    for (size_t i = 0; i < size;) {
        if (!in_class && text[i] == '(') {
            i += add_parenthesis(pattern, text + i, size - i);
            continue;
        }
        g_string_append_c(pattern->regex, text[i]);
        if (text[i] == '\\' && i + 1 < size)
            g_string_append_c(pattern->regex, text[++i]);
        else
            in_class = text[i] == '[' || (in_class && text[i] != ']');
        i++;
    }
}

/* ---- references ---- */

static bool wrong(const struct grok_pattern *pattern, const char *what, const char *name,
                  GError **error)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "%s: %s%s.", pattern->text, what, name);
}

static bool expand(struct grok_pattern *pattern, const char *text, int depth, GError **error);

/* What stands in %{...}: NAME, NAME:field or NAME:field:type. */
static bool expand_reference(struct grok_pattern *pattern, const char *text, int depth,
                             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    const char *inner = parts[0] ? pattern_named(pattern, parts[0]) : NULL;
    const char *type = parts[0] && parts[1] && parts[2] ? type_named(parts[2]) : "string";
    if (!inner)
        return wrong(pattern, "there is no pattern ", text, error);
    if (!type)
        return wrong(pattern,
                     "the type is none of byte, boolean, double, float, short, int, long and "
                     "string: ",
                     text, error);
    open_group(pattern, parts[1] ? parts[1] : parts[0], parts[1] != NULL, type);
    if (!expand(pattern, inner, depth + 1, error))
        return false;
    g_string_append_c(pattern->regex, ')');
    return true;
}

static bool expand(struct grok_pattern *pattern, const char *text, int depth, GError **error)
{
    if (depth > DEEPEST || pattern->regex->len > LONGEST_PATTERN)
        return wrong(pattern, "its patterns refer to each other without end", "", error);
    while (*text) {
        const char *reference = strstr(text, "%{");
        const char *end = reference ? strchr(reference, '}') : NULL;
        if (!end) {
            add_plain(pattern, text, strlen(text));
            return true;
        }
        add_plain(pattern, text, (size_t)(reference - text));
        g_autofree char *inside = g_strndup(reference + 2, (gsize)(end - reference - 2));
        if (!expand_reference(pattern, inside, depth, error))
            return false;
        text = end + 1;
    }
    return true;
}

/* ---- the whole ---- */

struct grok_pattern *grok_pattern_new(const char *text, const char *custom, GHashTable *wanted,
                                      GError **error)
{
    struct grok_pattern *pattern = g_new0(struct grok_pattern, 1);
    pattern->text = g_strdup(text);
    pattern->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    pattern->wanted = wanted;
    pattern->groups = g_array_new(FALSE, FALSE, sizeof(struct grok_group));
    g_array_set_clear_func(pattern->groups, clear_group);
    pattern->regex = g_string_new(NULL);
    read_custom(pattern, custom);
    if (expand(pattern, text, 0, error))
        return pattern;
    grok_pattern_free(pattern);
    return NULL;
}

void grok_pattern_free(struct grok_pattern *pattern)
{
    if (!pattern)
        return;
    g_free(pattern->text);
    g_hash_table_unref(pattern->own);
    g_array_unref(pattern->groups);
    g_string_free(pattern->regex, TRUE);
    g_free(pattern);
}

const char *grok_pattern_regex(const struct grok_pattern *pattern)
{
    return pattern->regex->str;
}

const struct grok_group *grok_pattern_groups(const struct grok_pattern *pattern, size_t *count)
{
    *count = pattern->groups->len;
    return (const struct grok_group *)(const void *)pattern->groups->data;
}
