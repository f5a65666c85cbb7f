/* Experiments and their trials. */
#include "service/sagemaker/experiments.h"

#include "base/page.h"

/* How many belong to it: in its body, and no member of any description. */
#define MEMBERS "Members"

/* ---- what experiments, trials and components share ---- */

json_t *experiments_body(const struct kind *kind, const json_t *request)
{
    json_t *body = json_deep_copy(request);
    if (!json_object_get(body, "DisplayName"))
        json_object_set(body, "DisplayName", json_object_get(body, kind->name));
    return body;
}

void experiments_change_map(json_t *body, const json_t *request, const char *member,
                            const char *removed)
{
    const json_t *added = json_object_get(request, member);
    if (added && !json_object_get(body, member))
        json_object_set_new(body, member, json_object());
    json_t *map = json_object_get(body, member);
    if (added)
        json_object_update(map, (json_t *)added);
    size_t i;
    const json_t *name;
    json_array_foreach(json_object_get(request, removed), i, name)
        json_object_del(map, json_string_value(name));
}

struct counting {
    int more;
    bool found;
};

static bool count_members(struct resource *resource, void *data, GError **error)
{
    (void)error;
    struct counting *counting = data;
    gint64 members = json_integer_at(resource->body, MEMBERS, 0) + counting->more;
    json_object_set_new(resource->body, MEMBERS, json_integer(members));
    counting->found = true;
    return true;
}

bool experiments_count(struct store_connection *connection, struct store *store,
                       const struct kind *kind, const char *name, int more, GError **error)
{
    struct counting counting = {more, false};
    if (!resource_update_within(connection, store, kind->word, name, count_members, &counting,
                                error))
        return false;
    return counting.found ||
           error_set(error, kind->missing_code, "%s %s has just been deleted.", kind->noun, name);
}

bool experiments_check_empty(struct resource *resource, void *data, GError **error)
{
    (void)data;
    gint64 members = json_integer_at(resource->body, MEMBERS, 0);
    bool is_trial = g_str_equal(resource->kind, trial_kind.word);
    return members == 0 ||
           error_set(error, ERROR_VALIDATION,
                     "%s cannot be deleted: it has %" G_GINT64_FORMAT " %s, which have to be %s "
                     "first.",
                     resource->arn, members, is_trial ? "trial components" : "trials",
                     is_trial ? "disassociated" : "deleted");
}

static json_t *summary_of(struct lathe *lathe, const struct kind *kind,
                          const struct resource *resource)
{
    json_t *summary = sagemaker_describe(kind, resource);
    if (kind->tell)
        kind->tell(lathe, resource, summary);
    kind_fit_summary(kind, summary);
    return summary;
}

bool experiments_list(const struct call *call, const struct experiments_list *list,
                      const json_t *request, struct reply *reply, GError **error)
{
    const struct kind *kind = list->kind;
    struct resource_query query = sagemaker_query(kind, request);
    query.parent = list->parent;
    query.created_after = json_number_at(request, "CreatedAfter", 0);
    query.created_before = json_number_at(request, "CreatedBefore", 0);
    query.limit = 0;
    query.token = NULL;
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    if (!all)
        return false;
    g_autoptr(json_auto) found = json_array();
    for (guint i = 0; i < all->len; i++) {
        const struct resource *resource = g_ptr_array_index(all, i);
        if (!list->keep || list->keep(resource, list->data))
            json_array_append_new(found, summary_of(call->lathe, kind, resource));
    }
    struct page_listing listing = {kind->list, 10, ERROR_VALIDATION};
    return page_put(&reply->output, kind->summaries, found, &listing, request, error);
}

static bool change_members(struct resource *resource, void *data, GError **error)
{
    (void)error;
    static const char *const members[] = {"DisplayName", "Description", NULL};
    json_copy_members(resource->body, data, members);
    return true;
}

static bool update(const struct call *call, const struct kind *kind, const json_t *request,
                   struct reply *reply, GError **error)
{
    g_autoptr(resource_auto) found =
        sagemaker_get(call, kind, json_text_at(request, kind->name), error);
    return found && sagemaker_update(call, kind, found->name, change_members, (void *)request,
                                     json_pack("{ss}", kind->arn, found->arn), reply, error);
}

/* ---- experiments ---- */

static bool create_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    return sagemaker_create(call, &experiment_kind, request, "",
                            experiments_body(&experiment_kind, request), reply, error);
}

static bool describe_experiment(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    return sagemaker_describe_call(call, &experiment_kind, request, reply, error);
}

static bool list_experiments(const struct call *call, const json_t *request, struct reply *reply,
                             GError **error)
{
    struct experiments_list list = {.kind = &experiment_kind};
    return experiments_list(call, &list, request, reply, error);
}

static bool update_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    return update(call, &experiment_kind, request, reply, error);
}

static bool delete_experiment(const struct call *call, const json_t *request, struct reply *reply,
                              GError **error)
{
    g_autoptr(resource_auto) found =
        sagemaker_get(call, &experiment_kind, json_text_at(request, "ExperimentName"), error);
    if (!found || !resource_delete_checked(call->lathe->store, found->kind, found->name,
                                           experiments_check_empty, NULL, error))
        return false;
    reply->output = json_pack("{ss}", "ExperimentArn", found->arn);
    return true;
}

/* ---- trials ---- */

static bool create_trial_within(struct store_connection *connection,
                                const struct creation *creation, GError **error)
{
    const char *experiment = json_text_at(creation->request, "ExperimentName");
    return experiments_count(connection, creation->call->lathe->store, &experiment_kind, experiment,
                             1, error) &&
           sagemaker_create_within(connection, creation, error);
}

static bool create_trial_work(struct store_connection *connection, void *data, GError **error)
{
    return create_trial_within(connection, data, error);
}

bool experiments_make_within(struct store_connection *connection, const struct call *call,
                             const struct kind *kind, const json_t *body, GError **error)
{
    struct call beside = *call;
    beside.token = NULL; /* which is for the call's own answer */
    struct reply reply = {0};
    struct creation creation = {&beside, kind, body, "", NULL, &reply};
    bool made = kind == &trial_kind ? create_trial_within(connection, &creation, error)
                                    : sagemaker_create_within(connection, &creation, error);
    reply_clear(&reply);
    return made;
}

static bool create_trial(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) experiment =
        sagemaker_get(call, &experiment_kind, json_text_at(request, "ExperimentName"), error);
    if (!experiment || !sagemaker_check_tags(json_object_get(request, "Tags"), error))
        return false;
    g_autoptr(json_auto) body = experiments_body(&trial_kind, request);
    json_object_set_new(body, "ExperimentName", json_string(experiment->name));
    struct creation creation = {call, &trial_kind, body, "", NULL, reply};
    return sagemaker_write(call, create_trial_work, &creation, reply, error);
}

static bool describe_trial(const struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    return sagemaker_describe_call(call, &trial_kind, request, reply, error);
}

/* data: the Parents of a component. */
static bool is_parent(const struct resource *trial, const void *data)
{
    size_t i;
    const json_t *parent;
    json_array_foreach((json_t *)data, i, parent)
    {
        if (g_str_equal(json_text_at(parent, "TrialName"), trial->name))
            return true;
    }
    return false;
}

static bool list_trials(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    const char *experiment = json_text_at(request, "ExperimentName");
    const char *component = json_text_at(request, "TrialComponentName");
    g_autoptr(resource_auto) of = NULL, with = NULL;
    if ((experiment && !(of = sagemaker_get(call, &experiment_kind, experiment, error))) ||
        (component && !(with = sagemaker_get(call, &trial_component_kind, component, error))))
        return false;
    struct experiments_list list = {
        .kind = &trial_kind,
        .parent = of ? of->name : NULL,
        .keep = with ? is_parent : NULL,
        .data = with ? json_object_get(with->body, "Parents") : NULL,
    };
    return experiments_list(call, &list, request, reply, error);
}

static bool update_trial(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    return update(call, &trial_kind, request, reply, error);
}

struct removal {
    struct store *store;
    const struct resource *trial;
};

static bool remove_trial(struct store_connection *connection, void *data, GError **error)
{
    const struct removal *removal = data;
    const struct resource *trial = removal->trial;
    bool found = false;
    if (!resource_update_within(connection, removal->store, trial->kind, trial->name,
                                experiments_check_empty, NULL, error) ||
        !resource_delete_within(connection, removal->store, trial->kind, trial->name, &found,
                                error))
        return false;
    return !found || experiments_count(connection, removal->store, &experiment_kind, trial->parent,
                                       -1, error);
}

static bool delete_trial(const struct call *call, const json_t *request, struct reply *reply,
                         GError **error)
{
    g_autoptr(resource_auto) trial =
        sagemaker_get(call, &trial_kind, json_text_at(request, "TrialName"), error);
    struct removal removal = {call->lathe->store, trial};
    if (!trial || !store_write_spare(call->lathe->store, remove_trial, &removal, error))
        return false;
    reply->output = json_pack("{ss}", "TrialArn", trial->arn);
    return true;
}

/* ---- what they are ---- */

static const struct operation experiment_operations[] = {
    {"CreateExperiment", create_experiment, OPERATION_BLOCKING},
    {"DescribeExperiment", describe_experiment, OPERATION_BLOCKING},
    {"ListExperiments", list_experiments, OPERATION_BLOCKING},
    {"UpdateExperiment", update_experiment, OPERATION_BLOCKING},
    {"DeleteExperiment", delete_experiment, OPERATION_BLOCKING},
};

const struct kind experiment_kind = {
    .service = "sagemaker",
    .word = "experiment",
    .noun = "Experiment",
    KIND_WORDS("Experiment"),
    .summaries = "ExperimentSummaries",
    .any_case = true,
    .small_arn = true,
    .searchable = true,
    .always = "{\"CreatedBy\": {}, \"LastModifiedBy\": {}}",
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Experiment %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Experiment names must be unique within an AWS account and region. An experiment with "
             "this name already exists (%s)",
    .operations = experiment_operations,
    .count = G_N_ELEMENTS(experiment_operations),
};

static const struct operation trial_operations[] = {
    {"CreateTrial", create_trial, OPERATION_BLOCKING},
    {"DescribeTrial", describe_trial, OPERATION_BLOCKING},
    {"ListTrials", list_trials, OPERATION_BLOCKING},
    {"UpdateTrial", update_trial, OPERATION_BLOCKING},
    {"DeleteTrial", delete_trial, OPERATION_BLOCKING},
};

const struct kind trial_kind = {
    .service = "sagemaker",
    .word = "experiment-trial",
    .noun = "ExperimentTrial",
    .record = "Trial",
    KIND_WORDS("Trial"),
    .parent = "ExperimentName",
    .summaries = "TrialSummaries",
    .any_case = true,
    .small_arn = true,
    .searchable = true,
    .always = "{\"CreatedBy\": {}, \"LastModifiedBy\": {}}",
    .missing_code = ERROR_NOT_FOUND,
    .missing = "Trial %s does not exist.",
    .taken_code = ERROR_VALIDATION,
    .taken = "Trial names must be unique within an AWS account and region. A trial with this name "
             "already exists (%s)",
    .operations = trial_operations,
    .count = G_N_ELEMENTS(trial_operations),
};
