/* Runs whose program is a process: glueetl by spark-submit, pythonshell by the user's Python. What
 * Glue's special arguments ask for becomes inputs and settings; the script finds the others in its
 * argv, as Glue passes them. */
#include "job/plan.h"

#include <string.h>

#include "base/s3_uri.h"
#include "job/layout.h"
#include "lake/lake.h"
#include "runtime/runtime.h"
#include "runtime/spark.h"
#include "service/glue/job.h"
#include "service/script.h"

#define ROOT "/opt/ml/"
#define CODE "code"
/* GiB that a script may have on disk, as Glue's workers have them. */
enum { PYTHON_DISK = 20, SPARK_DISK = 94 };

/* What is done before the script begins is none of its arguments. */
static const char *const special[] = {"--extra-py-files",
                                      "--extra-jars",
                                      "--extra-files",
                                      "--additional-python-modules",
                                      "--conf",
                                      "--class",
                                      "--user-jars-first",
                                      "--python-modules-installer-option",
                                      "--job-language",
                                      NULL};

/* What a run's plan is made of. */
struct making {
    const struct call *call;
    const struct resource *run;
    struct job_plan *plan;
    json_t *paths;   /* for PYTHONPATH */
    json_t *wheels;  /* to be unpacked */
    json_t *modules; /* lines of a requirements.txt */
    json_t *py_files, *jars, *files;
    unsigned count; /* of files brought in */
};

static bool refuse(GError **error, const char *option, const char *value, const char *right)
{
    return error_set(error, ERROR_INVALID_INPUT_EXCEPTION, "%s: %s is %s.", option, value, right);
}

/* ---- files beside the script ---- */

/* An object comes into a folder of its own, so that two of one name do not meet. Where it will be
 * seen; g_free. */
static char *bring(struct making *making, const char *option, const char *uri, GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    if (!s3_uri_is(uri) || !s3_uri_parse(uri, &bucket, &key, error) || !*key) {
        refuse(error && *error ? NULL : error, option, uri, "no address of an object in S3");
        return NULL;
    }
    g_autofree char *folder = g_strdup_printf("extra/%u", making->count++);
    g_autofree char *name = g_path_get_basename(key);
    g_autoptr(json_auto) source = json_pack("{ssss}", "S3Uri", uri, "S3DataType", "S3Prefix");
    job_plan_input(making->plan, g_strdup(option), folder, source);
    return g_build_filename(ROOT, folder, name, NULL);
}

typedef bool take_file(struct making *making, const char *path, GError **error);

static bool bring_all(struct making *making, const char *option, take_file *take, GError **error)
{
    const char *value = job_run_option(making->run, option);
    g_auto(GStrv) uris = g_strsplit(value ? value : "", ",", -1);
    for (char **uri = uris; *uri; uri++) {
        if (!*g_strstrip(*uri))
            continue;
        g_autofree char *path = bring(making, option, *uri, error);
        if (!path || !take(making, path, error))
            return false;
    }
    return true;
}

static bool ends_with(const char *path, const char *suffix)
{
    return g_str_has_suffix(path, suffix);
}

/* A wheel is unpacked, a zip or an egg read where it is, a module's folder is looked into. */
static bool take_python(struct making *making, const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    if (ends_with(path, ".whl")) {
        json_array_append_new(making->wheels, json_string(path + strlen(ROOT)));
        json_array_append_new(making->paths, json_sprintf("%s.unpacked", path));
        return true;
    }
    if (!ends_with(path, ".py") && !ends_with(path, ".zip") && !ends_with(path, ".egg"))
        return refuse(error, "--extra-py-files", path + strlen(ROOT),
                      "none of a .py file, a .zip, an .egg and a .whl");
    json_array_append_new(making->py_files, json_string(path));
    json_array_append_new(making->paths, json_string(ends_with(path, ".py") ? folder : path));
    return true;
}

static bool take_jar(struct making *making, const char *path, GError **error)
{
    (void)error;
    json_array_append_new(making->jars, json_string(path));
    return true;
}

static bool take_any(struct making *making, const char *path, GError **error)
{
    (void)error;
    json_array_append_new(making->files, json_string(path));
    return true;
}

/* "pandas==2.0.0,s3://bucket/own.whl" */
static bool add_modules(struct making *making, GError **error)
{
    const char *value = job_run_option(making->run, "--additional-python-modules");
    g_auto(GStrv) words = g_strsplit(value ? value : "", ",", -1);
    for (char **word = words; *word; word++) {
        if (!*g_strstrip(*word))
            continue;
        if (!s3_uri_is(*word)) {
            json_array_append_new(making->modules, json_string(*word));
            continue;
        }
        g_autofree char *path = bring(making, "--additional-python-modules", *word, error);
        if (!path || !take_python(making, path, error))
            return false;
    }
    return true;
}

/* ---- arguments ---- */

static void add_word(json_t *list, const char *word)
{
    json_array_append_new(list, json_string(word));
}

static json_t *arguments_of(const struct resource *run)
{
    json_t *arguments = json_array();
    g_autofree char *id = g_strdup_printf("j_%s", run->name + strlen("jr_"));
    const char *const own[] = {"--JOB_NAME",   run->parent, "--JOB_ID", id,
                               "--JOB_RUN_ID", run->name,   NULL};
    const char *name;
    const json_t *value;
    json_object_foreach(json_object_get(run->body, "Options"), name, value)
    {
        if (g_strv_contains(special, name) || strncmp(name, "--JOB_", strlen("--JOB_")) == 0)
            continue;
        add_word(arguments, name);
        add_word(arguments, json_string_value(value));
    }
    if (!job_run_option(run, "--job-bookmark-option")) {
        add_word(arguments, "--job-bookmark-option");
        add_word(arguments, "job-bookmark-disable");
    }
    for (size_t i = 0; own[i]; i++)
        add_word(arguments, own[i]);
    return arguments;
}

/* "a=b --conf c=d", as Glue takes several. */
static json_t *conf_of(const struct resource *run, GError **error)
{
    const char *value = job_run_option(run, "--conf");
    g_auto(GStrv) pairs = g_strsplit(value ? value : "", "--conf", -1);
    g_autoptr(json_auto) conf = json_object();
    for (char **pair = pairs; *pair; pair++) {
        char *equals = strchr(g_strstrip(*pair), '=');
        if (!**pair)
            continue;
        if (!equals) {
            refuse(error, "--conf", *pair, "no property with its value, as spark.a.b=c is");
            return NULL;
        }
        *equals = '\0';
        json_object_set_new(conf, *pair, json_string(equals + 1));
    }
    return g_steal_pointer(&conf);
}

/* ---- the script ---- */

static const char *location_of(const struct resource *run)
{
    return json_text_at(run->body, "Command.ScriptLocation");
}

/* Where it will be seen; g_free. */
static char *bring_script(struct making *making, GError **error)
{
    const char *uri = location_of(making->run);
    g_autofree char *bucket = NULL, *key = NULL;
    g_autoptr(lake_object_auto) there =
        s3_uri_parse(uri, &bucket, &key, error)
            ? lake_stat(making->call->lathe->lake, bucket, key, error)
            : NULL;
    if (!there) {
        g_prefix_error(error, "ScriptLocation %s: ", uri);
        return NULL;
    }
    g_autofree char *name = g_path_get_basename(key);
    g_autoptr(json_auto) source = json_pack("{ssss}", "S3Uri", uri, "S3DataType", "S3Prefix");
    job_plan_input(making->plan, g_strdup("ScriptLocation"), CODE, source);
    return g_build_filename(ROOT CODE, name, NULL);
}

static json_t *spark_words(struct making *making, const char *script, GError **error)
{
    const struct lathe *lathe = making->call->lathe;
    const struct resource *run = making->run;
    if (ends_with(script, ".scala")) {
        refuse(error, "ScriptLocation", location_of(run),
               "Scala, which is not compiled here: name a jar, and its class as --class");
        return NULL;
    }
    g_autoptr(json_auto) conf = spark_check(lathe->settings, error) ? conf_of(run, error) : NULL;
    g_autoptr(json_auto) arguments = arguments_of(run);
    struct spark_submit submit = {
        .application = script,
        .class_name = ends_with(script, ".jar") ? job_run_option(run, "--class") : NULL,
        .arguments = arguments,
        .py_files = making->py_files,
        .jars = making->jars,
        .files = making->files,
        .conf = conf,
    };
    return conf ? spark_command(lathe->settings, &submit) : NULL;
}

static json_t *python_words(struct making *making, const char *script, GError **error)
{
    if (!script_check(making->call, error))
        return NULL;
    g_autoptr(json_auto) arguments = arguments_of(making->run);
    json_t *words = json_pack("[ss]", "python3", script);
    json_array_extend(words, arguments);
    return words;
}

/* ---- the whole ---- */

static json_t *settings_of(const struct making *making, const json_t *words)
{
    const struct call *call = making->call;
    const json_t *body = making->run->body;
    bool is_spark = job_command_of(json_object_get(body, "Command")) == JOB_SPARK;
    g_autoptr(json_auto) spark =
        is_spark ? spark_settings(call->lathe->settings, call->lathe->url, call->region,
                                  json_integer_at(body, "NumberOfWorkers", 1))
                 : NULL;
    struct script script = {
        .entrypoint = words, .spark = spark, .volume = is_spark ? SPARK_DISK : PYTHON_DISK};
    json_t *settings = script_settings(call, &script);
    json_object_set(settings, "PythonPath", making->paths);
    json_object_set(settings, "Wheels", making->wheels);
    json_object_set(settings, "Requirements", making->modules);
    return settings;
}

static bool fill(struct making *making, json_t *bookmark, GError **error)
{
    const json_t *command = json_object_get(making->run->body, "Command");
    g_autofree char *script = bring_script(making, error);
    if (!script || !bring_all(making, "--extra-py-files", take_python, error) ||
        !bring_all(making, "--extra-jars", take_jar, error) ||
        !bring_all(making, "--extra-files", take_any, error) || !add_modules(making, error))
        return false;
    g_autoptr(json_auto) words = job_command_of(command) == JOB_SPARK
                                     ? spark_words(making, script, error)
                                     : python_words(making, script, error);
    if (!words)
        return false;
    layout_script(making->plan, settings_of(making, words), NULL);
    if (bookmark)
        job_plan_file(making->plan, "input/config/bookmark.json", json_incref(bookmark));
    making->plan->max_seconds = 60 * (double)json_integer_at(making->run->body, "Timeout", 0);
    making->plan->stop_seconds = 30;
    return job_plan_check(making->plan, error);
}

static void clear(struct making *making)
{
    json_t *const values[] = {making->paths,    making->wheels, making->modules,
                              making->py_files, making->jars,   making->files};
    for (size_t i = 0; i < G_N_ELEMENTS(values); i++)
        json_decref(values[i]);
}

struct job_plan *job_run_plan(const struct call *call, const struct resource *run, json_t *bookmark,
                              GError **error)
{
    struct making making = {.call = call,
                            .run = run,
                            .plan = job_plan_new(RUNTIME_SCRIPT, NULL),
                            .paths = json_array(),
                            .wheels = json_array(),
                            .modules = json_array(),
                            .py_files = json_array(),
                            .jars = json_array(),
                            .files = json_array()};
    bool done = fill(&making, bookmark, error);
    clear(&making);
    if (done)
        return making.plan;
    job_plan_free(making.plan);
    return NULL;
}
