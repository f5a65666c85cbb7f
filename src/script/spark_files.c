#include "script/spark_files.h"

#include "base/file.h"

/* Below SANDBOX_PYTHON_FOLDER. Spark puts its configuration's folder into the class path, where a
 * colon ends a name: so what is there is no folder, with which Java would use no archive of classes
 * (spark_settings of runtime/spark.h). Files that are looked for as classes are, log4j2.properties
 * and its like, are not found in it. */
#define CONF "spark:"

/* Java 17 fails to look for limits where a control group of version 1 is a sandbox's own. */
static bool looks_in_vain_for_limits(const json_t *settings)
{
    return g_strcmp0(json_text_at(settings, "Isolation"), "none") != 0 &&
           !g_file_test("/sys/fs/cgroup/cgroup.controllers", G_FILE_TEST_EXISTS);
}

/* A line of a file of Java's properties. */
static void add_line(GString *text, const char *name, const char *value)
{
    g_autoptr(GString) escaped = g_string_new(value);
    g_string_replace(escaped, "\\", "\\\\", 0);
    g_string_replace(escaped, "\n", "\\n", 0);
    g_string_append_printf(text, "%s %s\n", name, escaped->str);
}

/* An archive that fits this Java or these jars no more is passed over; of that the program's log
 * is to say nothing. */
static void add_archive(GString *options, const char *path)
{
    g_autoptr(GString) quoted = g_string_new(path);
    g_string_replace(quoted, "\\", "\\\\", 0);
    g_string_replace(quoted, "\"", "\\\"", 0);
    g_string_append_printf(options,
                           "\"-XX:SharedArchiveFile=%s\" -Xlog:cds=off -Xlog:cds+dynamic=off "
                           "-Xlog:class+path=off ",
                           quoted->str);
}

static void add_java_options(GString *text, const json_t *settings)
{
    const char *classes = json_text_at(settings, "Spark.Classes");
    g_autoptr(GString) options = g_string_new(NULL);
    if (classes)
        add_archive(options, classes);
    if (looks_in_vain_for_limits(settings))
        g_string_append(options, "-XX:-UseContainerSupport ");
    if (options->len)
        add_line(text, "spark.driver.defaultJavaOptions", g_strchomp(options->str));
}

bool spark_files_write(const char *folder, const json_t *settings, GError **error)
{
    const json_t *spark = json_object_get(settings, "Spark");
    if (!spark)
        return true;
    g_autofree char *conf = g_build_filename(folder, SANDBOX_PYTHON_FOLDER, CONF, NULL);
    g_autofree char *path = g_build_filename(conf, "spark-defaults.conf", NULL);
    g_autoptr(GString) text = g_string_new(NULL);
    const char *name;
    const json_t *value;
    json_object_foreach(json_object_get(spark, "Properties"), name, value)
        add_line(text, name, json_string_value(value));
    add_java_options(text, settings);
    return file_make_folders(conf, error) &&
           g_file_set_contents_full(path, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_NONE,
                                    0644, error);
}

void spark_files_environment(const struct sandbox *sandbox, const json_t *settings,
                             json_t *environment)
{
    const json_t *spark = json_object_get(settings, "Spark");
    if (!spark)
        return;
    g_autofree char *conf = g_build_filename(sandbox_python(sandbox), CONF, NULL);
    json_object_set(environment, "SPARK_HOME", json_object_get(spark, "Home"));
    json_object_set(environment, "JAVA_HOME", json_object_get(spark, "Java"));
    json_object_set_new(environment, "SPARK_CONF_DIR", json_string(conf));
    json_object_set_new(environment, "SPARK_LOCAL_IP", json_string("127.0.0.1"));
    if (sandbox->python)
        json_object_set_new(environment, "PYSPARK_PYTHON", json_string(sandbox->python));
}
