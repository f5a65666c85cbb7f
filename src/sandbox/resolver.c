#include "sandbox/resolver.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "sandbox/sandbox_inside.h"

enum {
    HEAD = 12,
    LONGEST_LABEL = 63,
    LONGEST_NAME = 255,
    TYPE_ADDRESS = 1, /* of version 4 */
    CLASS_INTERNET = 1,
    NO_ERROR = 0,
    NO_SUCH_NAME = 3,
    NOT_BUILT = 4,
    ANSWERED = 0x80,
    AUTHORITATIVE = 0x04,
    RECURSES = 0x80,
    OPERATION = 0x78, /* and what is kept of a query's head: */
    WANTS_RECURSION = 0x01,
    SECONDS = 60, /* that an answer may be kept */
};

/* ---- a query ---- */

static unsigned number_at(const guint8 *bytes)
{
    return (unsigned)bytes[0] << 8 | bytes[1];
}

/* The question's name, in lower case; where it ends, or 0. Names in questions are written whole. */
static size_t read_name(const guint8 *query, size_t size, char name[LONGEST_NAME + 1])
{
    size_t at = HEAD, length = 0;
    while (at < size && query[at]) {
        size_t label = query[at++];
        if (label > LONGEST_LABEL || at + label >= size || length + label + 1 > LONGEST_NAME)
            return 0;
        if (length)
            name[length++] = '.';
        for (size_t i = 0; i < label; i++)
            name[length++] = g_ascii_tolower((char)query[at + i]);
        at += label;
    }
    name[length] = '\0';
    return at < size ? at + 1 : 0;
}

static bool is_below(const char *name, const char *domain)
{
    size_t length = strlen(name), rest = strlen(domain);
    return length > rest + 1 && name[length - rest - 1] == '.' &&
           strcmp(name + length - rest, domain) == 0;
}

/* localhost, too: where no file says in which order to ask, the file of hosts comes after us. */
static bool is_known(const char *name, char *const *domains)
{
    bool known = strcmp(name, "localhost") == 0;
    for (; *domains; domains++)
        known |= is_below(name, *domains);
    return known;
}

/* ---- an answer ---- */

static size_t put_address(guint8 *at)
{
    static const guint8 record[] = {
        0xc0, HEAD,           /* the name of the question */
        0,    TYPE_ADDRESS,   /* */
        0,    CLASS_INTERNET, /* */
        0,    0,
        0,    SECONDS,
        0,    4,
        127,  0,
        0,    1,
    };
    memcpy(at, record, sizeof record);
    return sizeof record;
}

size_t resolver_answer(const guint8 *query, size_t size, char *const *domains,
                       guint8 answer[RESOLVER_LONGEST])
{
    char name[LONGEST_NAME + 1];
    if (size < HEAD || query[2] & ANSWERED || number_at(query + 4) != 1)
        return 0;
    size_t end = read_name(query, size, name);
    if (!end || end + 4 > size)
        return 0;
    bool is_query = !(query[2] & OPERATION), known = is_known(name, domains);
    bool has_address = is_query && known && number_at(query + end) == TYPE_ADDRESS &&
                       number_at(query + end + 2) == CLASS_INTERNET;
    memcpy(answer, query, end + 4);
    memset(answer + 6, 0, HEAD - 6); /* how many records follow */
    answer[2] = ANSWERED | AUTHORITATIVE | (query[2] & (OPERATION | WANTS_RECURSION));
    answer[3] = RECURSES | (!is_query ? NOT_BUILT : known ? NO_ERROR : NO_SUCH_NAME);
    answer[7] = has_address;
    return end + 4 + (has_address ? put_address(answer + end + 4) : 0);
}

/* ---- the socket ---- */

int resolver_listen(GError **error)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    error_set_errno(error, errno, "opening a resolver of names");
    if (fd >= 0)
        close(fd);
    return -1;
}

struct resolver {
    int fd;
    char *const *domains;
};

static void *answer_all(void *data)
{
    const struct resolver *resolver = data;
    for (;;) {
        guint8 query[RESOLVER_LONGEST], answer[RESOLVER_LONGEST];
        struct sockaddr_in from;
        socklen_t from_size = sizeof from;
        ssize_t n =
            recvfrom(resolver->fd, query, sizeof query, 0, (struct sockaddr *)&from, &from_size);
        size_t size = n > 0 ? resolver_answer(query, (size_t)n, resolver->domains, answer) : 0;
        if (size)
            sendto(resolver->fd, answer, size, MSG_NOSIGNAL, (struct sockaddr *)&from, from_size);
    }
    return NULL;
}

bool resolver_start(int fd, char *const *domains, GError **error)
{
    struct resolver *resolver = g_new(struct resolver, 1); /* lasts as long as the process */
    *resolver = (struct resolver){fd, domains};
    return forward_thread(answer_all, resolver) ||
           error_set(error, ERROR_INTERNAL, "no thread could be started for the resolver");
}
