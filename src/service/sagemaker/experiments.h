/* experiments.h: what was tried: experiments, their trials, and the components of these. An
 * experiment counts its trials and a trial its components, in the change that adds or takes one, so
 * that none is deleted that has any. */
#ifndef LATHE_SERVICE_SAGEMAKER_EXPERIMENTS_H
#define LATHE_SERVICE_SAGEMAKER_EXPERIMENTS_H

#include "service/sagemaker/sagemaker.h"
#include "store/series.h"

/* The request with a DisplayName, which is the name where it gives none. */
json_t *experiments_body(const struct kind *kind, const json_t *request);

/* Changes a map of the body by a request's: what is named again is replaced, what is new is added,
 * what the list `removed` names is taken out. */
void experiments_change_map(json_t *body, const json_t *request, const char *member,
                            const char *removed);

/* Within a change of the store: that many more belong to a resource. */
bool experiments_count(struct store_connection *connection, struct store *store,
                       const struct kind *kind, const char *name, int more, GError **error);
/* A resource_change: lets a resource go that nothing belongs to. */
resource_change experiments_check_empty;

/* A list whose filters are no columns of the store's. keep says what belongs in it; or NULL. */
struct experiments_list {
    const struct kind *kind;
    const char *parent;
    bool (*keep)(const struct resource *resource, const void *data);
    const void *data;
};
bool experiments_list(const struct call *call, const struct experiments_list *list,
                      const json_t *request, struct reply *reply, GError **error);

/* Within a change of the store, beside what the call itself makes: makes an experiment, or a trial
 * of one that there is, of the body's names. */
bool experiments_make_within(struct store_connection *connection, const struct call *call,
                             const struct kind *kind, const json_t *body, GError **error);

/* ---- components of jobs ---- */

/* The component of a job that is to be, as its ExperimentConfig has it. */
struct job_component {
    char *component, *arn, *job_arn, *source_type;
    char *experiment, *trial; /* may be NULL */
    const json_t *config;     /* or NULL */
    bool makes_trial;
};
void job_component_free(struct job_component *component);
typedef struct job_component job_component_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(job_component_auto, job_component_free)

/* Fails where the configuration names what there is not. */
bool job_component_find(const struct call *call, const struct kind *kind, const json_t *request,
                        struct job_component **component, GError **error);
/* Within the change that creates the job. */
bool job_component_create_within(struct store_connection *connection, const struct call *call,
                                 const struct job_component *component, GError **error);
/* Adds to the component's description what the job tells. False: there is no such job any more, and
 * the component itself has what there is to tell. */
bool job_component_tell(struct lathe *lathe, const char *job_arn, json_t *description);
/* The same of its inputs and outputs alone. */
void job_component_tell_artifacts(const json_t *job, json_t *description);
/* "Image", "DataSet": what lineage calls an input or output of that name. */
const char *job_component_artifact_type(const char *name);
/* Before a job at its end is deleted: its component keeps what it shows of it. */
bool job_component_keep(struct lathe *lathe, const struct kind *kind, const char *job,
                        GError **error);

/* Within a change of the store: it belongs to its trial. */
bool trial_component_associate_within(struct store_connection *connection, struct store *store,
                                      const struct job_component *component, GError **error);

/* ---- metrics ---- */

/* A member of DescribeTrialComponent's Metrics. */
json_t *metric_summary_member(const struct series_summary *summary, const char *name,
                              const char *source);
/* Those of a component's own series, added to its description's. */
void trial_component_tell_metrics(struct store *store, const struct resource *component,
                                  json_t *description);

#endif
