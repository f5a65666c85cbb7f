/* plan.h: a job, said before it runs: what its folder is made of, what runs in it, and what becomes
 * of what it leaves. A plan knows no service and touches nothing: making one is pure. */
#ifndef LATHE_JOB_PLAN_H
#define LATHE_JOB_PLAN_H

#include "base/json.h"

/* All paths are relative to the job's folder. `what` is how errors call it: "channel train". */
struct job_file {
    char *path;
    json_t *value; /* written as JSON */
};
struct job_input {
    char *what, *folder;
    json_t *source;    /* an S3DataSource (stage.h) */
    bool may_be_empty; /* nothing there is no error */
    bool copied;       /* the program may change the files: they are no links to the lake's */
};
struct job_output {
    char *what, *folder;
    char *uri;    /* where its files go; the object's URI where it is an archive */
    bool archive; /* one tar.gz, where there is anything in the folder */
    enum {
        JOB_OUTPUT_COMPLETED, /* where the job completed */
        JOB_OUTPUT_STOPPED,   /* also where it was stopped or ran out of time */
        JOB_OUTPUT_FAILED,    /* also where its program failed: what is there is whole */
        JOB_OUTPUT_COMES, /* each file once it is there, whatever becomes of the job: the program
                             writes aside (names that begin with a dot) and renames */
    } when;
};

/* Where what a job uses is recorded, as SageMaker Debugger's profiler does:
 * system/incremental/<hour>/<minute, in seconds since 1970>.algo-1.json, a line a value. */
#define JOB_PROFILE ".lathe/profiler"

struct job_plan {
    char *program; /* `lathe job PROGRAM FOLDER` */
    char *image;   /* told to it as LATHE_IMAGE, or NULL */
    char *remark;  /* the first line of its log, or NULL */
    bool is_warm;  /* often one of many: its process is forked from one that has loaded what they
                      need */
    GPtrArray *files, *inputs, *outputs;
    double profile_seconds; /* between looks at what it uses (JOB_PROFILE); 0: nobody looks */
    double max_seconds;     /* 0: no limit */
    double stop_seconds;    /* between SIGTERM and SIGKILL; 0: 120 */
    bool whole_reason; /* what the program says about its failure begins with AWS's kind of error */
};

struct job_plan *job_plan_new(const char *program, const char *image);
void job_plan_free(struct job_plan *plan);
typedef struct job_plan job_plan_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(job_plan_auto, job_plan_free)

/* value is taken. */
void job_plan_file(struct job_plan *plan, const char *path, json_t *value);
/* what is taken; the rest is copied. The plan keeps what comes back. */
struct job_input *job_plan_input(struct job_plan *plan, char *what, const char *folder,
                                 const json_t *source);
struct job_output *job_plan_output(struct job_plan *plan, char *what, const char *folder,
                                   const char *uri);

/* Whether the plan can be run without harm: all paths stay below the folder, and what the job
 * writes lies apart from what it reads (a link to the lake's file) and from each other; outputs
 * that come may lie where an input is, since they are never written in place. ERROR_VALIDATION. */
bool job_plan_check(const struct job_plan *plan, GError **error);

#endif
