/* Grok: patterns with names, which stand for regular expressions, in lines of logs. */
#include <string.h>

#include "base/error.h"
#include "crawl/classify_inside.h"

#define SERDE "com.amazonaws.glue.serde.GrokSerDe"
#define DEEPEST 20
#define LONGEST_PATTERN 65536
#define LONGEST_LINE 8192
#define LOOK_LINES 200

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

struct field {
    char *name;
    const char *type; /* Hive's */
};

struct grok {
    char *classification, *pattern, *custom;
    GHashTable *own; /* name -> pattern, of the custom ones */
    GArray *fields;  /* struct field, each once */
    GRegex *regex;
};

static void clear_field(void *data)
{
    g_free(((struct field *)data)->name);
}

void grok_free(struct grok *grok)
{
    if (!grok)
        return;
    g_free(grok->classification);
    g_free(grok->pattern);
    g_free(grok->custom);
    g_hash_table_unref(grok->own);
    g_array_unref(grok->fields);
    if (grok->regex)
        g_regex_unref(grok->regex);
    g_free(grok);
}

/* ---- compiling ---- */

static void read_custom(struct grok *grok)
{
    g_auto(GStrv) lines = g_strsplit(grok->custom ? grok->custom : "", "\n", -1);
    for (size_t i = 0; lines[i]; i++) {
        char *line = g_strstrip(lines[i]);
        char *space = line + strcspn(line, " \t");
        if (!*space || *line == '#')
            continue;
        g_hash_table_insert(grok->own, g_strndup(line, (gsize)(space - line)),
                            g_strstrip(g_strdup(space)));
    }
}

static const char *pattern_named(const struct grok *grok, const char *name)
{
    const char *own = g_hash_table_lookup(grok->own, name);
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

/* A column that is named twice (in two branches) is one: false. */
static bool add_field(struct grok *grok, const char *name, const char *type)
{
    g_autofree char *folded = g_utf8_strdown(name, -1);
    for (guint i = 0; i < grok->fields->len; i++)
        if (strcmp(g_array_index(grok->fields, struct field, i).name, folded) == 0)
            return false;
    struct field field = {g_steal_pointer(&folded), type};
    g_array_append_val(grok->fields, field);
    return true;
}

/* What stands between references: only columns are groups that are told. */
static void add_plain(GString *regex, const char *text, size_t size)
{
    bool in_class = false;
    for (size_t i = 0; i < size; i++) {
        g_string_append_c(regex, text[i]);
        if (text[i] == '\\' && i + 1 < size)
            g_string_append_c(regex, text[++i]);
        else if (!in_class && text[i] == '(' && (i + 1 == size || text[i + 1] != '?'))
            g_string_append(regex, "?:");
        else
            in_class = text[i] == '[' || (in_class && text[i] != ']');
    }
}

static bool wrong(const struct grok *grok, const char *what, const char *name, GError **error)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "GrokPattern: %s: %s%s.", grok->pattern,
                     what, name);
}

static bool expand(struct grok *grok, const char *pattern, int depth, GString *regex,
                   GError **error);

/* What stands in %{...}: NAME, NAME:field or NAME:field:type. */
static bool expand_reference(struct grok *grok, const char *text, int depth, GString *regex,
                             GError **error)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    const char *inner = parts[0] ? pattern_named(grok, parts[0]) : NULL;
    const char *type = parts[0] && parts[1] && parts[2] ? type_named(parts[2]) : "string";
    if (!inner)
        return wrong(grok, "there is no pattern ", text, error);
    if (!type)
        return wrong(grok,
                     "the type is none of byte, boolean, double, float, short, int, long and "
                     "string: ",
                     text, error);
    g_string_append(regex, parts[1] && add_field(grok, parts[1], type) ? "(" : "(?:");
    if (!expand(grok, inner, depth + 1, regex, error))
        return false;
    g_string_append_c(regex, ')');
    return true;
}

static bool expand(struct grok *grok, const char *pattern, int depth, GString *regex,
                   GError **error)
{
    if (depth > DEEPEST || regex->len > LONGEST_PATTERN)
        return wrong(grok, "its patterns refer to each other without end", "", error);
    while (*pattern) {
        const char *reference = strstr(pattern, "%{");
        const char *end = reference ? strchr(reference, '}') : NULL;
        if (!end) {
            add_plain(regex, pattern, strlen(pattern));
            return true;
        }
        add_plain(regex, pattern, (size_t)(reference - pattern));
        g_autofree char *text = g_strndup(reference + 2, (gsize)(end - reference - 2));
        if (!expand_reference(grok, text, depth, regex, error))
            return false;
        pattern = end + 1;
    }
    return true;
}

static bool compile(struct grok *grok, GError **error)
{
    g_autoptr(GString) regex = g_string_new(NULL);
    g_autoptr(GError) cause = NULL;
    if (!expand(grok, grok->pattern, 0, regex, error))
        return false;
    grok->regex = g_regex_new(regex->str, G_REGEX_RAW | G_REGEX_OPTIMIZE, 0, &cause);
    return grok->regex || wrong(grok, "", cause->message, error);
}

struct grok *grok_new(const char *classification, const char *pattern, const char *custom,
                      GError **error)
{
    struct grok *grok = g_new0(struct grok, 1);
    grok->classification = g_strdup(classification);
    grok->pattern = g_strdup(pattern);
    grok->custom = g_strdup(custom);
    grok->own = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    grok->fields = g_array_new(FALSE, FALSE, sizeof(struct field));
    g_array_set_clear_func(grok->fields, clear_field);
    read_custom(grok);
    if (compile(grok, error))
        return grok;
    grok_free(grok);
    return NULL;
}

/* ---- applying ---- */

static bool matches(const struct grok *grok, const struct line *line)
{
    return g_regex_match_full(grok->regex, line->at, (gssize)MIN(line->size, LONGEST_LINE), 0, 0,
                              NULL, NULL);
}

/* Its pattern as one regular expression, too, whose groups are the columns: SQL reads by that. */
static json_t *schema_of(const struct grok *grok, size_t record_size)
{
    json_t *columns = json_array();
    for (guint i = 0; i < grok->fields->len; i++) {
        const struct field *field = &g_array_index(grok->fields, struct field, i);
        json_array_append_new(columns,
                              json_pack("{ssss}", "Name", field->name, "Type", field->type));
    }
    g_autofree char *whole = g_strdup_printf(".*?(?:%s).*", g_regex_get_pattern(grok->regex));
    json_t *serde = json_pack("{ssss*ss}", "input.format", grok->pattern,
                              "input.grokCustomPatterns", grok->custom, "input.regex", whole);
    json_t *schema = schema_new(grok->classification, columns, SERDE, serde);
    json_t *parameters = json_object_get(schema, "Parameters");
    json_object_set_new(parameters, "grokPattern", json_string(grok->pattern));
    if (grok->custom)
        json_object_set_new(parameters, "grokCustomPatterns", json_string(grok->custom));
    json_object_set_new(schema, "RecordSize", json_integer((json_int_t)record_size));
    return schema;
}

/* Most lines have to be of it, and one of the first two. */
json_t *classify_grok(const struct sample *sample, const struct grok *grok)
{
    size_t position = 0, lines = 0, fitting = 0;
    struct line line;
    while (lines < LOOK_LINES && next_line(sample, &position, &line)) {
        if (!line.size)
            continue;
        fitting += matches(grok, &line);
        if (++lines == 2 && !fitting)
            return NULL;
    }
    return fitting && (double)fitting >= 0.8 * (double)lines ? schema_of(grok, position / lines)
                                                             : NULL;
}

const struct grok *const *grok_built_in(void)
{
    static const char *const built_in[][2] = {
        {"combined_apache", "^%{COMBINEDAPACHELOG}"},
        {"apache", "^%{COMMONAPACHELOG}"},
        {"linux_kernel", "^%{SYSLOGBASE} %{GREEDYDATA:message}"},
        {"microsoft_log", "^%{MICROSOFT}"},
        {"ruby_logger", "^%{RUBY_LOGGER}"},
        {"squid", "^%{SQUID}"},
        {"redismonlog", "^%{REDISMONLOG}"},
        {"redislog", "^%{REDISLOG}"}};
    static const struct grok *made[G_N_ELEMENTS(built_in) + 1];
    static gsize once;
    if (g_once_init_enter(&once)) {
        for (size_t i = 0; i < G_N_ELEMENTS(built_in); i++) {
            g_autoptr(GError) error = NULL;
            made[i] = grok_new(built_in[i][0], built_in[i][1], NULL, &error);
            g_assert_no_error(error);
        }
        g_once_init_leave(&once, 1);
    }
    return made;
}
