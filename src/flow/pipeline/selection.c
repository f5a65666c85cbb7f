#include "flow/pipeline/selection.h"

#include <string.h>

#include "base/error.h"
#include "store/entry.h"

bool selection_has(const json_t *config, const char *step)
{
    size_t i;
    const json_t *selected;
    json_array_foreach(json_object_get(config, "SelectedSteps"), i, selected)
    {
        if (strcmp(json_text_at(selected, "StepName"), step) == 0)
            return true;
    }
    return !config;
}

struct selection {
    const struct definition *definition;
    const json_t *config, *source; /* source: entries by their steps' names */
    json_t *reused;                /* likewise */
    signed char *follows; /* by the step's index: 1, -1 (it does not), or 0: not asked yet */
    GError **error;
};

static const struct definition_step *step_at(const struct definition *definition, guint index)
{
    return g_ptr_array_index(definition->steps, index);
}

static bool follows_selected(struct selection *selection, unsigned index);

static bool asks_for_selected(struct selection *selection, const struct definition_step *step)
{
    for (guint i = 0; i < step->needs->len; i++) {
        unsigned needed = g_array_index(step->needs, unsigned, i);
        if (selection_has(selection->config, step_at(selection->definition, needed)->name) ||
            follows_selected(selection, needed))
            return true;
    }
    return false;
}

/* Whether a step cannot begin before a selected one has ended. */
static bool follows_selected(struct selection *selection, unsigned index)
{
    signed char *known = &selection->follows[index];
    if (!*known)
        *known = asks_for_selected(selection, step_at(selection->definition, index)) ? 1 : -1;
    return *known > 0;
}

static bool reuse(struct selection *selection, const struct definition_step *step, unsigned index)
{
    const struct definition_step *needed = step_at(selection->definition, index);
    const json_t *entry = json_object_get(selection->source, needed->name);
    if (follows_selected(selection, index))
        return error_set(selection->error, ERROR_VALIDATION,
                         "Step %s lies between selected steps, and has to be selected, too.",
                         needed->name);
    if (g_strcmp0(json_text_at(entry, "StepStatus"), "Succeeded") != 0)
        return error_set(selection->error, ERROR_VALIDATION,
                         "The selected step %s needs step %s, which is not selected: "
                         "SourcePipelineExecutionArn has to name an execution in which that "
                         "succeeded.",
                         step->name, needed->name);
    json_t *copy = json_deep_copy(entry);
    json_object_del(copy, "CacheKey");
    json_object_set_new(
        copy, "SelectiveExecutionResult",
        json_pack("{sO}", "SourcePipelineExecutionArn",
                  json_object_get(selection->config, "SourcePipelineExecutionArn")));
    json_object_set_new(selection->reused, needed->name, copy);
    return true;
}

/* A branch that is selected without its Condition is taken without a question. */
static bool reuse_needs(struct selection *selection, const struct definition_step *step)
{
    for (guint i = 0; i < step->needs->len; i++) {
        unsigned index = g_array_index(step->needs, unsigned, i);
        const struct definition_step *needed = step_at(selection->definition, index);
        bool asked = (int)index != step->parent && !selection_has(selection->config, needed->name);
        if (asked && !json_object_get(selection->reused, needed->name) &&
            !reuse(selection, step, index))
            return false;
    }
    return true;
}

static bool reuse_all(struct selection *selection)
{
    size_t i;
    const json_t *selected;
    json_array_foreach(json_object_get(selection->config, "SelectedSteps"), i, selected)
    {
        const char *name = json_text_at(selected, "StepName");
        int index = definition_find(selection->definition, name);
        if (index < 0)
            return error_set(selection->error, ERROR_VALIDATION,
                             "SelectiveExecutionConfig.SelectedSteps: the pipeline has no step %s.",
                             name);
        if (!reuse_needs(selection, step_at(selection->definition, (guint)index)))
            return false;
    }
    return true;
}

json_t *selection_reused(const struct definition *definition, const json_t *config,
                         const GPtrArray *source, GError **error)
{
    g_autoptr(json_auto) entries = json_object();
    for (guint i = 0; source && i < source->len; i++) {
        const struct entry *entry = g_ptr_array_index(source, i);
        json_object_set(entries, json_text_at(entry->body, "StepName"), entry->body);
    }
    g_autoptr(json_auto) reused = json_object();
    g_autofree signed char *follows = g_new0(signed char, definition->steps->len);
    struct selection selection = {definition, config, entries, reused, follows, error};
    return reuse_all(&selection) ? g_steal_pointer(&reused) : NULL;
}
