/* sandbox.h: runs a program of somebody else's on a job's folder. It finds the folder as /opt/ml,
 * reads the machine's programs, writes below the folder and its own /tmp and home, reaches the
 * server through a forwarder, and nothing else: no home directory, no server's home, no process, no
 * network. Everything it starts ends with it.
 *
 * Built of bubblewrap, a mount namespace of ours in front of it, and a first process of ours behind
 * it (`lathe job inside`). */
#ifndef LATHE_SANDBOX_SANDBOX_H
#define LATHE_SANDBOX_SANDBOX_H

#include <sys/types.h>

#include "base/json.h"

/* Where a job's folder keeps what is not the job's: settings, scratch, its home. Not seen within.
 */
#define SANDBOX_FOLDER ".lathe"
/* In it: what the server says of the sandbox, see sandbox_read. */
#define SANDBOX_FILE SANDBOX_FOLDER "/sandbox.json"

/* What debugger rules made of the job. */
#define SANDBOX_RULES SANDBOX_FOLDER "/rules"

struct sandbox;

/* Python of ours that is to be found within, and where. */
#define SANDBOX_PYTHON_FOLDER SANDBOX_FOLDER "/python"
#define SANDBOX_PYTHON "/run/lathe/python" /* where there is a sandbox; else */
const char *sandbox_python(const struct sandbox *sandbox);
/* Where `packages` are. */
const char *sandbox_packages(const struct sandbox *sandbox);

/* Where a file of certificates is, which its programs are to trust. */
#define SANDBOX_CERTIFICATES "/run/lathe/certificates.pem"

enum { SANDBOX_SERVERS = 4 };

struct sandbox {
    char *folder; /* of the job, absolute: becomes /opt/ml */
    char
        *python; /* the interpreter, absolute: `python` and `python3` within; NULL: the machine's */
    char **servers;       /* host:port each, that the forwarder leads to, the same within; at most
                           * SANDBOX_SERVERS; NULL-terminated */
    char **domains;       /* names below them are the sandbox's own, where it has no network of the
                           * machine;       NULL-terminated */
    char *domains_server; /* and its port 443 leads to this one of servers; or NULL */
    char *certificates;   /* a file, absolute: SANDBOX_CERTIFICATES; or NULL */
    char *engine;         /* podman or docker, absolute, for commands that are images; or NULL */
    bool host_network;    /* the machine's network instead */
    bool not_isolated;    /* runtime.isolation: none */
    char **shown;         /* folders that are to be seen wherever they lie, absolute;
                           * NULL-terminated */
    char **masked;        /* folders that are not to be seen, absolute; NULL-terminated */
    char **overlaid;   /* folders below `folder` whose files are not the job's to change (links to
                        * the lake's): it sees copies on writing; NULL-terminated */
    char *packages;    /* a folder of Python packages, absolute: SANDBOX_PACKAGES; or NULL */
    char *groups;      /* the control group for those of sandboxes (sandbox_claim_groups), by which
                        * memory is then limited; or NULL */
    guint64 memory;    /* bytes that all its processes hold; 0: no limit */
    guint64 bytes;     /* that it may have on disk below `folder`; 0: no limit */
    guint64 processes; /* 0: no limit */
    uid_t user;        /* who the command is; not root: a server that is root takes another user for
                        * each, so that no two jobs can touch each other */
    gid_t group;
};

/* The members of SANDBOX_FILE of a job's folder: Python, Servers, Domains, DomainsServer, Engine,
 * Certificates, Network (lathe or host), Isolation (bubblewrap or none), Shown, Masked, Overlaid,
 * Groups, Memory, Bytes, Processes. */
struct sandbox *sandbox_read(const char *folder, GError **error);
void sandbox_free(struct sandbox *sandbox);
typedef struct sandbox sandbox_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(sandbox_auto, sandbox_free)

/* What is run. */
struct sandbox_command {
    char *const *argv;   /* argv[0] is looked for in PATH */
    const char *image;   /* instead of argv: a container's image, whose own program is run */
    json_t *environment; /* texts by name; beside PATH, HOME, LANG and TMPDIR */
    const char *folder;  /* its working folder, as it is within; NULL: /opt/ml */
    /* What it writes to its standard output and error; NULL: they are this process's. */
    void (*hear)(const char *bytes, size_t size, void *data);
    /* Where hear is there: what it writes to its standard error, apart; NULL: hear has both, in
     * their order. */
    void (*hear_errors)(const char *bytes, size_t size, void *data);
    /* Told when it has waited, all its processes together, for two seconds, and when it goes on;
     * may be NULL. */
    void (*waits)(bool waits, void *data);
    void *data;
};

struct sandbox_end {
    int status;   /* as a shell tells it: the exit status, or 128 and the signal */
    char *reason; /* why we ended it, or why it could not be begun; NULL: it ended by itself */
    bool not_begun;
};
void sandbox_end_clear(struct sandbox_end *end);

/* For a server, before it has children: where its control group was handed to it, that in which
 * sandboxes find theirs; g_free. NULL: the memory of sandboxes is looked at from time to time. */
char *sandbox_claim_groups(void);

/* Runs the command to its end; the descriptors 0 to 3 of this process are its, and a SIGTERM to
 * this process is the command's. To be called by a program that has no other children and no
 * threads yet. */
void sandbox_run(const struct sandbox *sandbox, const struct sandbox_command *command,
                 struct sandbox_end *end);

/* After a run: reads and writes files with the command's user's rights, no others, or again with
 * its own. What lies in the folder then is that user's, who may have laid links. */
void sandbox_be_user(const struct sandbox *sandbox, bool is_user);

/* What the first process within does, and who starts an image's engine, with its orders in that
 * folder. Its exit status. */
int sandbox_inside(const char *folder);

#endif
