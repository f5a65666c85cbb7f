#include "train/rules.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "train/report.h"
#include "train/rules_inside.h"
#include "train/xgboost_report.h"

#define REPORT "CreateXgboostReport"
#define STALL "StalledTrainingRule"
#define NO_DATA                                                                                   \
    "ClientError: No debugging data was saved by the training job. Check that the debugger hook " \
    "was configured correctly before starting the training job. "

enum {
    USUAL_INTERVAL = 10, /* the hook's, where its configuration says none */
    USUAL_STALL = 1800   /* seconds */
};

struct rules {
    int report_fd;
    GArray *all;                   /* struct rule */
    GPtrArray *stalls;             /* struct rule_stall */
    struct xgboost_report *report; /* or NULL */
    const char *report_name;       /* of its rule's configuration */
    const char *profile;           /* below the job's folder; or NULL */
};

const struct rule_kind rule_kinds[] = {
    {"LossNotDecreasing", "metrics", check_loss_not_decreasing},
    {"Overfit", "metrics", check_overfit},
    {"Overtraining", "metrics", check_overtraining},
    {"ClassImbalance", "predictions", check_class_imbalance},
    {"Confusion", "predictions", check_confusion},
    {"FeatureImportanceOverweight", "feature_importance", check_importance},
    {"TreeDepth", "trees", check_tree_depth},
    {"AllZero", NULL, check_all_zero},
    {"TensorVariance", NULL, check_tensor_variance},
    {"UnchangedTensor", NULL, check_unchanged_tensor},
    {NULL, NULL, NULL},
};

/* ---- what a configuration says ---- */

static const char *text_of(const json_t *parameters, const char *name)
{
    return json_string_value(json_object_get(parameters, name));
}

double rule_number(const struct rule *rule, const char *name, double usual)
{
    const char *text = text_of(rule->parameters, name);
    char *end = NULL;
    double number = text ? g_ascii_strtod(text, &end) : usual;
    return text && (end == text || *end) ? usual : number;
}

static int interval_in(const json_t *parameters, int usual)
{
    const char *text = text_of(parameters, "save_interval");
    gint64 interval = text ? g_ascii_strtoll(text, NULL, 10) : 0;
    return interval > 0 ? (int)MIN(interval, G_MAXINT) : usual;
}

/* The collection's own, or the hook's. */
static int interval_of(const json_t *hook, const char *collection)
{
    int usual = interval_in(json_object_get(hook, "HookParameters"), USUAL_INTERVAL);
    size_t i;
    const json_t *one;
    json_array_foreach(json_object_get(hook, "CollectionConfigurations"), i, one)
    {
        const char *name = json_text_at(one, "CollectionName");
        if (g_strcmp0(name, collection) == 0)
            return interval_in(json_object_get(one, "CollectionParameters"), usual);
    }
    return usual;
}

/* How often a rule looks. */
static int interval_for(const struct rule_kind *kind, const json_t *parameters, const json_t *hook)
{
    const char *named = text_of(parameters, "collection_names");
    g_auto(GStrv) words = g_strsplit(named ? named : "", ",", 2);
    return interval_of(hook, kind->collection ? kind->collection
                             : words[0]       ? g_strstrip(words[0])
                                              : "");
}

static const struct rule_kind *find_kind(const char *name)
{
    for (const struct rule_kind *kind = rule_kinds; kind->name; kind++)
        if (g_strcmp0(kind->name, name) == 0)
            return kind;
    return NULL;
}

/* ---- their lives ---- */

static void clear_rule(void *of)
{
    struct rule *rule = of;
    g_hash_table_unref(rule->losses);
    if (rule->tensors)
        g_hash_table_unref(rule->tensors);
}

static void add_rule(struct rules *rules, const json_t *given, const json_t *hook)
{
    const json_t *parameters = json_object_get(given, "RuleParameters");
    const char *invoked = text_of(parameters, "rule_to_invoke");
    const struct rule_kind *kind = find_kind(invoked);
    if (g_strcmp0(invoked, REPORT) == 0 && !rules->report) {
        rules->report = xgboost_report_new();
        rules->report_name = json_text_at(given, "RuleConfigurationName");
        return;
    }
    if (g_strcmp0(invoked, STALL) == 0) {
        struct rule stall = {.parameters = parameters};
        g_ptr_array_add(rules->stalls,
                        rule_stall_start(json_text_at(given, "RuleConfigurationName"),
                                         rule_number(&stall, "threshold", USUAL_STALL),
                                         rules->report_fd));
        return;
    }
    if (!kind) {
        report_rule(rules->report_fd, json_text_at(given, "RuleConfigurationName"), "Stopped", 0,
                    "This version of lathe does not evaluate this rule.");
        return;
    }
    struct rule rule = {.kind = kind,
                        .name = json_text_at(given, "RuleConfigurationName"),
                        .parameters = parameters,
                        .interval = interval_for(kind, parameters, hook),
                        .losses = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    g_array_append_val(rules->all, rule);
}

struct rules *rules_open(const json_t *config, int report_fd)
{
    struct rules *rules = g_new0(struct rules, 1);
    *rules = (struct rules){.report_fd = report_fd,
                            .profile = json_text_at(config, "Profile"),
                            .all = g_array_new(FALSE, FALSE, sizeof(struct rule)),
                            .stalls = g_ptr_array_new_with_free_func(rule_stall_end)};
    g_array_set_clear_func(rules->all, clear_rule);
    size_t i;
    const json_t *given;
    json_array_foreach(json_object_get(config, "Rules"), i, given)
        add_rule(rules, given, json_object_get(config, "Hook"));
    if (rules->all->len || rules->report || rules->stalls->len)
        return rules;
    rules_close(rules);
    return NULL;
}

void rules_close(struct rules *rules)
{
    if (!rules)
        return;
    g_array_unref(rules->all);
    g_ptr_array_unref(rules->stalls);
    xgboost_report_free(rules->report);
    g_free(rules);
}

/* ---- evaluating ---- */

/* In AWS's words. */
char *rule_details(const char *kind, int round, const GError *cause)
{
    return cause
               ? g_strdup_printf("InternalServerError: The rule %s could not be evaluated at step "
                                 "%d: %s",
                                 kind, round, cause->message)
               : g_strdup_printf("RuleEvaluationConditionMet: Evaluation of the rule %s at step "
                                 "%d resulted in the condition being met",
                                 kind, round);
}

static void tell(const struct rules *rules, struct rule *rule, int round, const GError *cause)
{
    g_autofree char *details = rule_details(rule->kind->name, round, cause);
    rule->over_with = true;
    report_log("WARNING", "%s", details);
    report_rule(rules->report_fd, rule->name, cause ? "Error" : "IssuesFound", round, details);
}

static void evaluate_rule(const struct rules *rules, struct rule *rule, struct round_view *view)
{
    g_autoptr(GError) cause = NULL;
    bool met = false;
    rule->looked = true;
    if (!rule->kind->check(rule, view, &met, &cause) || met)
        tell(rules, rule, view->round, cause);
}

/* A booster shows all in each round, steps that were saved what was to be saved then. */
static bool is_due(const struct rule *rule, const struct round_view *view)
{
    if (!view->source->shows)
        return view->round % rule->interval == 0;
    return !rule->kind->collection || view->source->shows(view, rule->kind->collection);
}

void rules_round(struct rules *rules, struct round_view *view)
{
    if (!rules)
        return;
    xgboost_report_round(rules->report, view->round, view->scores);
    for (guint i = 0; i < rules->stalls->len; i++)
        rule_stall_moved(g_ptr_array_index(rules->stalls, i), view->round);
    for (guint i = 0; i < rules->all->len; i++) {
        struct rule *rule = &g_array_index(rules->all, struct rule, i);
        if (!rule->over_with && is_due(rule, view))
            evaluate_rule(rules, rule, view);
    }
}

static void tell_error(const struct rules *rules, const char *name, const char *details)
{
    report_log("WARNING", "%s", details);
    report_rule(rules->report_fd, name, "Error", 0, details);
}

/* What never had anything to look at found no issue, but did not look either. */
static void tell_blind(const struct rules *rules)
{
    for (guint i = 0; i < rules->all->len; i++) {
        const struct rule *rule = &g_array_index(rules->all, struct rule, i);
        const char *collection = rule->kind->collection;
        if (rule->looked || rule->over_with)
            continue;
        g_autofree char *details =
            g_strdup_printf(NO_DATA "The rule %s needs tensors%s%s.", rule->kind->name,
                            collection ? " of the collection " : "", collection ? collection : "");
        tell_error(rules, rule->name, details);
    }
}

static bool write_report(const struct rules *rules, struct round_view *last, const char *opt_ml,
                         const char *output, GError **error)
{
    g_autofree char *own = g_build_filename(output, rules->report_name, NULL);
    g_autofree char *profile =
        rules->profile ? g_build_filename(opt_ml, rules->profile, NULL) : NULL;
    if (profile)
        xgboost_report_system(rules->report, profile);
    return last ? xgboost_report_write(rules->report, last, own, error)
                : error_set(error, ERROR_VALIDATION, NO_DATA);
}

void rules_finish(struct rules *rules, struct round_view *last, const char *opt_ml,
                  const char *output)
{
    g_autoptr(GError) cause = NULL;
    if (!rules)
        return;
    if (!last || last->source->shows)
        tell_blind(rules);
    if (!rules->report || write_report(rules, last, opt_ml, output, &cause))
        return;
    g_autofree char *details =
        last ? g_strdup_printf("InternalServerError: the report could not be made: %s",
                               cause->message)
             : g_strdup(cause->message);
    tell_error(rules, rules->report_name, details);
}
