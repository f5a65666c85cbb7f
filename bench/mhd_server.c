/* libmicrohttpd and nothing else: what our own server around it is held against.
 *
 *     mhd_server outside|inside       prints its port
 *
 * outside: driven from an outer loop, as src/wire/ does; inside: in a thread of its own, which
 * stalls with 128, 256 or 384 busy connections (see src/http/poller.c). */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum MHD_Result answer(void *data, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *bytes,
                              size_t *size, void **context)
{
    (void)data, (void)url, (void)method, (void)version, (void)bytes;
    static char seen;
    if (!*context) {
        *context = &seen;
        return MHD_YES;
    }
    if (*size) {
        *size = 0;
        return MHD_YES;
    }
    struct MHD_Response *response =
        MHD_create_response_from_buffer(10, (void *)"0.12345678", MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(response, "Content-Type", "text/csv");
    enum MHD_Result result = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return result;
}

static void drive(struct MHD_Daemon *daemon)
{
    int epoll = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    for (;;) {
        MHD_UNSIGNED_LONG_LONG ms;
        int wait = MHD_get_timeout(daemon, &ms) == MHD_YES ? (int)ms : -1;
        struct pollfd event = {.fd = epoll, .events = POLLIN};
        if (wait != 0)
            poll(&event, 1, wait);
        MHD_run_wait(daemon, 0);
    }
}

int main(int count, char **words)
{
    int inside = count > 1 && strcmp(words[1], "inside") == 0;
    struct sockaddr_in place = {.sin_family = AF_INET};
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | (inside ? MHD_USE_INTERNAL_POLLING_THREAD : 0), 0, NULL, NULL, answer, NULL,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)(void *)&place, MHD_OPTION_END);
    if (!daemon)
        return 1;
    printf("%u\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port);
    fflush(stdout);
    if (!inside)
        drive(daemon);
    for (;;)
        pause();
}
