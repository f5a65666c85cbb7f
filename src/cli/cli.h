/* cli.h: the verbs of the command line, a small file each. Only this room prints. */
#ifndef LATHE_CLI_CLI_H
#define LATHE_CLI_CLI_H

#include "base/json.h"
#include "operation/kind.h"

/* Exit codes. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_NOT_RUNNING = 3 };

/* Where HTTP is served unless told otherwise. */
#define CLI_LISTEN "127.0.0.1:4566"
#define CLI_PROXY "http://127.0.0.1:4567"

struct verb {
    const char *name;
    const char *usage;                 /* "JOB [-f]" */
    const char *summary;               /* a line of `lathe help`; NULL: lathe's own, not listed */
    const char *help;                  /* what `lathe help VERB` adds */
    int (*run)(int argc, char **argv); /* argv[0] is the verb */
};

int cli_serve(int argc, char **argv);
int cli_call(int argc, char **argv);
int cli_sample(int argc, char **argv);
int cli_fetch(int argc, char **argv);
int cli_publish(int argc, char **argv);
int cli_query(int argc, char **argv);
int cli_tables(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_describe(int argc, char **argv);
int cli_export(int argc, char **argv);
int cli_import(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_logs(int argc, char **argv);
int cli_stop(int argc, char **argv);
int cli_env(int argc, char **argv);
int cli_run(int argc, char **argv);
int cli_tune(int argc, char **argv);
int cli_job(int argc, char **argv);
int cli_extract(int argc, char **argv);
int cli_engine(int argc, char **argv);

/* Parses a verb's options (ends with a zero entry; may be NULL); what is left stays in argv. --home
 * and --help are every verb's. False where they are wrong (said on stderr). */
bool cli_options(int *argc, char ***argv, const GOptionEntry *entries);

/* The home: --home, else $LATHE_HOME, else ./.lathe. */
const char *cli_home(void);

/* Says an error on stderr ("lathe: ..."), frees it, and returns the exit code it means. */
int cli_error(GError *error);

/* Calls an operation of the running lathe. */
json_t *cli_ask(const char *service, const char *operation, const json_t *request, GError **error);

/* The kind of the job of that name, by asking for each; NULL and an error where there is none. */
const struct kind *cli_find_job(const char *name, GError **error);
/* Calls the kind's describe or stop operation for a job. */
json_t *cli_ask_job(const struct kind *kind, const char *operation, const char *name,
                    GError **error);
/* The names of what a kind's may belong to (kind->parents); NULL and an error. */
json_t *cli_parents(const struct kind *kind, GError **error);

#endif
