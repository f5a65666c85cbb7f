/* Why a program ended, from what Spark and Java wrote (recorded from Spark 4.0.1, shortened). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "script/reason.h"

static void assert_reason(const char *said, const char *wanted)
{
    g_autoptr(GString) text = g_string_new(NULL);
    struct reason_tail tail = {text};
    reason_hear(&tail, said, strlen(said));
    g_autofree char *reason = reason_of(&tail, 1, 1, "/usr/bin/python3");
    assert_string_equal(reason, wanted);
}

static void a_reason_is_looked_for_in_both_streams(void **state)
{
    (void)state;
    static const char trace[] = "Traceback (most recent call last):\n"
                                "  File \"/opt/ml/code/app.py\", line 3, in <module>\n"
                                "ValueError: the reason\n";
    static const char reason[] = "ValueError: the reason (/opt/ml/code/app.py, line 3)";
    static const char *const said[][3] = {{trace, "a line\n", reason},
                                          {"a warning\n", trace, reason},
                                          {"its words\n", "a line\n", "its words"},
                                          {"", "a line\n", "a line"}};
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autoptr(GString) errors = g_string_new(said[i][0]);
        g_autoptr(GString) output = g_string_new(said[i][1]);
        const struct reason_tail tails[] = {{errors}, {output}};
        g_autofree char *told = reason_of(tails, 2, 1, NULL);
        assert_string_equal(told, said[i][2]);
    }
}

static void python_tells_what_was_thrown_in_java(void **state)
{
    (void)state;
    assert_reason(
        "Traceback (most recent call last):\n"
        "  File \"/opt/ml/processing/input/code/app.py\", line 3, in <module>\n"
        "    spark = SparkSession.builder.getOrCreate()\n"
        "  File \"/spark/python/lib/py4j-src.zip/py4j/protocol.py\", line 327, in "
        "get_return_value\n"
        "py4j.protocol.Py4JJavaError: An error occurred while calling o31.load.\n"
        ": java.lang.ExceptionInInitializerError\n"
        "\tat org.apache.spark.SparkContext.<init>(SparkContext.scala:608)\n"
        "Caused by: java.lang.NullPointerException\n"
        "\tat java.base/java.util.Objects.requireNonNull(Objects.java:209)\n"
        "\t... 17 more\n\n"
        "26/11/29 14:14:37 INFO ShutdownHookManager: Shutdown hook called\n",
        "java.lang.ExceptionInInitializerError; caused by: java.lang.NullPointerException "
        "(/opt/ml/processing/input/code/app.py, line 3)");
}

static void sparks_own_python_exceptions_stay_as_they_are(void **state)
{
    (void)state;
    assert_reason("Traceback (most recent call last):\n"
                  "  File \"/opt/ml/code/app.py\", line 3, in <module>\n"
                  "pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] "
                  "The table or view `a` cannot be found.\n"
                  "26/11/29 14:14:37 INFO SparkContext: Invoking stop() from shutdown hook\n",
                  "pyspark.errors.exceptions.captured.AnalysisException: [TABLE_OR_VIEW_NOT_FOUND] "
                  "The table or view `a` cannot be found. (/opt/ml/code/app.py, line 3)");
}

static void a_main_function_that_throws_is_told(void **state)
{
    (void)state;
    assert_reason("Exception in thread \"main\" org.apache.spark.SparkException: Job aborted.\n"
                  "\tat own.Main.main(Main.java:5)\n"
                  "Caused by: java.io.IOException: first\n"
                  "Caused by: java.io.FileNotFoundException: s3://a/b\n"
                  "26/11/29 14:14:37 INFO ShutdownHookManager: Shutdown hook called\n",
                  "org.apache.spark.SparkException: Job aborted.; caused by: "
                  "java.io.FileNotFoundException: s3://a/b");
}

static void a_main_class_that_is_not_there_is_told(void **state)
{
    (void)state;
    assert_reason("Error: Failed to load class own.None.\n"
                  "26/11/29 19:12:20 INFO ShutdownHookManager: Shutdown hook called\n",
                  "Failed to load class own.None.");
}

static void too_little_memory_is_told_with_what_gives_more(void **state)
{
    (void)state;
    assert_reason("26/11/29 ERROR Executor: Exception in task 0.0 in stage 0.0 (TID 0)\n"
                  "java.lang.OutOfMemoryError: Java heap space\n"
                  "Traceback (most recent call last):\n"
                  "  File \"/opt/ml/code/app.py\", line 9, in <module>\n"
                  "py4j.protocol.Py4JNetworkError: Answer from Java side is empty\n",
                  "java.lang.OutOfMemoryError: Java heap space; the driver has as much memory as "
                  "spark.driver.memory says (1g unless told): in the SDK's configuration= as "
                  "spark-defaults, in Glue's --conf (/opt/ml/code/app.py, line 9)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reason_is_looked_for_in_both_streams),
        cmocka_unit_test(python_tells_what_was_thrown_in_java),
        cmocka_unit_test(sparks_own_python_exceptions_stay_as_they_are),
        cmocka_unit_test(a_main_function_that_throws_is_told),
        cmocka_unit_test(a_main_class_that_is_not_there_is_told),
        cmocka_unit_test(too_little_memory_is_told_with_what_gives_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
