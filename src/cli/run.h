/* run.h: what the files of `lathe run` and `lathe tune` share: something from a file to its end. */
#ifndef LATHE_CLI_RUN_H
#define LATHE_CLI_RUN_H

#include "flow/pipeline/definition.h"

struct server;

/* What a file is called, or its folder where that says more, as the name of what it holds; g_free.
 */
char *run_name_of(const char *file);

/* The server that has the home, or one of our own: *server, and *changes, a descriptor that can be
 * read when a resource of that kind has changed (-1: the server is another process). listen: where
 * ours serves HTTP, or NULL. */
bool run_find_server(const char *listen, const char *kind, struct server **server, int *changes,
                     GError **error);

/* Waits for a change, or a while; whether a signal came (a signalfd), which is still to be read. */
bool run_wait_for_change(int signals, int changes);

/* Uploads what "file://relative/path" texts in a value (a definition, a parameter) name, paths
 * being relative to folder, and replaces them by s3:// URIs in the bucket, which is created where
 * it is missing. */
bool run_upload_files(json_t **value, const char *folder, const char *bucket, GError **error);

/* Creates a bucket that is missing. A name that cannot be one shows when it is used. */
void run_make_bucket(const char *bucket);

/* "lathe-<pipeline>", within what a bucket's name may be; g_free. */
char *run_default_bucket(const char *pipeline);

/* Shows an execution's steps: a line each, renewed in place on a terminal; a line a change where
 * the output is no terminal. */
struct run_view;
struct run_view *run_view_new(const struct definition *definition, bool silent);
void run_view_update(struct run_view *view, const json_t *steps, bool ended);
void run_view_free(struct run_view *view);

/* What came of it: the conditions, the models' metrics, the evaluations' numbers, the endpoints. */
void run_print_summary(const struct definition *definition, const json_t *execution,
                       const json_t *steps);

/* The entry of a step in a list of steps, or NULL. */
const json_t *run_step(const json_t *steps, const char *name);

/* The name of the job in a step's Metadata ("TrainingJob"), or NULL; borrowed. */
const char *run_job_name(const json_t *step, const char *kind);

#endif
