/* Tying a pipeline to the columns of a batch. */
#include "feature/kind.h"

#include <stdio.h>
#include <stdlib.h>

/* A column while a plan is made. */
struct known {
    struct feature_column column;
    size_t *slots;  /* its elements', once it is resolved */
    size_t maker;   /* the stage, or SIZE_MAX: given */
    bool available; /* given, or made by a stage that can run */
    bool needed;    /* a wanted column depends on it */
    bool read;      /* a stage that can run reads it */
    enum kind_form form;
};

/* What is only of use until the plan stands. */
struct planning {
    struct plan *plan;
    const struct feature_stage *stages;
    size_t stage_count;
    bool *can_run, *live;
    struct labels *names;
    struct known *known; /* by index of names */
    size_t known_count, slot_capacity, values;
    struct lathe_error *error;
};

static struct known *find(const struct planning *planning, const char *name)
{
    int32_t index = labels_find(planning->names, text_of(name, strlen(name)));
    return index < 0 ? NULL : &planning->known[index];
}

/* Notes a column that is given or made; false where there is no memory. */
static bool enter(struct planning *planning, struct feature_column column, size_t maker)
{
    int32_t index = labels_add(planning->names, text_of(column.name, strlen(column.name)));
    if (index < 0)
        return false;
    if ((size_t)index == planning->known_count) /* a column given twice keeps its first place */
        planning->known[planning->known_count++] =
            (struct known){.column = column, .maker = maker, .available = true, .form = FORM_DENSE};
    return true;
}

/* A new slot; SIZE_MAX where there is no memory or too much is asked for. */
static size_t new_slot(struct planning *planning, enum place place, enum feature_type type,
                       bool plain)
{
    struct plan *plan = planning->plan;
    if (plan->slot_count == planning->slot_capacity) {
        size_t capacity = planning->slot_capacity ? planning->slot_capacity * 2 : 64;
        struct slot_plan *slots = realloc(plan->slots, capacity * sizeof *slots);
        if (!slots)
            return SIZE_MAX;
        plan->slots = slots;
        planning->slot_capacity = capacity;
    }
    size_t at = place == NUMBERS ? plan->number_count++ : place == TEXTS ? plan->text_count++ : 0;
    plan->slots[plan->slot_count] =
        (struct slot_plan){.place = place, .at = at, .type = type, .plain = plain};
    return plan->slot_count++;
}

/* ---- which stages run ---- */

/* From the front: a stage can run where all that it reads is there. */
static bool find_runnable(struct planning *planning, const bool *ready)
{
    for (size_t s = 0; s < planning->stage_count; s++) {
        const struct feature_stage *stage = &planning->stages[s];
        bool can_run = !ready || ready[s];
        for (size_t i = 0; i < stage->input_count && can_run; i++) {
            const struct known *known = find(planning, stage->inputs[i]);
            can_run = known && known->available;
        }
        planning->can_run[s] = can_run;
        if (!can_run)
            continue;
        for (size_t i = 0; i < stage->input_count; i++)
            find(planning, stage->inputs[i])->read = true;
        for (size_t i = 0; i < stage->output_count; i++) {
            const struct known *given = find(planning, stage->outputs[i]);
            char text[STAGE_TEXT];
            if (given)
                return fail(planning->error, LATHE_INVALID_DATA,
                            "%s makes column '%.80s', which the rows bring already: leave it out "
                            "of the rows or give one of them another name",
                            stage_text(stage, s, text), stage->outputs[i]);
            if (!enter(planning, (struct feature_column){.name = stage->outputs[i]}, s))
                return fail_memory(planning->error, "a feature pipeline's plan");
        }
    }
    return true;
}

/* A column that is wanted, or that a wanted one depends on, is not there: says whose fault it is.
 */
static bool fail_missing(const struct planning *planning, const char *name)
{
    for (size_t s = 0; s < planning->stage_count; s++) {
        const struct feature_stage *stage = &planning->stages[s];
        for (size_t o = 0; o < stage->output_count; o++)
            for (size_t i = 0; strcmp(stage->outputs[o], name) == 0 && i < stage->input_count; i++)
                if (!find(planning, stage->inputs[i])) {
                    char text[STAGE_TEXT];
                    return fail(planning->error, LATHE_INVALID_DATA,
                                "%s needs column '%.80s' to make '%.80s', and the rows do not "
                                "have it",
                                stage_text(stage, s, text), stage->inputs[i], name);
                }
    }
    return fail(planning->error, LATHE_INVALID_DATA,
                "column '%.80s' is wanted, but it is neither among the rows' columns nor made by a "
                "stage of the pipeline",
                name);
}

/* From the back: a stage lives where something needed comes from it, or where it skips rows. */
static void find_live(struct planning *planning)
{
    for (size_t s = planning->stage_count; s-- > 0;) {
        const struct feature_stage *stage = &planning->stages[s];
        bool live = planning->can_run[s] && stage_skips(stage);
        for (size_t i = 0; i < stage->output_count && planning->can_run[s] && !live; i++)
            live = find(planning, stage->outputs[i])->needed;
        planning->live[s] = live;
        for (size_t i = 0; i < stage->input_count && live; i++)
            find(planning, stage->inputs[i])->needed = true;
    }
}

/* ---- columns to slots ---- */

static bool give_slots(struct planning *planning)
{
    struct plan *plan = planning->plan;
    size_t at = 0;
    for (size_t c = 0; c < plan->column_count; c++) {
        struct known *known = find(planning, plan->columns[c].name);
        size_t count = plan->columns[c].width;
        if (count > BUILD_WIDTH)
            return fail(planning->error, LATHE_LIMIT,
                        "column '%.80s' is a vector of %zu elements, and at most %d are taken",
                        plan->columns[c].name, count, BUILD_WIDTH);
        plan->reads[c] = known->needed && !known->slots;
        if (plan->reads[c]) {
            known->slots = arena_take(&plan->arena, count, sizeof *known->slots);
            for (size_t i = 0; i < count; i++) {
                size_t slot = known->slots ? new_slot(planning, GIVEN, plan->columns[c].type, false)
                                           : SIZE_MAX;
                if (slot == SIZE_MAX)
                    return fail_memory(planning->error, "a feature pipeline's plan");
                plan->slots[slot].at = at + i;
                known->slots[i] = slot;
            }
        }
        at += count;
    }
    return true;
}

/* What a StringIndexer reads may be texts or numbers, other columns are of one type. */
static bool check_type(const struct planning *planning, const struct feature_stage *stage,
                       const char *who, struct feature_column asked,
                       const struct feature_column *column)
{
    static const char *const HAS[] = {"numbers", "numbers", "texts", "lists of words"};
    bool numbers = column->type == FEATURE_NUMBER || column->type == FEATURE_INTEGER;
    bool either = stage->kind == FEATURE_STRING_INDEXER && column->type != FEATURE_WORDS;
    if (either || (asked.type == FEATURE_NUMBER && numbers) || asked.type == column->type)
        return true;
    const char *cure = asked.type == FEATURE_NUMBER && column->type == FEATURE_TEXT
                           ? ": put a StringIndexer before it"
                       : asked.type == FEATURE_WORDS ? ": put a Tokenizer before it"
                                                     : "";
    return fail(planning->error, LATHE_INVALID_DATA, "%s reads %s, and column '%.80s' has %s%s",
                who, HAS[asked.type], column->name, HAS[column->type], cure);
}

/* What the stage gets as its input i must fit. */
static bool check_input(const struct planning *planning, const struct feature_stage *stage,
                        size_t index, size_t i, const struct known *known)
{
    char text[STAGE_TEXT];
    stage_text(stage, index, text);
    const struct feature_column *column = &known->column;
    struct feature_column asked = stage_input(stage, i);
    if (!check_type(planning, stage, text, asked, column))
        return false;
    if (asked.type != FEATURE_NUMBER)
        return true;
    bool assembler = stage->kind == FEATURE_VECTOR_ASSEMBLER;
    if (assembler && !stage->of.assembler.shapes)
        return true;
    if (asked.vector && !column->vector && !assembler)
        return fail(planning->error, LATHE_INVALID_DATA,
                    "%s reads vectors, and column '%.80s' is a single number: put a "
                    "VectorAssembler before it",
                    text, column->name);
    if (asked.width != column->width && asked.width != ANY_WIDTH)
        return fail(planning->error, LATHE_INVALID_DATA,
                    "%s expects %zu value%s in column '%.80s', and it has %zu", text, asked.width,
                    asked.width == 1 ? "" : "s", column->name, column->width);
    return true;
}

/* Whether a VectorAssembler can let an input be: it has nothing to look for in it, or nothing to
 * refuse. */
static bool as_it_is(const struct feature_stage *stage, bool plain, bool vector)
{
    return plain || (stage->of.assembler.exact && (vector || stage->invalid == FEATURE_KEEP));
}

/* A VectorAssembler's output is its inputs' slots, side by side; only those that might hold NaN or
 * -0.0 are looked at and copied. */
static bool plan_assembler(struct planning *planning, struct step *step, size_t total)
{
    struct plan *plan = planning->plan;
    const struct feature_stage *stage = step->stage;
    struct known *made = find(planning, stage->outputs[0]);
    size_t *in = arena_take(&plan->arena, total, sizeof *in);
    size_t *out = arena_take(&plan->arena, total, sizeof *out);
    size_t *columns = arena_take(&plan->arena, total, sizeof *columns);
    made->slots = arena_take(&plan->arena, total, sizeof *made->slots);
    if (!in || !out || !columns || !made->slots)
        return fail_memory(planning->error, "a feature pipeline's plan");
    size_t element = 0;
    for (size_t i = 0; i < stage->input_count; i++) {
        const struct known *known = find(planning, stage->inputs[i]);
        for (size_t e = 0; e < known->column.width; e++) {
            size_t slot = known->slots[e];
            if (!as_it_is(stage, plan->slots[slot].plain, known->column.vector)) {
                in[step->in_count] = slot;
                columns[step->in_count] = known->column.vector ? SIZE_MAX : i;
                slot = new_slot(planning, NUMBERS, FEATURE_NUMBER, false);
                if (slot == SIZE_MAX)
                    return fail_memory(planning->error, "a feature pipeline's plan");
                out[step->in_count++] = slot;
            }
            made->slots[element++] = slot;
        }
    }
    step->in = in;
    step->out = out;
    step->columns = columns;
    step->out_count = step->in_count;
    return true;
}

static bool plan_outputs_of(struct planning *planning, struct step *step, size_t total)
{
    struct plan *plan = planning->plan;
    const struct feature_stage *stage = step->stage;
    size_t count = 0;
    for (size_t i = 0; i < stage->output_count; i++)
        count += stage_output(stage, i, total).width;
    size_t *out = arena_take(&plan->arena, count, sizeof *out);
    if (!out)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t i = 0; i < stage->output_count; i++) {
        struct known *made = find(planning, stage->outputs[i]);
        made->slots = out + step->out_count;
        for (size_t e = 0; e < made->column.width; e++) {
            bool text = made->column.type == FEATURE_TEXT;
            size_t slot = new_slot(planning, text ? TEXTS : NUMBERS, made->column.type,
                                   kind_of(stage->kind)->plain);
            if (slot == SIZE_MAX)
                return fail_memory(planning->error, "a feature pipeline's plan");
            out[step->out_count++] = slot;
        }
    }
    step->out = out;
    return true;
}

static bool plan_inputs_of(struct planning *planning, struct step *step, size_t total)
{
    size_t *in = arena_take(&planning->plan->arena, total, sizeof *in);
    if (!in)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t i = 0; i < step->stage->input_count; i++) {
        const struct known *known = find(planning, step->stage->inputs[i]);
        for (size_t e = 0; e < known->column.width; e++)
            in[step->in_count++] = known->slots[e];
    }
    step->in = in;
    return true;
}

/* Of a stage that computes nothing: its output is some of its inputs' slots. */
static bool plan_picked(struct planning *planning, struct step *step, size_t total)
{
    const struct feature_stage *stage = step->stage;
    struct known *made = find(planning, stage->outputs[0]);
    kind_pick *pick = kind_of(stage->kind)->pick;
    if (!plan_inputs_of(planning, step, total))
        return false;
    made->slots = arena_take(&planning->plan->arena, made->column.width, sizeof *made->slots);
    if (!made->slots)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t e = 0; e < made->column.width; e++) {
        size_t picked = pick ? pick(stage, e) : e;
        if (picked >= total) {
            char text[STAGE_TEXT];
            return fail(planning->error, LATHE_INVALID_DATA,
                        "%s takes element %zu of column '%.80s', which has %zu",
                        stage_text(stage, step->index, text), picked, stage->inputs[0], total);
        }
        made->slots[e] = step->in[picked];
    }
    step->in_count = 0;
    step->idle = true;
    return true;
}

static bool plan_step(struct planning *planning, size_t index)
{
    struct plan *plan = planning->plan;
    const struct feature_stage *stage = &planning->stages[index];
    struct step *step = &plan->steps[plan->step_count++];
    *step = (struct step){.stage = stage, .index = index};
    plan->skips |= stage_skips(stage);
    size_t total = 0;
    for (size_t i = 0; i < stage->input_count; i++) {
        const struct known *known = find(planning, stage->inputs[i]);
        if (!check_input(planning, stage, index, i, known))
            return false;
        total += known->column.width;
    }
    size_t made = 0;
    for (size_t i = 0; i < stage->output_count; i++)
        made += stage_output(stage, i, total).width;
    planning->values += total + made;
    if (total > BUILD_WIDTH || made > BUILD_WIDTH || planning->values > BUILD_VALUES) {
        char text[STAGE_TEXT];
        return fail(planning->error, LATHE_LIMIT,
                    "%s reads %zu values a row and makes %zu; at most %d are taken, and %d in all",
                    stage_text(stage, index, text), total, made, BUILD_WIDTH, BUILD_VALUES);
    }
    kind_form_of *form = kind_of(stage->kind)->form;
    step->form = stage->input_count ? (int)find(planning, stage->inputs[0])->form : FORM_DENSE;
    for (size_t i = 0; i < stage->output_count; i++) {
        struct known *output = find(planning, stage->outputs[i]);
        output->column = stage_output(stage, i, total);
        output->form = form ? form(stage) : FORM_SHORTER;
        if (output->form == FORM_SAME)
            output->form = (enum kind_form)step->form;
    }
    if (stage->kind == FEATURE_VECTOR_ASSEMBLER)
        return plan_assembler(planning, step, total);
    if (!kind_of(stage->kind)->apply)
        return plan_picked(planning, step, total);
    return plan_inputs_of(planning, step, total) && plan_outputs_of(planning, step, total);
}

/* ---- the plan itself ---- */

/* The columns that every batch brings: the caller's, or those the pipeline asks for. */
static bool take_columns(struct planning *planning, const struct feature_column *columns,
                         size_t count)
{
    struct plan *plan = planning->plan;
    plan->columns = arena_take(&plan->arena, count, sizeof *columns);
    plan->reads = arena_take(&plan->arena, count, sizeof *plan->reads);
    if (!plan->columns || !plan->reads)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t c = 0; c < count; c++) {
        plan->columns[c] = columns[c];
        plan->columns[c].name = arena_copy(&plan->arena, columns[c].name, strlen(columns[c].name));
        if (!plan->columns[c].name || !enter(planning, plan->columns[c], SIZE_MAX))
            return fail_memory(planning->error, "a feature pipeline's plan");
    }
    plan->column_count = count;
    return true;
}

/* Marks what is wanted: the columns named, or those that stages make and no stage reads. */
static bool take_wanted(struct planning *planning, const char *const *wanted, size_t count)
{
    struct plan *plan = planning->plan;
    if (!wanted)
        count = planning->known_count;
    plan->outputs = arena_take(&plan->arena, count, sizeof *plan->outputs);
    if (!plan->outputs)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t i = 0; i < count; i++) {
        struct known *known = wanted ? find(planning, wanted[i]) : &planning->known[i];
        if (!known)
            return fail_missing(planning, wanted[i]);
        if (!wanted && (known->maker == SIZE_MAX || known->read))
            continue;
        known->needed = true;
        plan->outputs[plan->output_count++] = known->column;
    }
    return true;
}

static bool resolve_outputs(struct planning *planning)
{
    struct plan *plan = planning->plan;
    size_t total = 0;
    for (size_t i = 0; i < plan->output_count; i++) {
        plan->outputs[i] = find(planning, plan->outputs[i].name)->column;
        if (plan->outputs[i].type == FEATURE_WORDS)
            return fail(planning->error, LATHE_INVALID_DATA,
                        "column '%.80s' has lists of words, which no answer can have: put a "
                        "HashingTF after the Tokenizer",
                        plan->outputs[i].name);
        total += plan->outputs[i].width;
    }
    plan->output_slots = arena_take(&plan->arena, total, sizeof *plan->output_slots);
    if (!plan->output_slots)
        return fail_memory(planning->error, "a feature pipeline's plan");
    for (size_t i = 0; i < plan->output_count; i++) {
        struct known *known = find(planning, plan->outputs[i].name);
        for (size_t e = 0; e < known->column.width; e++)
            plan->output_slots[plan->output_slot_count++] = known->slots[e];
        /* The name must outlive the caller's. */
        plan->outputs[i].name =
            arena_copy(&plan->arena, plan->outputs[i].name, strlen(plan->outputs[i].name));
        if (!plan->outputs[i].name)
            return fail_memory(planning->error, "a feature pipeline's plan");
    }
    return true;
}

static bool make_plan(struct planning *planning, const bool *ready,
                      const struct feature_column *columns, size_t count, const char *const *wanted,
                      size_t wanted_count)
{
    struct plan *plan = planning->plan;
    if (!take_columns(planning, columns, count) || !find_runnable(planning, ready) ||
        !take_wanted(planning, wanted, wanted_count))
        return false;
    find_live(planning);
    size_t live = 0;
    for (size_t s = 0; s < planning->stage_count; s++)
        live += planning->live[s];
    plan->steps = arena_take(&plan->arena, live, sizeof *plan->steps);
    if (!plan->steps)
        return fail_memory(planning->error, "a feature pipeline's plan");
    if (!give_slots(planning))
        return false;
    for (size_t s = 0; s < planning->stage_count; s++)
        if (planning->live[s] && !plan_step(planning, s))
            return false;
    return resolve_outputs(planning);
}

struct plan *plan_open_ready(const struct pipeline *pipeline, const bool *ready,
                             const struct feature_column *columns, size_t count,
                             const char *const *wanted, size_t wanted_count,
                             struct lathe_error *error)
{
    if (!columns)
        columns = pipeline_inputs(pipeline, &count);
    struct planning planning = {.error = error};
    planning.stages = pipeline_stages(pipeline, &planning.stage_count);
    size_t columns_at_most = count;
    for (size_t s = 0; s < planning.stage_count; s++)
        columns_at_most += planning.stages[s].output_count;
    planning.plan = calloc(1, sizeof *planning.plan);
    planning.names = labels_new();
    planning.known = calloc(columns_at_most + 1, sizeof *planning.known);
    planning.can_run = calloc(planning.stage_count + 1, sizeof *planning.can_run);
    planning.live = calloc(planning.stage_count + 1, sizeof *planning.live);
    bool made =
        planning.plan && planning.names && planning.known && planning.can_run && planning.live;
    if (!made)
        fail_memory(error, "a feature pipeline's plan");
    else
        made = make_plan(&planning, ready, columns, count, wanted, wanted_count);
    labels_free(planning.names);
    free(planning.known);
    free(planning.can_run);
    free(planning.live);
    if (made)
        return planning.plan;
    plan_close(planning.plan);
    return NULL;
}

struct plan *plan_open(const struct pipeline *pipeline, const struct feature_column *columns,
                       size_t count, const char *const *wanted, size_t wanted_count,
                       struct lathe_error *error)
{
    return plan_open_ready(pipeline, NULL, columns, count, wanted, wanted_count, error);
}

void plan_close(struct plan *plan)
{
    if (!plan)
        return;
    free(plan->slots);
    arena_free(&plan->arena);
    free(plan);
}

const struct feature_column *plan_inputs(const struct plan *plan, size_t *count)
{
    *count = plan->column_count;
    return plan->columns;
}

bool plan_reads(const struct plan *plan, size_t index)
{
    return plan->reads[index];
}

const struct feature_column *plan_outputs(const struct plan *plan, size_t *count)
{
    *count = plan->output_count;
    return plan->outputs;
}
