#include "script/spark_files.h"

#include "base/file.h"

#define CONF "spark" /* below SANDBOX_PYTHON_FOLDER */

/* Java 17 fails to look for limits where a control group of version 1 is a sandbox's own. */
static bool looks_in_vain_for_limits(const json_t *settings)
{
    return g_strcmp0(json_text_at(settings, "Isolation"), "none") != 0 &&
           !g_file_test("/sys/fs/cgroup/cgroup.controllers", G_FILE_TEST_EXISTS);
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
    {
        g_autofree char *escaped = g_strescape(json_string_value(value), "\"");
        g_string_append_printf(text, "%s %s\n", name, escaped);
    }
    if (looks_in_vain_for_limits(settings))
        g_string_append(text, "spark.driver.defaultJavaOptions -XX:-UseContainerSupport\n");
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
