/* The floor under every HTTP server: one thread, one epoll loop, a fixed answer to whatever ends in
 * a request's body; nothing is parsed but where the request ends.
 *
 *     echo_server PORT        (0: any free one; it is printed) */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512

static const char answer[] = "HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 10:20:30 GMT\r\n"
                             "Content-Type: text/csv\r\nContent-Length: 10\r\n\r\n0.12345678";

static int listen_on(unsigned port)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t size = sizeof place;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)(void *)&place, size) != 0 || listen(fd, 1024) != 0) {
        perror("echo_server");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)(void *)&place, &size);
    printf("%u\n", ntohs(place.sin_port));
    fflush(stdout);
    return fd;
}

static void accept_all(int epoll, int listening)
{
    int fd, one = 1;
    while ((fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

/* A request of the load generator comes in one piece. */
static void answer_one(int fd)
{
    char request[16384];
    ssize_t n = recv(fd, request, sizeof request - 1, 0);
    if (n <= 0) {
        close(fd);
        return;
    }
    request[n] = '\0';
    if (strstr(request, "\r\n\r\n"))
        send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
}

int main(int count, char **words)
{
    int listening = listen_on(count > 1 ? (unsigned)atoi(words[1]) : 0);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listening}, events[EVENTS];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listening, &event);
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listening)
                accept_all(epoll, listening);
            else
                answer_one(events[i].data.fd);
        }
    }
}
