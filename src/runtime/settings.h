/* settings.h: what a home's configuration file, lathe.yaml, says of how programs are run. */
#ifndef LATHE_RUNTIME_SETTINGS_H
#define LATHE_RUNTIME_SETTINGS_H

#include "base/json.h"

#define SETTINGS_FILE "lathe.yaml"

struct settings {
    char *python;       /* the interpreter of users' scripts, absolute; NULL: there is none */
    char *spark;        /* spark-submit, absolute; NULL: there is none */
    char *spark_master; /* of a cluster on this machine, spark://host:port; NULL: none, local[*] */
    char *java;         /* that Spark runs by, absolute; NULL: there is none */
    char *engine;  /* podman or docker, absolute; NULL: there is none, or it is not to be used */
    bool isolated; /* scripts run in a sandbox */
    bool host_network;  /* and have the machine's network in it */
    gint64 memory;      /* bytes that a script's processes may hold together; 0: no limit */
    gint64 processes;   /* that a script may have at once; 0: no limit */
    unsigned slots;     /* jobs at once; 0: as many as cores */
    bool no_tunnels;    /* the proxy leads to AWS's hosts alone */
    char **fetch_allow; /* what may be fetched beside the public internet, NULL-terminated; it is
                           all that scripts in a sandbox may have fetched (fetch/address.h) */
};

/* Reads the file: path, which has to be there, or where that is NULL SETTINGS_FILE of the home,
 * which need not. The whole of it is checked: a key that is not known is an error that names the
 * nearest, a value that is none what it may be (ERROR_VALIDATION).
 *
 *   slots: 2
 *   proxy:
 *     tunnels: false                      # AWS's hosts alone, which are answered here
 *   fetch:
 *     allow: [127.0.0.1:8080, files.example.org]
 *   runtime:
 *     python: /home/me/.venv/bin/python   # default: the active virtual environment's, or python3
 *     spark: /opt/spark                   # default: the PATH's spark-submit, SPARK_HOME's, or
 *                                         # what pip put beside python; or
 *     spark:                              # with a cluster, too
 *       home: /opt/spark
 *       master: spark://127.0.0.1:7077    # default: local[*], the job's own process
 *     engine: podman                      # or docker, for images' own programs; none: not at all
 *     isolation: bubblewrap               # or none
 *     network: lathe                      # the server alone; or host
 *     memory: 8 GiB
 *     processes: 4096 */
struct settings *settings_read(const char *home, const char *path, GError **error);
void settings_free(struct settings *settings);

#endif
