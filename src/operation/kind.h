/* kind.h: what has a name and a life: one row a kind, and no second list of kinds anywhere.
 *
 * What creates, describes, lists and deletes reads the row; so does what waits for an end,
 * searches, tags, shows in the terminal, and what takes up again after a crash. The row stands in
 * the file of its resource, with its operations; a service lists its kinds (struct service).
 * CONTRIBUTING.md says which files a new one touches. */
#ifndef LATHE_OPERATION_KIND_H
#define LATHE_OPERATION_KIND_H

#include "base/error.h"
#include "base/json.h"

#define KIND_STATUSES 4

struct lathe;
struct operation;
struct resource; /* of the store */
struct service;

struct kind {
    /* What it is called: members and words as the service's shapes spell them */
    const char *service;   /* "sagemaker": botocore's name */
    const char *word;      /* "training-job": in ARNs, in the store and its change feed */
    const char *noun;      /* "TrainingJob": what Search and tables call it */
    const char *record;    /* "Trial": the member of Search's results; NULL: the noun */
    const char *name;      /* the member "TrainingJobName" */
    const char *arn;       /* "TrainingJobArn" */
    const char *status;    /* "TrainingJobStatus"; or NULL */
    const char *reason;    /* "FailureReason": of a bad end; or NULL */
    const char *parent;    /* "ModelPackageGroupName": what it belongs to; or NULL */
    const char *summaries; /* "TrainingJobSummaries": the member of its list's reply */
    bool any_case;         /* names are the same in any case; the first is kept */
    bool small_arn;        /* ARNs have the name in lower case */
    bool shows_parent;     /* descriptions show the parent's name as its own */

    /* Its operations: the functions, and which of them does what; NULL where there is none */
    const struct operation *operations;
    size_t count;
    const char *create, *describe, *list, *update, *stop;
    const char *described_by; /* the member by which describe and stop name it; NULL: name */
    /* "ListJobs", "JobNames": it is described, listed and stopped only beside its parent's name,
     * whose names these tell; its description is the member "JobRun", and what stops it takes
     * names, as "JobRunIds". Or NULL. */
    const char *parents, *parent_names, *told_in, *stopped_by;
    bool named_by_reply; /* only the reply to `create` names it: by its ARN */
    /* Requests may say MetadataProperties.GeneratedBy, and descriptions tell it: a step puts its
     * own name there, and so finds what it made where the reply that named it was lost. */
    bool marked;
    /* "EndpointConfigName": an update ends in the status in which it began. Whether it took effect
     * is seen by this member, which descriptions then have as the request had it. */
    const char *update_shows;

    /* Its statuses by meaning; any other is on its way to one of these. None good: it is done
     * when it is there, and its status means something else */
    const char *good[KIND_STATUSES], *bad[KIND_STATUSES], *stopped[KIND_STATUSES];
    /* Of a job: until its end, and from a Stop on ("InProgress", "Stopping"). */
    const char *going, *stopping;

    /* Before anything is asked: takes up again, or fails, those that the server's end interrupted;
     * or NULL. */
    bool (*recover)(struct lathe *lathe, GError **error);

    /* Where else it shows */
    const char *log_group; /* "/aws/sagemaker/TrainingJobs": a stream's name begins with its */
    const char
        *own_log_group; /* "/aws/sagemaker/Endpoints/": its group is called that and its name */
    const char *title;  /* "training jobs": its table in `lathe status` */
    const char *step;   /* "Training": the pipeline step that makes one */
    const char *step_metadata; /* "TrainingJob": under which such a step tells its ARN */
    /* "CreateModelPackageGroup": a step that makes one makes the parent that it names, by this
     * operation, where there is none; or NULL. */
    const char *step_makes_parent;
    /* "ListTrainingJobsForHyperParameterTuningJob": what it answers, a step's properties tell
     * beside the description, from which its request is made; or NULL. */
    const char *step_lists;
    json_t *(*step_list_request)(const json_t *description);
    bool step_is_cached; /* whether a step's result may stand for a later one's */
    bool searchable;
    /* Adds to what is told of one, for searches and lists, what others know of it; false where
     * nobody does. Or NULL. */
    bool (*tell)(struct lathe *lathe, const struct resource *resource, json_t *description);
    const char *always; /* JSON: members that AWS describes even where nobody set them; or NULL */

    /* Errors that clients match; %s is its ARN */
    enum error_code missing_code, taken_code;
    const char *missing, *taken;
};

/* The members and operations of a kind of SageMaker's where they follow from one word, as most do:
 * of "TrainingJob", TrainingJobName, DescribeTrainingJob. KIND_JOB: and those of a job. */
/* clang-format off */
#define KIND_WORDS(WORD)                                                                           \
    .name = WORD "Name", .arn = WORD "Arn", .create = "Create" WORD,                               \
    .describe = "Describe" WORD, .list = "List" WORD "s"
#define KIND_JOB(WORD)                                                                             \
    .status = WORD "Status", .reason = "FailureReason", .summaries = WORD "Summaries",             \
    .stop = "Stop" WORD, .good = {"Completed"}, .bad = {"Failed"}, .stopped = {"Stopped"},         \
    .going = "InProgress", .stopping = "Stopping"
/* clang-format on */

/* The kinds of all services (a list that ends with NULL), one after another; NULL past the last. */
const struct kind *kind_at(const struct service *const *services, size_t index);

/* NULL where there is none. */
const struct kind *kind_of_word(const struct service *const *services, const char *word);
/* The kind that an operation creates, starts or updates. */
const struct kind *kind_begun_by(const struct service *const *services, const char *service,
                                 const char *operation);
/* The kind that a pipeline's step of that type makes. */
const struct kind *kind_of_step(const struct service *const *services, const char *step);

/* Whether there is an end to wait for: else it is done when it is there. */
bool kind_waits(const struct kind *kind);

/* In a resource's body: it failed because lathe ended, by no fault of its own. */
#define KIND_CUT_OFF "CutOff"

enum kind_outcome { KIND_GOES_ON, KIND_GOOD, KIND_BAD, KIND_STOPPED };
/* What a status means. */
enum kind_outcome kind_outcome(const struct kind *kind, const char *status);

/* The request that describes (or stops) what `request` and its reply began; reply may be NULL where
 * not only the reply names it. NULL where that names nothing. */
json_t *kind_describe_request(const struct kind *kind, const json_t *request, const json_t *reply);

/* Its name in the store and the change feed, out of such a request. Borrowed from it. */
const char *kind_name_in(const struct kind *kind, const json_t *describe_request);

/* Takes out of what the store keeps of it what the shape of its description (or of a summary in its
 * list) has no member for: what is left is what AWS's clients are told. */
void kind_fit_description(const struct kind *kind, json_t *description);
void kind_fit_summary(const struct kind *kind, json_t *summary);
/* The member of Search's results that is one of these. */
const char *kind_record(const struct kind *kind);
/* The same for what a search of the service's finds, by its operation Search. */
void kind_fit_result(const struct kind *kind, json_t *result);

#endif
