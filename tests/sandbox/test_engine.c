/* The commands that run images: what a container is given, and what it is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox/engine.h"

static char server[] = "127.0.0.1:4566", proxy[] = "127.0.0.1:4567", domain[] = "amazonaws.com";
static char *servers[] = {server, proxy, NULL}, *domains[] = {domain, NULL};

static struct sandbox sandbox_of(const char *engine)
{
    return (struct sandbox){.folder = (char *)"/home/lathe/jobs/7",
                            .engine = (char *)engine,
                            .servers = servers,
                            .domains = domains,
                            .domains_server = proxy,
                            .certificates = (char *)"/home/lathe/ca-bundle.pem",
                            .memory = 1 << 30,
                            .processes = 64,
                            .user = 200007,
                            .group = 200008};
}

/* As one line, blanks at both ends. */
static char *line_of(const struct sandbox *sandbox)
{
    g_autoptr(json_auto) environment = json_pack("{ssss}", "A", "b c", "LD_PRELOAD", "x.so");
    struct sandbox_command command = {.image = "own:1", .environment = environment};
    g_autoptr(GPtrArray) words = engine_arguments(sandbox, &command, "lathe-job-3");
    g_autofree char *joined = g_strjoinv(" ", (char **)words->pdata);
    return g_strdup_printf(" %s ", joined);
}

static void assert_has(const char *line, const char *words)
{
    if (!strstr(line, words))
        fail_msg("\"%s\" is not in \"%s\"", words, line);
}

static void a_container_has_the_jobs_folder_and_no_rights(void **state)
{
    (void)state;
    static const char *const engines[] = {"/usr/bin/podman", "/usr/bin/docker"};
    static const char *const wanted[] = {
        " run --rm --pull never --name lathe-job-3 ",
        " --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges ",
        " --user 200007:200008 ",
        " --memory 1073741824b ",
        " --volume /home/lathe/jobs/7:/opt/ml ",
        /* What is not the job's is covered. */
        " --volume /home/lathe/jobs/7/.lathe/var-tmp:/opt/ml/.lathe:ro ",
        " --volume /home/lathe/ca-bundle.pem:/run/lathe/certificates.pem:ro ",
        " --env HOME=/tmp --env A=b c --env LD_PRELOAD=x.so own:1 ",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(engines); i++) {
        struct sandbox sandbox = sandbox_of(engines[i]);
        g_autofree char *line = line_of(&sandbox);
        for (size_t w = 0; w < G_N_ELEMENTS(wanted); w++)
            assert_has(line, wanted[w]);
        assert_null(strstr(line, "privileged "));
    }
}

/* "host" is the network of whoever starts it: ours, which has a forwarder alone. docker is started
 * by its service, and would have the machine's. */
static void its_network_is_ours_or_none(void **state)
{
    (void)state;
    bool is_root = geteuid() == 0;
    struct sandbox podman = sandbox_of("/usr/bin/podman"), docker = sandbox_of("/usr/bin/docker");
    g_autofree char *with_podman = line_of(&podman), *with_docker = line_of(&docker);
    assert_has(with_podman, is_root ? " --network host " : " --network none ");
    assert_has(with_docker, " --network none ");
    assert_int_equal(strstr(with_podman, "/etc/resolv.conf:ro") != NULL, is_root);
    assert_null(strstr(with_docker, "/etc/resolv.conf"));
    docker.host_network = true;
    g_autofree char *with_machine = line_of(&docker);
    assert_has(with_machine, " --network host ");
}

static void it_is_ended_by_its_name(void **state)
{
    (void)state;
    struct sandbox sandbox = sandbox_of("/usr/bin/podman");
    g_autoptr(GPtrArray) words = engine_end_arguments(&sandbox, "lathe-job-3");
    g_autofree char *line = g_strjoinv(" ", (char **)words->pdata);
    assert_string_equal(line, "/usr/bin/podman rm --force lathe-job-3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_container_has_the_jobs_folder_and_no_rights),
        cmocka_unit_test(its_network_is_ours_or_none),
        cmocka_unit_test(it_is_ended_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
