#include "feature/plan_view.h"

#include "feature/steps.h"

size_t plan_view_steps(const struct plan *plan)
{
    return plan->step_count;
}

struct plan_view_step plan_view_step(const struct plan *plan, size_t step)
{
    const struct step *found = &plan->steps[step];
    return (struct plan_view_step){
        .stage = found->stage,
        .index = found->index,
        .in = found->in,
        .out = found->out,
        .in_count = found->in_count,
        .columns = found->columns,
    };
}

struct plan_view_slot plan_view_slot(const struct plan *plan, size_t slot)
{
    const struct slot_plan *found = &plan->slots[slot];
    return (struct plan_view_slot){found->type, found->place == GIVEN, found->at};
}

size_t plan_view_numbers(const struct plan *plan)
{
    return plan->number_count;
}

size_t plan_view_texts(const struct plan *plan)
{
    return plan->text_count;
}

const size_t *plan_view_outputs(const struct plan *plan, size_t *count)
{
    *count = plan->output_slot_count;
    return plan->output_slots;
}
