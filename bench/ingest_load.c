/* Load for a delivery stream, and what the disk could do with the same bytes.
 *
 *     ingest_load PORT CONNECTIONS REQUESTS FILE
 *     ingest_load append FILE BYTES GROUP GROUPS
 *
 * The first sends the request that FILE holds, head and all, so many times over so many
 * connections, each as soon as the last one was answered. The second appends so many groups to a
 * new file, each of GROUP times BYTES, and waits after each until it is on the disk. Both print
 * "seconds=...". */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define REPLY_SIZE (1 << 20)
#define MOST_PIECES 64

static char *request;
static size_t request_size;
static unsigned port;
static atomic_long left;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
    fprintf(stderr, "ingest_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- requests ---- */

static int connect_to_server(void)
{
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&place, sizeof place) != 0)
        die("connecting");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

static void send_request(int fd)
{
    for (size_t sent = 0; sent < request_size;) {
        ssize_t n = send(fd, request + sent, request_size - sent, MSG_NOSIGNAL);
        if (n < 0)
            die("sending a request");
        sent += (size_t)n;
    }
}

/* Whether the reply is whole: one that has all records accepted. */
static bool is_whole(const char *reply, size_t have)
{
    const char *end = strstr(reply, "\r\n\r\n");
    const char *length = end ? strcasestr(reply, "\r\ncontent-length:") : NULL;
    if (!length || have < (size_t)(end + 4 - reply) + strtoul(length + 17, NULL, 10))
        return false;
    if (strncmp(reply, "HTTP/1.1 200", 12) == 0 && strstr(end, "\"FailedPutCount\":0"))
        return true;
    fprintf(stderr, "ingest_load: the answer is %.400s\n", reply);
    exit(1);
}

static void receive_reply(int fd, char *reply)
{
    size_t have = 0;
    do {
        ssize_t n = recv(fd, reply + have, REPLY_SIZE - 1 - have, 0);
        if (n <= 0)
            die("receiving an answer");
        have += (size_t)n;
        reply[have] = '\0';
    } while (!is_whole(reply, have));
}

static void *work(void *data)
{
    int fd = connect_to_server();
    char *reply = malloc(REPLY_SIZE);
    (void)data;
    while (reply && atomic_fetch_sub(&left, 1) > 0) {
        send_request(fd);
        receive_reply(fd, reply);
    }
    free(reply);
    close(fd);
    return NULL;
}

static void read_request(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0)
        die(path);
    request_size = (size_t)ftell(file);
    rewind(file);
    request = malloc(request_size);
    if (!request || fread(request, 1, request_size, file) != request_size)
        die(path);
    fclose(file);
}

static double load(size_t connections)
{
    pthread_t *threads = calloc(connections, sizeof *threads);
    double start = now();
    for (size_t i = 0; i < connections; i++)
        if (!threads || pthread_create(&threads[i], NULL, work, NULL) != 0)
            die("starting a thread");
    for (size_t i = 0; i < connections; i++)
        pthread_join(threads[i], NULL);
    double seconds = now() - start;
    free(threads);
    return seconds;
}

/* ---- plain appending ---- */

static double append(const char *path, size_t size, int pieces, long groups)
{
    struct iovec vectors[MOST_PIECES];
    char *bytes = malloc(size);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (!bytes || fd < 0)
        die(path);
    memset(bytes, 'x', size);
    for (int i = 0; i < pieces; i++)
        vectors[i] = (struct iovec){bytes, size};
    double start = now();
    for (long i = 0; i < groups; i++)
        if (writev(fd, vectors, pieces) != (ssize_t)size * pieces || fdatasync(fd) != 0)
            die(path);
    double seconds = now() - start;
    close(fd);
    free(bytes);
    return seconds;
}

int main(int count, char **words)
{
    double seconds;
    if (count == 6 && strcmp(words[1], "append") == 0 && atoi(words[4]) <= MOST_PIECES) {
        seconds = append(words[2], strtoul(words[3], NULL, 10), atoi(words[4]), atol(words[5]));
    } else if (count == 5) {
        port = (unsigned)atoi(words[1]);
        atomic_store(&left, atol(words[3]));
        read_request(words[4]);
        seconds = load(strtoul(words[2], NULL, 10));
        free(request);
    } else {
        fprintf(stderr, "usage: ingest_load PORT CONNECTIONS REQUESTS FILE\n"
                        "       ingest_load append FILE BYTES GROUP GROUPS\n");
        return 2;
    }
    printf("seconds=%.4f\n", seconds);
    return 0;
}
