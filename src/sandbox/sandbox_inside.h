/* sandbox_inside.h: between the files of this room. */
#ifndef LATHE_SANDBOX_SANDBOX_INSIDE_H
#define LATHE_SANDBOX_SANDBOX_INSIDE_H

#include <poll.h>
#include <sys/types.h>

#include "sandbox/sandbox.h"

/* Descriptors that bubblewrap and what runs in it are given beside those of the command. */
enum {
    SANDBOX_LAST = 3,     /* the command's own are 0 to 3 */
    SANDBOX_ERRORS = 4,   /* the command's standard error: 2 is bubblewrap's own until it begins */
    SANDBOX_BEGUN = 5,    /* a byte here says that the first process runs */
    SANDBOX_INFO = 6,     /* bubblewrap's report */
    SANDBOX_HTTPS = 7,    /* listens on port 443; and */
    SANDBOX_RESOLVER = 8, /* on port 53, where the sandbox has domains */
};

/* Where the first process finds its orders, and the forwarder's sockets. */
#define INSIDE_FOLDER "/run/lathe"
#define INSIDE_ORDERS "orders.json"
#define INSIDE_SOCKET "server-%u"            /* by the server's place in the list */
#define INSIDE_PROGRAMS INSIDE_FOLDER "/bin" /* of ours, in the PATH */
#define INSIDE_PACKAGES INSIDE_FOLDER "/packages"

/* mounts.c: in a forked child, makes the namespace of what bubblewrap is to bind, with the job's
 * folder as MOUNTS_FOLDER/ml, and gives up root. */
#define MOUNTS_FOLDER "/run/lathe"
bool mounts_prepare(const struct sandbox *sandbox, GError **error);
/* network.c: within that, opens the network. */
bool network_open(const struct sandbox *sandbox, GError **error);
/* Bubblewrap's arguments, to be made before mounts_prepare and executed after it; NULL-terminated.
 */
GPtrArray *mounts_arguments(const struct sandbox *sandbox, const char *working_folder);
/* Folders and files below SANDBOX_FOLDER that the mounts need; before the fork. */
bool mounts_lay_out(const struct sandbox *sandbox, GError **error);
/* The last before the fork: the folder becomes the job's user's; this process may not write there
 * any more, since children of root have laid that right down (base/process.h). */
bool mounts_hand_over(const struct sandbox *sandbox, GError **error);

/* inside.c: the texts of a list in JSON; g_strfreev. A wait status as a shell tells it. */
char **texts_of(const json_t *list);
int shell_status(int status);

/* The first process within, a program of its own (first.c) that this one has in it: it loads a
 * tenth of what lathe would before it begins. */
extern const unsigned char first_program[], first_program_end[];

/* inside.c: SIGTERM and SIGINT to this process are that group's; 0: nobody's yet. */
void hand_signals_to(pid_t group);

/* heard.c: what the command writes, where somebody hears it: pipes whose ends are [0] ours, [1]
 * its; -1: nobody does (HEARD_NONE), or not of its errors apart. */
struct heard {
    const struct sandbox_command *command;
    int output[2], errors[2];
};
#define HEARD_NONE ((struct heard){NULL, {-1, -1}, {-1, -1}})
enum { HEARD = 2 };
bool heard_open(struct heard *heard, const struct sandbox *sandbox,
                const struct sandbox_command *command);
bool heard_become(const struct heard *heard); /* in the command's process */
void heard_close(struct heard *heard, int end);
/* What is to be polled; then, what came is handed on; then, all that is left once those who write
 * have ended. */
void heard_watch(const struct heard *heard, struct pollfd fds[HEARD]);
void heard_hear(const struct heard *heard, struct pollfd fds[HEARD]);
void heard_drain(const struct heard *heard, struct pollfd fds[HEARD]);

/* bare.c: the command without a sandbox, one at a time, with /opt/ml as a link to the folder. */
void bare_run(const struct sandbox *sandbox, const struct sandbox_command *order,
              struct sandbox_end *end);

/* sandbox.c: what the command's environment is, whole. */
json_t *sandbox_environment(const struct sandbox *sandbox, const struct sandbox_command *command);

/* idmap.c: mounts a folder at another, read-only, in which what is root's shows as that user's.
 * False where the kernel, or the file system, cannot. */
bool idmap_bind(const char *from, const char *to, uid_t user);

/* sandbox.c: how many servers it has a forwarder to. */
guint sandbox_forwards(const struct sandbox *sandbox);
/* sandbox.c: which of them answers for the domains; -1: none. */
int sandbox_domains_server(const struct sandbox *sandbox);

/* forward.c: accepts connections at a listening socket and connects each to an address, on threads
 * of its own that last as long as the process. */
bool forward_to_tcp(int listener, const char *text, GError **error);
bool forward_to_unix(int listener, const char *path, GError **error);
/* A detached thread with a small stack. */
bool forward_thread(void *(*run)(void *), void *data);
int forward_listen_unix(const char *path, GError **error);
int forward_listen_tcp(const char *text, GError **error);

/* limits.c: what the processes of a sandbox hold and have done, by its first as the machine numbers
 * it. */
struct usage {
    guint64 memory; /* bytes; 0 where nobody asks */
    guint64 ticks;  /* of processors' time, of those that live */
};
struct usage limits_usage(pid_t first, bool of_memory);
/* The reason of one that held so much memory; g_free. */
char *limits_overrun(const struct sandbox *sandbox, guint64 memory);
/* NULL while within the limits, else the reason why it is ended; g_free. */
char *limits_check(const struct sandbox *sandbox, const struct usage *usage);

#endif
