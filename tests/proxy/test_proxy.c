/* The parts of the proxy that no client can be shown: heads to the letter, addresses that no test
 * may connect to, a tunnel between two sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "proxy/address.h"
#include "proxy/pump.h"
#include "proxy/request.h"

/* ---- heads ---- */

static unsigned read_head(const char *head, struct proxy_target *target)
{
    const char *why = NULL;
    unsigned status = proxy_head_read(head, strlen(head), target, &why);
    assert_true(status == 0 || why);
    return status;
}

static void heads_that_are_taken(void **state)
{
    (void)state;
    struct proxy_target target;
    assert_int_equal(
        0, read_head("CONNECT STS.amazonaws.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", &target));
    assert_string_equal(target.host, "sts.amazonaws.com");
    assert_int_equal(target.port, 443);
    assert_int_equal(0, read_head("CONNECT [2600::AB]:8443 HTTP/1.0\r\n\r\n", &target));
    assert_string_equal(target.host, "2600::ab");
    assert_int_equal(target.port, 8443);
    assert_int_equal(0, read_head("CONNECT a.b:1 HTTP/1.1\r\nProxy-Connection: keep-alive\r\n"
                                  "User-Agent: a b\tc\r\n\r\n",
                                  &target));
}

static void heads_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned status;
        const char *head;
    } cases[] = {
        {405, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"},
        {405, "GET http://sts.amazonaws.com/ HTTP/1.1\r\n\r\n"},
        {405, "connect a.b:443 HTTP/1.1\r\n\r\n"},
        {405, "\r\nCONNECT a.b:443 HTTP/1.1\r\n\r\n"},
        {403, "CONNECT a.b:443 HTTP/1.1\r\nOrigin: http://evil.example\r\n\r\n"},
        {403, "CONNECT a.b:443 HTTP/1.1\r\nORIGIN:null\r\n\r\n"},
        {400, "CONNECT a.b HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b:0 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b:65536 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b:443x HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/2\r\n\r\n"},
        {400, "CONNECT a.b:443  HTTP/1.1\r\n\r\n"},
        {400, "CONNECT user@a.b:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b,DNS:x.y:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a..b:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b.:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT :443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT []:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT [::1%lo]:443 HTTP/1.1\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\nContent-Length: 5\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\n folded: x\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\nno field\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\na: b\nOrigin: x\r\n\r\n"},
        {400, "CONNECT a.b:443 HTTP/1.1\r\na: b\rc\r\n\r\n"},
    };
    struct proxy_target target;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(cases[i].status, read_head(cases[i].head, &target));
    static const char with_nul[] = "CONNECT a.b:443 HTTP/1.1\r\na: \0\r\n\r\n";
    const char *why;
    assert_int_equal(400, proxy_head_read(with_nul, sizeof with_nul - 1, &target, &why));
}

static void where_a_head_ends(void **state)
{
    (void)state;
    const char *bytes = "CONNECT a:1 HTTP/1.1\r\n\r\n\x16\x03";
    assert_int_equal(proxy_head_length(bytes, 26), 24);
    assert_int_equal(proxy_head_length(bytes, 23), 0);
    assert_int_equal(proxy_head_length(bytes, 0), 0);
}

/* ---- addresses ---- */

static bool is_public(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return address_is_public((struct sockaddr *)&v4);
    assert_int_equal(1, inet_pton(AF_INET6, text, &v6.sin6_addr));
    return address_is_public((struct sockaddr *)&v6);
}

static void which_addresses_are_public(void **state)
{
    (void)state;
    static const char *const others[] = {"0.0.0.0",
                                         "0.1.2.3",
                                         "10.0.0.1",
                                         "10.255.255.255",
                                         "100.64.0.1",
                                         "127.0.0.1",
                                         "127.255.255.254",
                                         "169.254.169.254",
                                         "172.16.0.1",
                                         "172.31.255.255",
                                         "192.0.0.8",
                                         "192.0.2.1",
                                         "192.168.1.1",
                                         "198.18.0.1",
                                         "198.19.255.255",
                                         "224.0.0.1",
                                         "240.0.0.1",
                                         "255.255.255.255",
                                         "::",
                                         "::1",
                                         "fe80::1",
                                         "fc00::1",
                                         "fd12:3456::1",
                                         "ff02::1",
                                         "fd00:ec2::254",
                                         "::7f00:1",
                                         "::ffff:8.8.8.8",
                                         "::ffff:127.0.0.1",
                                         "64:ff9b::a00:1",
                                         "64:ff9b:1::808:808",
                                         "2001:db8::1",
                                         "2001::1",
                                         "2002:7f00:1::",
                                         "2002:a9fe:a9fe::",
                                         "3fff::1"};
    static const char *const everybodys[] = {
        "1.1.1.1",          "8.8.8.8",        "9.255.255.255", "11.0.0.0",     "100.63.255.255",
        "100.128.0.0",      "128.0.0.1",      "172.15.255.1",  "172.32.0.1",   "192.169.0.1",
        "198.17.0.1",       "223.255.255.1",  "2600::1",       "2606:4700::1", "2a00::1",
        "64:ff9b::808:808", "2002:808:808::1"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        assert_false(is_public(others[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(everybodys); i++)
        assert_true(is_public(everybodys[i]));
}

static void names_and_spellings_of_this_machine(void **state)
{
    (void)state;
    static const char *const hosts[] = {"localhost",  "127.0.0.1",  "127.1", "0x7f.1",
                                        "2130706433", "0177.0.0.1", "::1",   "::ffff:127.0.0.1",
                                        "0",          "10.1.2.3"};
    for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autoptr(GError) error = NULL;
        assert_int_equal(-1, address_connect(hosts[i], 443, &error));
        assert_non_null(strstr(error->message, "NO_PROXY"));
    }
}

/* ---- a tunnel ---- */

static void *run_tunnel(void *data)
{
    const int *fds = data;
    pump_run((struct pump_end){fds[0], NULL}, (struct pump_end){fds[1], NULL}, 60000);
    close(fds[0]);
    close(fds[1]);
    return NULL;
}

static void *send_much(void *data)
{
    int fd = *(const int *)data;
    char block[65536];
    for (unsigned i = 0; i < 64; i++) {
        memset(block, (int)i, sizeof block);
        for (size_t sent = 0; sent < sizeof block;) {
            ssize_t n = write(fd, block + sent, sizeof block - sent);
            sent += n > 0 ? (size_t)n : 0;
        }
    }
    shutdown(fd, SHUT_WR);
    return NULL;
}

static void receive_much(int fd)
{
    unsigned char byte[4096];
    size_t seen = 0;
    for (ssize_t n; (n = read(fd, byte, sizeof byte)) > 0; seen += (size_t)n)
        for (ssize_t i = 0; i < n; i++)
            assert_int_equal(byte[i], (seen + (size_t)i) / 65536);
    assert_int_equal(seen, 64 * 65536);
}

static void a_tunnel_carries_both_ways_to_both_ends(void **state)
{
    (void)state;
    int client[2], server[2];
    pthread_t tunnel, up, down;
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, client));
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, server));
    int inner[2] = {client[1], server[0]};
    fcntl(inner[0], F_SETFL, O_NONBLOCK);
    fcntl(inner[1], F_SETFL, O_NONBLOCK);
    pthread_create(&tunnel, NULL, run_tunnel, inner);
    pthread_create(&up, NULL, send_much, &client[0]);
    receive_much(server[1]); /* and then its end, while the other way is open still */
    pthread_create(&down, NULL, send_much, &server[1]);
    receive_much(client[0]);
    pthread_join(up, NULL);
    pthread_join(down, NULL);
    pthread_join(tunnel, NULL);
    close(client[0]);
    close(server[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_that_are_taken),
        cmocka_unit_test(heads_that_are_refused),
        cmocka_unit_test(where_a_head_ends),
        cmocka_unit_test(which_addresses_are_public),
        cmocka_unit_test(names_and_spellings_of_this_machine),
        cmocka_unit_test(a_tunnel_carries_both_ways_to_both_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
