/* Which addresses are of the public internet (IANA's registries of special-purpose addresses say),
 * and what an entry of the list of others means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "fetch/address.h"

static struct sockaddr_storage peer_of(const char *text, unsigned port)
{
    struct sockaddr_storage peer = {0};
    struct sockaddr_in *four = (void *)&peer;
    struct sockaddr_in6 *six = (void *)&peer;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        peer.ss_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, text, &six->sin6_addr), 1);
        peer.ss_family = AF_INET6;
        six->sin6_port = htons((uint16_t)port);
    }
    return peer;
}

static void assert_public(const char *text, bool expected)
{
    struct sockaddr_storage peer = peer_of(text, 80);
    if (fetch_peer_is_public((void *)&peer) != expected)
        fail_msg("%s is held for %s", text, expected ? "special" : "public");
}

static void special_addresses_are_not_public(void **state)
{
    (void)state;
    static const char *const texts[] = {"0.0.0.0",
                                        "0.1.2.3",
                                        "10.0.0.1",
                                        "10.255.255.255",
                                        "100.64.0.1",
                                        "100.127.255.255",
                                        "127.0.0.1",
                                        "127.255.255.254",
                                        "169.254.169.254",
                                        "169.254.170.2",
                                        "172.16.0.1",
                                        "172.31.255.255",
                                        "192.0.0.192",
                                        "192.0.2.1",
                                        "192.88.99.1",
                                        "192.168.1.1",
                                        "198.18.0.1",
                                        "198.19.255.255",
                                        "198.51.100.7",
                                        "203.0.113.9",
                                        "224.0.0.1",
                                        "239.1.1.1",
                                        "240.0.0.1",
                                        "255.255.255.255",
                                        "::",
                                        "::1",
                                        "::ffff:127.0.0.1",
                                        "::ffff:10.0.0.1",
                                        "::ffff:169.254.169.254",
                                        "::127.0.0.1",
                                        "64:ff9b::7f00:1",
                                        "64:ff9b::a9fe:a9fe",
                                        "64:ff9b:1::1",
                                        "100::1",
                                        "fe80::1",
                                        "fec0::1",
                                        "fc00::1",
                                        "fd00:ec2::254",
                                        "ff02::1",
                                        "2001::1",
                                        "2001:0:7f00:1::",
                                        "2001:db8::1",
                                        "2002:7f00:1::",
                                        "2002:0808:0808::",
                                        "3fff::1",
                                        "5f00::1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_public(texts[i], false);
}

static void others_are(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.1.1.1",         "8.8.8.8",
                                        "9.255.255.255",   "11.0.0.0",
                                        "100.63.255.255",  "100.128.0.0",
                                        "126.255.255.255", "128.0.0.0",
                                        "169.253.255.255", "169.255.0.0",
                                        "172.15.255.255",  "172.32.0.0",
                                        "192.0.1.0",       "192.167.255.255",
                                        "192.169.0.0",     "198.17.255.255",
                                        "198.20.0.0",      "223.255.255.255",
                                        "2600::1",         "2606:4700:4700::1111",
                                        "2a00:1450::1",    "2001:4860:4860::8888",
                                        "::ffff:8.8.8.8",  "64:ff9b::808:808"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_public(texts[i], true);
}

static void entries_are_hosts_with_and_without_ports(void **state)
{
    (void)state;
    static const char *const good[] = {"files.example.org",
                                       "files.example.org:8080",
                                       "127.0.0.1",
                                       "127.0.0.1:1",
                                       "::1",
                                       "[::1]",
                                       "[::1]:65535",
                                       "fd00::7"};
    static const char *const bad[] = {"",           ":80", "a:0", "a:65536",       "a:x",
                                      "http://a",   "a/b", "a b", "*.example.org", "[::1",
                                      "10.0.0.0/8", "a,b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!fetch_entry_is(good[i]))
            fail_msg("%s is refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (fetch_entry_is(bad[i]))
            fail_msg("\"%s\" is taken", bad[i]);
}

static void hosts_are_listed_by_any_spelling(void **state)
{
    (void)state;
    static const char *const allow[] = {"Files.example.org:8080", "127.0.0.1", "[0:0::1]:80", NULL};
    const struct fetch_rules rules = {.allow = allow};
    assert_true(fetch_is_listed(&rules, "files.EXAMPLE.org.", 8080));
    assert_false(fetch_is_listed(&rules, "files.example.org", 80));
    assert_false(fetch_is_listed(&rules, "xfiles.example.org", 8080));
    assert_false(fetch_is_listed(&rules, "files.example.org.evil.org", 8080));
    assert_true(fetch_is_listed(&rules, "127.0.0.1", 9));
    assert_true(fetch_is_listed(&rules, "[::1]", 80));
    assert_false(fetch_is_listed(&rules, "::1", 81));
    const struct fetch_rules none = {0};
    assert_false(fetch_is_listed(&none, "127.0.0.1", 80));
}

static void what_is_connected_to_may_be_listed_itself(void **state)
{
    (void)state;
    static const char *const allow[] = {"127.0.0.1:8080", NULL};
    const struct fetch_rules rules = {.allow = allow};
    struct sockaddr_storage same = peer_of("127.0.0.1", 8080), other = peer_of("127.0.0.1", 8081);
    struct sockaddr_storage mapped = peer_of("::ffff:127.0.0.1", 8080);
    assert_true(fetch_peer_is_listed(&rules, (void *)&same));
    assert_false(fetch_peer_is_listed(&rules, (void *)&other));
    assert_false(fetch_peer_is_listed(&rules, (void *)&mapped));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_addresses_are_not_public),
        cmocka_unit_test(others_are),
        cmocka_unit_test(entries_are_hosts_with_and_without_ports),
        cmocka_unit_test(hosts_are_listed_by_any_spelling),
        cmocka_unit_test(what_is_connected_to_may_be_listed_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
