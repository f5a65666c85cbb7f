/* What a plan need not make. */
#include "feature/kind.h"

/* Whether the step may refuse a row for its input i, or skip it: then it looks at that in any case.
 */
static bool may_refuse(const struct step *step, size_t i)
{
    kind_refuses *refuses = kind_of(step->stage->kind)->refuses;
    if (step->stage->kind == FEATURE_VECTOR_ASSEMBLER && step->columns[i] == SIZE_MAX)
        return false; /* only scalars are looked at */
    return refuses && refuses(step->stage);
}

/* How many outputs input i of the step has of its own, if each has. */
static size_t own_outputs(const struct step *step, size_t i)
{
    if (step->stage->kind == FEATURE_ONE_HOT_ENCODER)
        return feature_one_hot_width(step->stage, i);
    if (kind_of(step->stage->kind)->by_element)
        return 1;
    return i ? 0 : step->out_count; /* inputs are computed with one another */
}

static bool any_asked(const struct plan *plan, const size_t *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!plan->slots[slots[i]].unasked)
            return true;
    return false;
}

void plan_narrow(struct plan *plan, const bool *asked)
{
    for (size_t i = 0; i < plan->slot_count; i++)
        plan->slots[i].unasked = true;
    for (size_t i = 0; i < plan->output_slot_count; i++)
        if (asked[i])
            plan->slots[plan->output_slots[i]].unasked = false;
    for (size_t s = plan->step_count; s-- > 0;) {
        struct step *step = &plan->steps[s];
        const size_t *out = step->out;
        bool needed = false;
        step->idle = !any_asked(plan, out, step->out_count);
        for (size_t i = 0; i < step->in_count; i++) {
            size_t own = own_outputs(step, i);
            needed = any_asked(plan, out, own) || (own == 0 && needed);
            out += own;
            if (!needed && !may_refuse(step, i))
                continue;
            plan->slots[step->in[i]].unasked = false;
            step->idle = false;
        }
    }
}
