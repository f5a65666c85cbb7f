#define _XOPEN_SOURCE 700 /* realpath */
#include "runtime/spark.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* ---- where Spark is ---- */

static bool is_home(const char *folder)
{
    g_autofree char *jars = g_build_filename(folder, "jars", NULL);
    return g_file_test(jars, G_FILE_TEST_IS_DIR);
}

/* pip's spark-submit lies in a bin beside the lib in which the package is. */
static char *home_in_packages(const char *prefix)
{
    static const char *const packages[] = {"site-packages", "dist-packages"};
    g_autofree char *lib = g_build_filename(prefix, "lib", NULL);
    g_autoptr(GDir) folder = g_dir_open(lib, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder)))
        for (size_t i = 0; i < G_N_ELEMENTS(packages); i++) {
            g_autofree char *home = g_build_filename(lib, name, packages[i], "pyspark", NULL);
            if (g_str_has_prefix(name, "python3") && is_home(home))
                return g_steal_pointer(&home);
        }
    return NULL;
}

/* Two folders above a program, wherever links lead; g_free. */
static char *prefix_of(const char *program)
{
    char real[PATH_MAX];
    g_autofree char *bin = g_path_get_dirname(realpath(program, real) ? real : program);
    return g_path_get_dirname(bin);
}

/* SPARK_HOME of the settings' spark-submit; NULL: nothing like it lies there. g_free. */
static char *home_of(const struct settings *settings)
{
    g_autofree char *prefix = prefix_of(settings->spark);
    return is_home(prefix) ? g_steal_pointer(&prefix) : home_in_packages(prefix);
}

/* ---- what has to be there ---- */

/* The first jar of Spark's whose name begins so; g_free. */
static char *find_jar(const char *home, const char *begin)
{
    g_autofree char *jars = g_build_filename(home, "jars", NULL);
    g_autoptr(GDir) folder = g_dir_open(jars, 0, NULL);
    const char *name;
    while (folder && (name = g_dir_read_name(folder)))
        if (g_str_has_prefix(name, begin) && g_ascii_isdigit(name[strlen(begin)]))
            return g_strdup(name);
    return NULL;
}

static bool refuse_jars(const char *home, const char *missing, GError **error)
{
    g_autofree char *hadoop = find_jar(home, "hadoop-client-api-");
    int size = hadoop ? (int)(strlen(hadoop) - strlen("hadoop-client-api-.jar")) : 0;
    return error_set(error, ERROR_VALIDATION,
                     "Spark in %s has no %s.jar among its jars, without which it reads and writes "
                     "no s3://. What is needed there: hadoop-aws%s%.*s with the modules of the AWS "
                     "SDK for Java that it uses, and spark-hadoop-cloud of this Spark's version. "
                     "From lathe's source, `./dev setup spark` brings a Spark that has them.",
                     home, missing, size > 0 ? " " : "", MAX(size, 0),
                     hadoop ? hadoop + strlen("hadoop-client-api-") : "");
}

static bool check_jars(const char *home, GError **error)
{
    g_autofree char *s3a = find_jar(home, "hadoop-aws-");
    g_autofree char *committer = find_jar(home, "spark-hadoop-cloud_2.13-");
    g_autofree char *earlier = find_jar(home, "spark-hadoop-cloud_2.12-");
    if (!s3a)
        return refuse_jars(home, "hadoop-aws", error);
    return committer || earlier || refuse_jars(home, "spark-hadoop-cloud", error);
}

static bool refuse_spark(const struct settings *settings, GError **error)
{
    if (!settings->spark)
        return error_set(error, ERROR_VALIDATION,
                         "This job needs Spark, of which none was found where lathe was started. "
                         "`pip install pyspark` brings it, or from lathe's source `./dev setup "
                         "spark`; then name its folder as runtime.spark in " SETTINGS_FILE
                         ", or start lathe with spark-submit in the PATH.");
    return error_set(error, ERROR_VALIDATION,
                     "runtime.spark: beside %s there is no folder of Spark's (one with bin and "
                     "jars in it). Name Spark's own folder, its SPARK_HOME.",
                     settings->spark);
}

bool spark_check(const struct settings *settings, GError **error)
{
    g_autofree char *home = settings->spark ? home_of(settings) : NULL;
    if (!home)
        return refuse_spark(settings, error);
    if (!settings->java)
        return error_set(error, ERROR_VALIDATION,
                         "Spark needs Java, which was not found where lathe was started: no "
                         "bin/java in JAVA_HOME and no java in the PATH. Debian has it as "
                         "default-jre-headless; Spark 4 wants Java 17 or later.");
    if (settings->spark_master && !settings->host_network)
        return error_set(error, ERROR_VALIDATION,
                         "runtime.spark.master (%s) is reached by the machine's network alone: set "
                         "runtime.network: host in " SETTINGS_FILE ", too.",
                         settings->spark_master);
    return check_jars(home, error);
}

/* ---- what is told to it ---- */

#define S3A "org.apache.hadoop.fs.s3a."
#define CLOUD "org.apache.spark.internal.io.cloud."

/* s3:// is S3A, too. What a program writes is seen when its job commits, by completing uploads: no
 * file is ever renamed, so that none is seen half written. */
static const char *const properties[][2] = {
    {"spark.hadoop.fs.s3.impl", S3A "S3AFileSystem"},
    {"spark.hadoop.fs.AbstractFileSystem.s3.impl", S3A "S3A"},
    {"spark.hadoop.fs.s3a.path.style.access", "true"},
    {"spark.hadoop.fs.s3a.connection.ssl.enabled", "false"},
    {"spark.hadoop.fs.s3a.aws.credentials.provider", S3A "SimpleAWSCredentialsProvider"},
    {"spark.hadoop.fs.s3a.access.key", "test"},
    {"spark.hadoop.fs.s3a.secret.key", "test"},
    {"spark.hadoop.fs.s3a.committer.name", "magic"},
    {"spark.hadoop.fs.s3a.committer.magic.enabled", "true"},
    {"spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3", S3A "commit.S3ACommitterFactory"},
    {"spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a", S3A "commit.S3ACommitterFactory"},
    {"spark.sql.sources.commitProtocolClass", CLOUD "PathOutputCommitProtocol"},
    {"spark.sql.parquet.output.committer.class", CLOUD "BindingParquetOutputCommitter"},
    {"spark.driver.host", "127.0.0.1"},
    {"spark.driver.bindAddress", "127.0.0.1"},
    {"spark.ui.enabled", "false"},
};

static void put(json_t *object, const char *name, const char *value)
{
    json_object_set_new(object, name, json_string(value));
}

/* One core each, unless the program's own properties say otherwise. */
static void add_executors(json_t *object, gint64 executors)
{
    g_autofree char *count = g_strdup_printf("%" G_GINT64_FORMAT, executors);
    put(object, "spark.executor.cores", "1");
    put(object, "spark.cores.max", count);
    put(object, "spark.executor.instances", count);
}

static json_t *properties_of(const struct settings *settings, const char *url, const char *region,
                             gint64 executors)
{
    json_t *object = json_object();
    for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
        put(object, properties[i][0], properties[i][1]);
    put(object, "spark.hadoop.fs.s3a.endpoint", url);
    put(object, "spark.hadoop.fs.s3a.endpoint.region", region);
    put(object, "spark.master", settings->spark_master ? settings->spark_master : "local[*]");
    if (settings->spark_master)
        add_executors(object, executors);
    return object;
}

/* As tools/setup_spark.py made it; NULL: it is not there. g_free. */
static char *classes_of(const char *home)
{
    g_autofree char *archive = g_build_filename(home, "lathe.jsa", NULL);
    return g_file_test(archive, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer(&archive) : NULL;
}

json_t *spark_settings(const struct settings *settings, const char *url, const char *region,
                       gint64 executors)
{
    g_autofree char *home = home_of(settings);
    g_autofree char *java = prefix_of(settings->java);
    g_autofree char *classes = classes_of(home);
    return json_pack("{ss ss ss* so}", "Home", home, "Java", java, "Classes", classes, "Properties",
                     properties_of(settings, url, region, executors));
}

/* ---- spark-submit ---- */

static void add(json_t *command, const char *word)
{
    json_array_append_new(command, json_string(word));
}

static void add_option(json_t *command, const char *option, const char *value)
{
    if (!value)
        return;
    add(command, option);
    add(command, value);
}

/* A list of texts as Spark takes it: with commas. */
static void add_list(json_t *command, const char *option, const json_t *texts)
{
    g_autoptr(GString) joined = g_string_new(NULL);
    size_t i;
    const json_t *text;
    json_array_foreach((json_t *)texts, i, text)
        g_string_append_printf(joined, "%s%s", i ? "," : "", json_string_value(text));
    add_option(command, option, joined->len ? joined->str : NULL);
}

static void add_property(json_t *command, const char *name, const char *value)
{
    g_autofree char *pair = g_strdup_printf("%s=%s", name, value);
    add_option(command, "--conf", pair);
}

static void add_event_logs(json_t *command, const char *folder)
{
    if (!folder)
        return;
    g_autofree char *uri = g_filename_to_uri(folder, NULL, NULL);
    add_property(command, "spark.eventLog.enabled", "true");
    add_property(command, "spark.eventLog.dir", uri ? uri : folder);
}

json_t *spark_command(const struct settings *settings, const struct spark_submit *submit)
{
    g_autofree char *home = home_of(settings);
    g_autofree char *program = g_build_filename(home, "bin", "spark-submit", NULL);
    json_t *command = json_pack("[s]", program);
    add_event_logs(command, submit->event_logs);
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)submit->conf, name, value)
        add_property(command, name, json_string_value(value));
    add_option(command, "--class", submit->class_name);
    add_list(command, "--py-files", submit->py_files);
    add_list(command, "--jars", submit->jars);
    add_list(command, "--files", submit->files);
    add(command, submit->application);
    json_array_extend(command, (json_t *)submit->arguments);
    return command;
}
