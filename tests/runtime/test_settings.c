/* What a home's configuration file may say, and what is told of what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "runtime/settings.h"

static char *home, *spark; /* spark: a folder as Spark is unpacked to */

static int up(void **state)
{
    (void)state;
    home = g_dir_make_tmp("lathe-settings-XXXXXX", NULL);
    spark = g_build_filename(home, "spark", NULL);
    g_autofree char *bin = g_build_filename(spark, "bin", NULL);
    g_autofree char *submit = g_build_filename(bin, "spark-submit", NULL);
    return !file_make_folders(bin, NULL) || !g_file_set_contents(submit, "", 0, NULL) ||
           chmod(submit, 0755) != 0;
}

static int down(void **state)
{
    (void)state;
    file_remove_tree(home, NULL);
    g_free(home);
    g_free(spark);
    return 0;
}

static struct settings *read_text(const char *text, GError **error)
{
    g_autofree char *path = g_build_filename(home, SETTINGS_FILE, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return settings_read(home, NULL, error);
}

static void assert_refused(const char *text, const char *words)
{
    g_autoptr(GError) error = NULL;
    assert_null(read_text(text, &error));
    if (!strstr(error->message, words))
        fail_msg("\"%s\" is not in \"%s\"", words, error->message);
}

static void assert_spark(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *wanted = g_build_filename(spark, "bin", "spark-submit", NULL);
    struct settings *settings = read_text(text, &error);
    assert_null(error);
    assert_string_equal(settings->spark, wanted);
    settings_free(settings);
}

static void spark_is_a_folder_or_a_command(void **state)
{
    (void)state;
    g_autofree char *folder = g_strdup_printf("runtime: {spark: '%s'}\n", spark);
    g_autofree char *command = g_strdup_printf("runtime: {spark: '%s/bin/spark-submit'}\n", spark);
    g_autofree char *neither = g_strdup_printf("runtime: {spark: '%s'}\n", home);
    assert_spark(folder);
    assert_spark(command);
    assert_refused(neither, "runtime.spark has to be Spark's folder (with bin/spark-submit in it)");
    assert_refused("runtime: {spark: 3}\n", "runtime.spark has to be");
    assert_refused("runtime: {sparc: /opt/spark}\n",
                   "there is no key runtime.sparc; is spark meant?");
}

static void a_cluster_is_named_beside_spark(void **state)
{
    (void)state;
    g_autofree char *both = g_strdup_printf(
        "runtime: {spark: {home: '%s', master: 'spark://127.0.0.1:7077'}}\n", spark);
    assert_spark(both);
    g_autoptr(GError) error = NULL;
    struct settings *settings = read_text(both, &error);
    assert_string_equal(settings->spark_master, "spark://127.0.0.1:7077");
    settings_free(settings);
}

static void a_cluster_that_could_not_reach_the_server_is_refused(void **state)
{
    (void)state;
    assert_refused("runtime: {spark: {master: yarn}}\n",
                   "runtime.spark.master has to be a standalone master's address");
    assert_refused("runtime: {spark: {master: 'spark://10.1.2.3:7077'}}\n",
                   "10.1.2.3:7077 is not on this machine");
    assert_refused("runtime: {spark: {master: 'spark://127.0.0.1:1,127.evil.example:2'}}\n",
                   "127.evil.example:2 is not on this machine");
    assert_refused("runtime: {spark: {mister: 'spark://127.0.0.1:7077'}}\n",
                   "there is no key runtime.spark.mister; is master meant?");
}

static void where_nothing_is_said_spark_is_where_its_variable_says(void **state)
{
    (void)state;
    g_setenv("PATH", home, TRUE);
    g_setenv("SPARK_HOME", spark, TRUE);
    assert_spark("");
    g_setenv("SPARK_HOME", home, TRUE);
    struct settings *settings = read_text("", NULL);
    assert_null(settings->spark);
    settings_free(settings);
}

static void the_engine_of_images_is_podman_or_docker(void **state)
{
    (void)state;
    g_autofree char *podman = g_build_filename(home, "podman", NULL);
    assert_true(g_file_set_contents(podman, "", 0, NULL) && chmod(podman, 0755) == 0);
    g_autofree char *text = g_strdup_printf("runtime: {engine: '%s'}\n", podman);
    struct settings *settings = read_text(text, NULL);
    assert_string_equal(settings->engine, podman);
    settings_free(settings);
    settings = read_text("runtime: {engine: none}\n", NULL);
    assert_null(settings->engine);
    settings_free(settings);
    assert_refused("runtime: {engine: /bin/sh}\n", "runtime.engine has to be podman or docker");
    assert_refused("runtime: {engine: /nowhere/podman}\n", "runtime.engine has to be");
}

static void tunnels_are_open_unless_it_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool no_tunnels;
    } cases[] = {{"", false},
                 {"proxy: {tunnels: true}\n", false},
                 {"# all as it is\n", false},
                 {"proxy:\n  tunnels: false\n", true}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        struct settings *settings = read_text(cases[i].text, &error);
        assert_null(error);
        assert_int_equal(settings->no_tunnels, cases[i].no_tunnels);
        settings_free(settings);
    }
    assert_refused("proxy: {tunnels: no}\n", "proxy.tunnels has to be true or false");
    assert_refused("proxy: {tunels: false}\n", "there is no key proxy.tunels; is tunnels meant?");
    assert_refused("proxy: off\n", "proxy has to be a mapping");
}

static void what_may_be_fetched_is_listed(void **state)
{
    (void)state;
    struct settings *settings = read_text("", NULL);
    assert_int_equal(g_strv_length(settings->fetch_allow), 0);
    settings_free(settings);
    settings = read_text("fetch: {allow: ['127.0.0.1:8080', files.example.org]}\n", NULL);
    assert_int_equal(g_strv_length(settings->fetch_allow), 2);
    assert_string_equal(settings->fetch_allow[0], "127.0.0.1:8080");
    settings_free(settings);
    assert_refused("fetch: {allow: ['http://a/']}\n", "fetch.allow has to be a list of hosts");
    assert_refused("fetch: {allow: files.example.org}\n", "fetch.allow has to be a list of hosts");
    assert_refused("fetch: {allow: [10]}\n", "fetch.allow has to be a list of hosts");
    assert_refused("fetch: {alow: []}\n", "there is no key fetch.alow; is allow meant?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spark_is_a_folder_or_a_command),
        cmocka_unit_test(a_cluster_is_named_beside_spark),
        cmocka_unit_test(a_cluster_that_could_not_reach_the_server_is_refused),
        cmocka_unit_test(where_nothing_is_said_spark_is_where_its_variable_says),
        cmocka_unit_test(the_engine_of_images_is_podman_or_docker),
        cmocka_unit_test(tunnels_are_open_unless_it_says_otherwise),
        cmocka_unit_test(what_may_be_fetched_is_listed),
    };
    return cmocka_run_group_tests(tests, up, down);
}
