#include "runtime/settings.h"

#include <string.h>

#include "base/error.h"
#include "base/yaml.h"
#include "fetch/address.h"
#include "parse/near_word.h"

/* ---- values ---- */

struct reader {
    const char *path; /* of the file, for errors */
    struct settings *settings;
};

static bool refuse(const struct reader *reader, const char *key, const char *right, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "%s: %s has to be %s", reader->path, key, right);
}

static bool take_python(const struct reader *reader, const json_t *value, GError **error)
{
    const char *text = json_string_value(value);
    g_autofree char *found = text ? g_find_program_in_path(text) : NULL;
    if (!found)
        return refuse(reader, "runtime.python", "an interpreter that can be executed", error);
    g_free(reader->settings->python);
    reader->settings->python = g_canonicalize_filename(found, NULL);
    return true;
}

/* A folder that Spark was unpacked to, or the command that submits to it. */
static bool take_spark_home(const struct reader *reader, const json_t *value, GError **error)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    g_autofree char *below = g_build_filename(text, "bin", "spark-submit", NULL);
    bool is_folder = g_file_test(text, G_FILE_TEST_IS_DIR);
    g_autofree char *found = g_find_program_in_path(is_folder ? below : text);
    if (!found)
        return refuse(reader, "runtime.spark",
                      "Spark's folder (with bin/spark-submit in it), or a spark-submit that can be "
                      "executed; or a mapping of home, which is one of these, and master",
                      error);
    g_free(reader->settings->spark);
    reader->settings->spark = g_canonicalize_filename(found, NULL);
    return true;
}

/* Whether a master's host, "host:port", is this machine. */
static bool is_here(const char *master)
{
    g_autofree char *host = g_strndup(master, strcspn(master, ":"));
    return strcmp(host, "localhost") == 0 || strcmp(host, g_get_host_name()) == 0 ||
           (g_str_has_prefix(host, "127.") && g_hostname_is_ip_address(host));
}

/* Executors read and write through this server, which only this machine reaches. */
static bool take_master(const struct reader *reader, const json_t *value, GError **error)
{
    static const char scheme[] = "spark://";
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    if (!g_str_has_prefix(text, scheme) || !strchr(text + strlen(scheme), ':'))
        return refuse(reader, "runtime.spark.master",
                      "a standalone master's address, such as spark://127.0.0.1:7077 (without it, "
                      "programs run as local[*])",
                      error);
    g_auto(GStrv) masters = g_strsplit(text + strlen(scheme), ",", -1);
    for (char **master = masters; *master; master++)
        if (!is_here(*master))
            return error_set(error, ERROR_VALIDATION,
                             "%s: runtime.spark.master: %s is not on this machine (127.0.0.1, "
                             "localhost, %s): lathe has no keys that would tell its own executors "
                             "from others who ask for its objects, so that only this machine "
                             "reaches it",
                             reader->path, *master, g_get_host_name());
    g_free(reader->settings->spark_master);
    reader->settings->spark_master = g_strdup(text);
    return true;
}

static bool take_engine(const struct reader *reader, const json_t *value, GError **error)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    bool is_none = strcmp(text, "none") == 0;
    g_autofree char *name = g_path_get_basename(text);
    bool is_known = strcmp(name, "podman") == 0 || strcmp(name, "docker") == 0;
    g_autofree char *found = is_known ? g_find_program_in_path(text) : NULL;
    if (!found && !is_none)
        return refuse(reader, "runtime.engine",
                      "podman or docker, or where one of these can be executed, or none", error);
    g_free(reader->settings->engine);
    reader->settings->engine = found ? g_canonicalize_filename(found, NULL) : NULL;
    return true;
}

/* One of two words. */
static bool take_word(const struct reader *reader, const char *key, const json_t *value,
                      const char *const words[2], bool *is_second, GError **error)
{
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, words[0]) != 0 && strcmp(text, words[1]) != 0)) {
        g_autofree char *right = g_strdup_printf("%s or %s", words[0], words[1]);
        return refuse(reader, key, right, error);
    }
    *is_second = strcmp(text, words[1]) == 0;
    return true;
}

static bool take_isolation(const struct reader *reader, const json_t *value, GError **error)
{
    static const char *const words[2] = {"none", "bubblewrap"};
    return take_word(reader, "runtime.isolation", value, words, &reader->settings->isolated, error);
}

static bool take_network(const struct reader *reader, const json_t *value, GError **error)
{
    static const char *const words[2] = {"lathe", "host"};
    return take_word(reader, "runtime.network", value, words, &reader->settings->host_network,
                     error);
}

static bool take_count(const struct reader *reader, const char *key, const json_t *value,
                       gint64 most, gint64 *count, GError **error)
{
    *count = json_integer_value(value);
    if (json_is_integer(value) && *count >= 1 && *count <= most)
        return true;
    g_autofree char *right = g_strdup_printf("a number from 1 to %" G_GINT64_FORMAT, most);
    return refuse(reader, key, right, error);
}

static bool take_processes(const struct reader *reader, const json_t *value, GError **error)
{
    return take_count(reader, "runtime.processes", value, 1 << 20, &reader->settings->processes,
                      error);
}

static bool take_slots(const struct reader *reader, const json_t *value, GError **error)
{
    gint64 slots;
    if (!take_count(reader, "slots", value, 1024, &slots, error))
        return false;
    reader->settings->slots = (unsigned)slots;
    return true;
}

/* "8 GiB", "512MiB". */
static bool take_memory(const struct reader *reader, const json_t *value, GError **error)
{
    static const char *const units[] = {"MiB", "GiB", "TiB"};
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    char *rest;
    guint64 number = g_ascii_strtoull(text, &rest, 10);
    rest += strspn(rest, " ");
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (number >= 1 && number < 65536 && strcmp(rest, units[i]) == 0) {
            reader->settings->memory = (gint64)(number << (20 + 10 * i));
            return true;
        }
    return refuse(reader, "runtime.memory", "a size such as 512 MiB or 8 GiB", error);
}

/* ---- keys ---- */

struct setting {
    const char *key;
    bool (*take)(const struct reader *reader, const json_t *value, GError **error);
};

static bool take_all(const struct reader *reader, const json_t *object, const char *where,
                     const struct setting *settings, size_t count, GError **error)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)object, key, value)
    {
        struct near_word near = {.given = key};
        const struct setting *found = NULL;
        for (size_t i = 0; i < count; i++) {
            near_word_try(&near, settings[i].key);
            if (strcmp(key, settings[i].key) == 0)
                found = &settings[i];
        }
        if (!found)
            return error_set(error, ERROR_VALIDATION, "%s: there is no key %s%s%s%s%s",
                             reader->path, where, key, near.nearest ? "; is " : "",
                             near.nearest ? near.nearest : "", near.nearest ? " meant?" : "");
        if (!found->take(reader, value, error))
            return false;
    }
    return true;
}

static bool take_spark(const struct reader *reader, const json_t *value, GError **error)
{
    static const struct setting settings[] = {{"home", take_spark_home}, {"master", take_master}};
    return json_is_object(value)
               ? take_all(reader, value, "runtime.spark.", settings, G_N_ELEMENTS(settings), error)
               : take_spark_home(reader, value, error);
}

static bool take_runtime(const struct reader *reader, const json_t *value, GError **error)
{
    static const struct setting settings[] = {
        {"python", take_python},       {"spark", take_spark},     {"engine", take_engine},
        {"isolation", take_isolation}, {"network", take_network}, {"memory", take_memory},
        {"processes", take_processes}};
    return json_is_object(value)
               ? take_all(reader, value, "runtime.", settings, G_N_ELEMENTS(settings), error)
               : refuse(reader, "runtime", "a mapping", error);
}

static bool take_tunnels(const struct reader *reader, const json_t *value, GError **error)
{
    reader->settings->no_tunnels = json_is_false(value);
    return json_is_boolean(value) || refuse(reader, "proxy.tunnels", "true or false", error);
}

static bool take_proxy(const struct reader *reader, const json_t *value, GError **error)
{
    static const struct setting settings[] = {{"tunnels", take_tunnels}};
    return json_is_object(value)
               ? take_all(reader, value, "proxy.", settings, G_N_ELEMENTS(settings), error)
               : refuse(reader, "proxy", "a mapping", error);
}

static bool take_allow(const struct reader *reader, const json_t *value, GError **error)
{
    size_t i;
    const json_t *entry;
    g_autoptr(GStrvBuilder) entries = g_strv_builder_new();
    bool right = json_is_array(value);
    json_array_foreach((json_t *)value, i, entry)
    {
        right = right && json_is_string(entry) && fetch_entry_is(json_string_value(entry));
        if (right)
            g_strv_builder_add(entries, json_string_value(entry));
    }
    if (!right)
        return refuse(reader, "fetch.allow",
                      "a list of hosts or addresses, each with a port or for all of them, such as "
                      "[files.example.org, \"127.0.0.1:8080\"]",
                      error);
    g_strfreev(reader->settings->fetch_allow);
    reader->settings->fetch_allow = g_strv_builder_end(entries);
    return true;
}

static bool take_fetch(const struct reader *reader, const json_t *value, GError **error)
{
    static const struct setting settings[] = {{"allow", take_allow}};
    return json_is_object(value)
               ? take_all(reader, value, "fetch.", settings, G_N_ELEMENTS(settings), error)
               : refuse(reader, "fetch", "a mapping", error);
}

static bool take_file(const struct reader *reader, const json_t *value, GError **error)
{
    static const struct setting settings[] = {{"runtime", take_runtime},
                                              {"slots", take_slots},
                                              {"proxy", take_proxy},
                                              {"fetch", take_fetch}};
    if (json_is_null(value)) /* nothing but comments */
        return true;
    return json_is_object(value)
               ? take_all(reader, value, "", settings, G_N_ELEMENTS(settings), error)
               : refuse(reader, "the file", "a mapping", error);
}

/* ---- the file ---- */

/* Where nothing is said: what `python3` means where the server was started. */
static char *default_python(void)
{
    const char *environment = g_getenv("VIRTUAL_ENV");
    g_autofree char *own =
        environment ? g_build_filename(environment, "bin", "python3", NULL) : NULL;
    if (own && g_file_test(own, G_FILE_TEST_IS_EXECUTABLE))
        return g_steal_pointer(&own);
    return g_find_program_in_path("python3");
}

/* Likewise; where none is found there, the SPARK_HOME of who started the server. */
static char *default_spark(void)
{
    const char *home = g_getenv("SPARK_HOME");
    g_autofree char *own = home ? g_build_filename(home, "bin", "spark-submit", NULL) : NULL;
    char *found = g_find_program_in_path("spark-submit");
    return found || !own ? found : g_find_program_in_path(own);
}

/* Where nothing else is found: what pip has put beside the interpreter. */
static char *spark_beside(const char *python)
{
    g_autofree char *bin = python ? g_path_get_dirname(python) : NULL;
    g_autofree char *path = bin ? g_build_filename(bin, "spark-submit", NULL) : NULL;
    return path ? g_find_program_in_path(path) : NULL;
}

static char *default_java(void)
{
    const char *home = g_getenv("JAVA_HOME");
    g_autofree char *own = home ? g_build_filename(home, "bin", "java", NULL) : NULL;
    char *found = own ? g_find_program_in_path(own) : NULL;
    return found ? found : g_find_program_in_path("java");
}

/* podman needs no service; docker is of use where its own is there. */
static char *default_engine(void)
{
    char *podman = g_find_program_in_path("podman");
    if (podman || !g_file_test("/var/run/docker.sock", G_FILE_TEST_EXISTS))
        return podman;
    return g_find_program_in_path("docker");
}

static bool read_file(const struct reader *reader, bool may_miss, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    g_autoptr(GError) cause = NULL;
    if (!g_file_get_contents(reader->path, &text, &size, &cause)) {
        if (may_miss && g_error_matches(cause, G_FILE_ERROR, G_FILE_ERROR_NOENT))
            return true;
        return error_set(error, ERROR_VALIDATION, "the configuration cannot be read: %s",
                         cause->message);
    }
    g_autoptr(json_auto) value = yaml_parse(text, size, reader->path, error);
    return value && take_file(reader, value, error);
}

struct settings *settings_read(const char *home, const char *path, GError **error)
{
    g_autofree char *own = g_build_filename(home, SETTINGS_FILE, NULL);
    struct settings *settings = g_new0(struct settings, 1);
    *settings = (struct settings){.python = default_python(),
                                  .spark = default_spark(),
                                  .java = default_java(),
                                  .engine = default_engine(),
                                  .fetch_allow = g_new0(char *, 1),
                                  .isolated = true,
                                  .processes = 4096};
    struct reader reader = {path ? path : own, settings};
    if (!read_file(&reader, !path, error)) {
        settings_free(settings);
        return NULL;
    }
    if (!settings->spark)
        settings->spark = spark_beside(settings->python);
    return settings;
}

void settings_free(struct settings *settings)
{
    if (!settings)
        return;
    g_free(settings->python);
    g_free(settings->spark);
    g_free(settings->spark_master);
    g_free(settings->java);
    g_free(settings->engine);
    g_strfreev(settings->fetch_allow);
    g_free(settings);
}
