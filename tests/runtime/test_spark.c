/* What of Spark has to be there, and what is told to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "runtime/spark.h"

static char *folder;

static void lay(const char *name)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    assert_true(file_make_folders(above, NULL));
    assert_true(g_file_set_contents(path, "", 0, NULL));
    assert_int_equal(chmod(path, 0755), 0);
}

static int up(void **state)
{
    (void)state;
    folder = g_dir_make_tmp("lathe-spark-XXXXXX", NULL);
    lay("jre/bin/java");
    return 0;
}

static int down(void **state)
{
    (void)state;
    file_remove_tree(folder, NULL);
    g_free(folder);
    return 0;
}

static char *below(const char *name)
{
    return g_build_filename(folder, name, NULL);
}

static void assert_missing(const struct settings *settings, const char *words)
{
    g_autoptr(GError) error = NULL;
    assert_false(spark_check(settings, &error));
    if (!strstr(error->message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, error->message);
}

/* As pip lays it out. */
#define PACKAGE "env/lib/python3.11/site-packages/pyspark"

static void what_is_missing_is_named(void **state)
{
    (void)state;
    struct settings settings = {0};
    assert_missing(&settings, "pip install pyspark");
    lay("env/bin/spark-submit");
    settings.spark = below("env/bin/spark-submit");
    assert_missing(&settings, "there is no folder of Spark's");
    lay(PACKAGE "/jars/hadoop-client-api-3.4.1.jar");
    assert_missing(&settings, "Spark needs Java");
    settings.java = below("jre/bin/java");
    assert_missing(&settings, "hadoop-aws 3.4.1 with the modules");
    lay(PACKAGE "/jars/hadoop-aws-3.4.1.jar");
    assert_missing(&settings, "has no spark-hadoop-cloud.jar");
    lay(PACKAGE "/jars/spark-hadoop-cloud_2.13-4.0.1.jar");
    assert_true(spark_check(&settings, NULL));
    settings.spark_master = (char *)"spark://127.0.0.1:7077";
    assert_missing(&settings, "set runtime.network: host");
    settings.host_network = true;
    assert_true(spark_check(&settings, NULL));
    g_free(settings.spark);
    g_free(settings.java);
}

static struct settings whole(void)
{
    lay("env/bin/spark-submit");
    lay(PACKAGE "/jars/a.jar");
    return (struct settings){.spark = below("env/bin/spark-submit"), .java = below("jre/bin/java")};
}

static void clear(struct settings *settings)
{
    g_free(settings->spark);
    g_free(settings->java);
}

static void programs_find_the_server_and_their_cores(void **state)
{
    (void)state;
    struct settings settings = whole();
    g_autofree char *home = below(PACKAGE);
    g_autofree char *java = below("jre");
    g_autoptr(json_auto) alone = spark_settings(&settings, "http://127.0.0.1:1", "eu-west-3", 2);
    assert_string_equal(json_text_at(alone, "Home"), home);
    assert_string_equal(json_text_at(alone, "Java"), java);
    assert_null(json_object_get(alone, "Classes"));
    const json_t *properties = json_object_get(alone, "Properties");
    assert_string_equal(json_string_value(json_object_get(properties, "spark.master")), "local[*]");
    assert_null(json_object_get(properties, "spark.cores.max"));
    assert_string_equal(
        json_string_value(json_object_get(properties, "spark.hadoop.fs.s3a.endpoint")),
        "http://127.0.0.1:1");
    settings.spark_master = (char *)"spark://127.0.0.1:7077";
    g_autoptr(json_auto) cluster = spark_settings(&settings, "http://127.0.0.1:1", "eu-west-3", 2);
    properties = json_object_get(cluster, "Properties");
    assert_string_equal(json_string_value(json_object_get(properties, "spark.cores.max")), "2");
    clear(&settings);
}

static void an_archive_of_classes_is_found(void **state)
{
    (void)state;
    struct settings settings = whole();
    lay(PACKAGE "/lathe.jsa");
    g_autofree char *archive = below(PACKAGE "/lathe.jsa");
    g_autoptr(json_auto) found = spark_settings(&settings, "http://127.0.0.1:1", "eu-west-3", 1);
    assert_string_equal(json_text_at(found, "Classes"), archive);
    clear(&settings);
}

static void a_command_has_all_that_was_submitted(void **state)
{
    (void)state;
    struct settings settings = whole();
    g_autoptr(json_auto) lists =
        json_pack("{s[ss] s[s] s[ss] s{ss}}", "jars", "/a.jar", "s3://b/c", "files", "/f",
                  "arguments", "--conf", "x", "conf", "spark.a", "b=c d");
    struct spark_submit submit = {.application = "/app.jar",
                                  .class_name = "a.B",
                                  .arguments = json_object_get(lists, "arguments"),
                                  .jars = json_object_get(lists, "jars"),
                                  .files = json_object_get(lists, "files"),
                                  .conf = json_object_get(lists, "conf"),
                                  .event_logs = "/opt/ml/logs"};
    g_autoptr(json_auto) command = spark_command(&settings, &submit);
    g_autofree char *text = json_dumps(command, JSON_COMPACT);
    const char *rest = strstr(text, "/bin/spark-submit\",");
    assert_non_null(rest);
    assert_string_equal(rest + strlen("/bin/spark-submit\","),
                        "\"--conf\",\"spark.eventLog.enabled=true\",\"--conf\","
                        "\"spark.eventLog.dir=file:///opt/ml/logs\",\"--conf\",\"spark.a=b=c d\","
                        "\"--class\",\"a.B\",\"--jars\",\"/a.jar,s3://b/c\",\"--files\",\"/f\","
                        "\"/app.jar\",\"--conf\",\"x\"]");
    clear(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_named, up, down),
        cmocka_unit_test_setup_teardown(programs_find_the_server_and_their_cores, up, down),
        cmocka_unit_test_setup_teardown(an_archive_of_classes_is_found, up, down),
        cmocka_unit_test_setup_teardown(a_command_has_all_that_was_submitted, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
