/* Transformers as C: for each step of the plan what src/feature/apply*.c does, for one row. */
#include "feature/steps.h"
#include "model/export.h"

#include <stdio.h>

struct exporting {
    struct code *code;
    const struct part *part;
    const struct plan *plan;
    size_t index;
    struct lathe_error *error;
};

static void put_slot(const struct exporting *exporting, size_t slot)
{
    const struct slot_plan *plan = &exporting->plan->slots[slot];
    bool text = plan->type == FEATURE_TEXT;
    if (plan->place == GIVEN)
        code_put(exporting->code, "%s[%zu]", text ? "in_text" : "in", plan->at);
    else
        code_put(exporting->code, "%s[%zu]", text ? "t" : "n", plan->at);
}

/* "    n[3] = " */
static void put_to(const struct exporting *exporting, size_t slot)
{
    code_put(exporting->code, "    ");
    put_slot(exporting, slot);
    code_put(exporting->code, " = ");
}

/* "    if (<condition>)\n        return <stage>;\n" with the slot for %s. */
static void put_check(const struct exporting *exporting, const struct step *step, size_t slot,
                      const char *before, const char *after)
{
    code_put(exporting->code, "    if (%s", before);
    put_slot(exporting, slot);
    code_put(exporting->code, "%s)\n        return %zu;\n", after, step->index + 1);
}

static bool put_labels(const struct exporting *exporting, const struct step *step, size_t i,
                       const struct labels *labels)
{
    struct code *code = exporting->code;
    code_put(code, "static const char *const labels_%zu_%zu_%zu[] = {\n", exporting->index,
             step->index, i);
    for (size_t k = 0; k < labels_count(labels); k++) {
        code_put(code, "    ");
        if (!code_text(code, labels_text(labels, k), exporting->error))
            return false;
        code_put(code, ",\n");
    }
    code_put(code, "%s};\n", labels_count(labels) ? "" : "    \"\",\n");
    return true;
}

static void put_doubles(const struct exporting *exporting, const struct step *step,
                        const double *values, size_t count)
{
    struct code *code = exporting->code;
    code_put(code, "static const double values_%zu_%zu[] = {\n", exporting->index, step->index);
    for (size_t i = 0; i < count; i++) {
        code_put(code, "    ");
        code_double(code, values[i]);
        code_put(code, ",\n");
    }
    code_put(code, "};\n");
}

/* ---- the tables that a step needs ---- */

static bool put_tables(const struct exporting *exporting, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    bool put = true;
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        for (size_t i = 0; put && i < step->in_count; i++)
            put = exporting->plan->slots[step->in[i]].type == FEATURE_TEXT
                      ? put_labels(exporting, step, i, stage->of.indexer.labels[i])
                      : fail(exporting->error, LATHE_UNSUPPORTED,
                             "a StringIndexer of numbers ('%.80s') is not exported",
                             stage->inputs[i]);
        return put;
    case FEATURE_INDEX_TO_STRING:
        return put_labels(exporting, step, 0, stage->of.to_string.labels);
    case FEATURE_STRING_MAP:
        put_doubles(exporting, step, stage->of.map.values, labels_count(stage->of.map.labels));
        return put_labels(exporting, step, 0, stage->of.map.labels);
    case FEATURE_BUCKETIZER:
        put_doubles(exporting, step, stage->of.bucketizer.splits, stage->of.bucketizer.count);
        return true;
    default:
        return true;
    }
}

/* ---- steps ---- */

static void put_index(const struct exporting *exporting, const struct step *step, size_t i,
                      const struct labels *labels)
{
    put_to(exporting, step->out[i]);
    code_put(exporting->code, "index_of(labels_%zu_%zu_%zu, %zu, ", exporting->index, step->index,
             i, labels_count(labels));
    put_slot(exporting, step->in[i]);
    code_put(exporting->code, ");\n");
}

static void put_indexer(const struct exporting *exporting, const struct step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        const struct labels *labels = step->stage->of.indexer.labels[i];
        put_index(exporting, step, i, labels);
        if (step->stage->invalid != FEATURE_KEEP) {
            put_check(exporting, step, step->out[i], "", " < 0");
            continue;
        }
        code_put(exporting->code, "    if (");
        put_slot(exporting, step->out[i]);
        code_put(exporting->code, " < 0)\n    ");
        put_to(exporting, step->out[i]);
        code_put(exporting->code, "%zu;\n", labels_count(labels));
    }
}

static void put_map(const struct exporting *exporting, const struct step *step)
{
    put_index(exporting, step, 0, step->stage->of.map.labels);
    if (step->stage->invalid == FEATURE_ERROR)
        put_check(exporting, step, step->out[0], "", " < 0");
    put_to(exporting, step->out[0]);
    put_slot(exporting, step->out[0]);
    code_put(exporting->code, " < 0 ? ");
    code_double(exporting->code, step->stage->of.map.otherwise);
    code_put(exporting->code, " : values_%zu_%zu[(size_t)", exporting->index, step->index);
    put_slot(exporting, step->out[0]);
    code_put(exporting->code, "];\n");
}

static void put_one_hot(const struct exporting *exporting, const struct step *step)
{
    const size_t *out = step->out;
    for (size_t i = 0; i < step->in_count; i++) {
        size_t categories = (size_t)step->stage->of.one_hot.categories[i];
        size_t width = feature_one_hot_width(step->stage, i);
        if (step->stage->invalid != FEATURE_KEEP) {
            char limit[48];
            snprintf(limit, sizeof limit, " < %zu)", categories);
            put_check(exporting, step, step->in[i], "!(", " >= 0)");
            put_check(exporting, step, step->in[i], "!(", limit);
        }
        for (size_t e = 0; e < width; e++) {
            put_to(exporting, out[e]);
            code_put(exporting->code, "hot(");
            put_slot(exporting, step->in[i]);
            code_put(exporting->code, ", %zu, %zu);\n", e, categories);
        }
        out += width;
    }
}

static void put_to_string(const struct exporting *exporting, const struct step *step)
{
    size_t count = labels_count(step->stage->of.to_string.labels);
    char limit[48];
    snprintf(limit, sizeof limit, " >= %zu", count);
    put_check(exporting, step, step->in[0], "", " <= -1");
    put_check(exporting, step, step->in[0], "", limit);
    put_to(exporting, step->out[0]);
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, " != ");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, " ? NULL : labels_%zu_%zu_0[", exporting->index, step->index);
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, " > 0 ? (size_t)");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, " : 0];\n");
}

static void put_assembler(const struct exporting *exporting, const struct step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        if (step->stage->invalid != FEATURE_KEEP && step->columns[i] != SIZE_MAX)
            put_check(exporting, step, step->in[i], "isnan(", ")");
        put_to(exporting, step->out[i]);
        put_slot(exporting, step->in[i]);
        code_put(exporting->code, " + 0.0;\n");
    }
}

static void put_scaler(const struct exporting *exporting, const struct step *step)
{
    const double *mean = step->stage->of.standard.mean, *std = step->stage->of.standard.std;
    for (size_t i = 0; i < step->in_count; i++) {
        put_to(exporting, step->out[i]);
        code_put(exporting->code, "times(");
        put_slot(exporting, step->in[i]);
        code_put(exporting->code, " - ");
        code_double(exporting->code, mean ? mean[i] : 0);
        code_put(exporting->code, ", ");
        code_double(exporting->code, !std ? 1 : std[i] == 0 ? 0 : 1 / std[i]);
        code_put(exporting->code, ");\n");
    }
}

static void put_min_max(const struct exporting *exporting, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    double lower = stage->of.min_max.lower, upper = stage->of.min_max.upper;
    for (size_t i = 0; i < step->in_count; i++) {
        double min = stage->of.min_max.min[i], range = stage->of.min_max.max[i] - min;
        double scale = range != 0 ? (upper - lower) / range : 0;
        put_to(exporting, step->out[i]);
        code_put(exporting->code, scale != 0 ? "times(" : "isnan(");
        put_slot(exporting, step->in[i]);
        if (scale == 0) { /* a constant column goes to the middle */
            code_put(exporting->code, ") ? (double)NAN : ");
            code_double(exporting->code, (lower + upper) / 2);
            code_put(exporting->code, ";\n");
            continue;
        }
        code_put(exporting->code, " - ");
        code_double(exporting->code, min);
        code_put(exporting->code, ", ");
        code_double(exporting->code, scale);
        code_put(exporting->code, ") + ");
        code_double(exporting->code, lower);
        code_put(exporting->code, ";\n");
    }
}

static void put_imputer(const struct exporting *exporting, const struct step *step)
{
    put_to(exporting, step->out[0]);
    code_put(exporting->code, "isnan(");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, ") || ");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, " == ");
    code_double(exporting->code, step->stage->of.imputer.missing);
    code_put(exporting->code, " ? ");
    code_double(exporting->code, step->stage->of.imputer.surrogate);
    code_put(exporting->code, " : ");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, ";\n");
}

static void put_bucketizer(const struct exporting *exporting, const struct step *step)
{
    if (step->stage->invalid != FEATURE_KEEP)
        put_check(exporting, step, step->in[0], "isnan(", ")");
    put_to(exporting, step->out[0]);
    code_put(exporting->code, "bucket_of(values_%zu_%zu, %zu, ", exporting->index, step->index,
             step->stage->of.bucketizer.count);
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, ");\n");
    put_check(exporting, step, step->out[0], "", " < 0");
}

/* The C of each operation, on x, or on a and b. */
static const char *const OPERATIONS[MATH_OPERATIONS] = {
    [MATH_LOG] = "log(x)",
    [MATH_EXP] = "exp(x)",
    [MATH_SQRT] = "sqrt(x)",
    [MATH_SIN] = "sin(x)",
    [MATH_COS] = "cos(x)",
    [MATH_TAN] = "tan(x)",
    [MATH_ABS] = "fabs(x)",
    [MATH_LOGIT] = "log(x / (1 - x))",
    [MATH_FLOOR] = "floor(x)",
    [MATH_CEIL] = "ceil(x)",
    [MATH_ADD] = "a + b",
    [MATH_SUB] = "a - b",
    [MATH_MUL] = "times(a, b)",
    [MATH_DIV] = "a / b",
    [MATH_REM] = "fmod(a, b)",
    [MATH_LOG_N] = "log(a) / log(b)",
    /* Java's Math differs from C's for NaN, infinities and zeros */
    [MATH_POW] = "isnan(b) || (fabs(a) == 1 && isinf(b)) ? (double)NAN : pow(a, b)",
    [MATH_MIN] = "isnan(a) || isnan(b) ? (double)NAN : a == 0 && b == 0 ? (signbit(a) ? a : b) : "
                 "a < b ? a : b",
    [MATH_MAX] = "isnan(a) || isnan(b) ? (double)NAN : a == 0 && b == 0 ? (signbit(a) ? b : a) : "
                 "a > b ? a : b",
};

static void put_operand(const struct exporting *exporting, const char *name, bool column,
                        size_t slot, double constant)
{
    code_put(exporting->code, "        const double %s = ", name);
    if (column)
        put_slot(exporting, slot);
    else
        code_double(exporting->code, constant);
    code_put(exporting->code, ";\n");
}

static bool put_math(const struct exporting *exporting, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    bool unary = stage->kind == FEATURE_MATH_UNARY;
    enum feature_operation operation =
        unary ? stage->of.unary.operation : stage->of.binary.operation;
    if (!OPERATIONS[operation])
        return fail(exporting->error, LATHE_UNSUPPORTED, "the operation %s is not exported",
                    feature_operation_name(operation));
    code_put(exporting->code, "    {\n");
    if (unary) {
        put_operand(exporting, "x", true, step->in[0], 0);
    } else {
        bool a = stage->of.binary.column_a, b = stage->of.binary.column_b;
        put_operand(exporting, "a", a, step->in[0], stage->of.binary.a);
        put_operand(exporting, "b", b, step->in[b ? a : 0], stage->of.binary.b);
    }
    code_put(exporting->code, "    ");
    put_to(exporting, step->out[0]);
    code_put(exporting->code, "%s;\n    }\n", OPERATIONS[operation]);
    return true;
}

static bool put_step(const struct exporting *exporting, const struct step *step)
{
    switch (step->stage->kind) {
    case FEATURE_STRING_INDEXER:
        put_indexer(exporting, step);
        return true;
    case FEATURE_ONE_HOT_ENCODER:
        put_one_hot(exporting, step);
        return true;
    case FEATURE_INDEX_TO_STRING:
        put_to_string(exporting, step);
        return true;
    case FEATURE_VECTOR_ASSEMBLER:
        put_assembler(exporting, step);
        return true;
    case FEATURE_STANDARD_SCALER:
        put_scaler(exporting, step);
        return true;
    case FEATURE_MIN_MAX_SCALER:
        put_min_max(exporting, step);
        return true;
    case FEATURE_IMPUTER:
        put_imputer(exporting, step);
        return true;
    case FEATURE_BUCKETIZER:
        put_bucketizer(exporting, step);
        return true;
    case FEATURE_STRING_MAP:
        put_map(exporting, step);
        return true;
    default:
        return put_math(exporting, step);
    }
}

bool export_bundle(struct code *code, const struct part *part, size_t index,
                   struct lathe_error *error)
{
    const struct plan *plan = part->plan;
    const struct exporting exporting = {code, part, plan, index, error};
    code_put(code, "\n");
    for (size_t i = 0; i < plan->step_count; i++)
        if (!put_tables(&exporting, &plan->steps[i]))
            return false;
    code_put(code,
             "\nstatic int part_%zu(const double *in, const char *const *in_text, double *out,\n"
             "    const char **out_text)\n{\n    double n[%zu];\n    const char *t[%zu];\n"
             "    (void)in;\n    (void)in_text;\n    (void)out;\n    (void)out_text;\n"
             "    (void)n;\n    (void)t;\n",
             index, plan->number_count + 1, plan->text_count + 1);
    for (size_t i = 0; i < plan->step_count; i++)
        if (!put_step(&exporting, &plan->steps[i]))
            return false;
    for (size_t i = 0; i < plan->output_slot_count; i++) {
        bool text = plan->slots[plan->output_slots[i]].type == FEATURE_TEXT;
        code_put(code, "    %s[%zu] = ", text ? "out_text" : "out", i);
        put_slot(&exporting, plan->output_slots[i]);
        code_put(code, ";\n");
    }
    code_put(code, "    return 0;\n}\n");
    return true;
}

/* ---- helpers ---- */

static bool any_stage(const struct lathe_predictor *predictor, const enum feature_kind *kinds,
                      size_t count)
{
    for (size_t p = 0; p < predictor->part_count; p++) {
        const struct plan *plan = predictor->parts[p].plan;
        for (size_t i = 0; plan && i < plan->step_count; i++)
            for (size_t k = 0; k < count; k++)
                if (plan->steps[i].stage->kind == kinds[k])
                    return true;
    }
    return false;
}

static bool any_product(const struct lathe_predictor *predictor)
{
    for (size_t p = 0; p < predictor->part_count; p++) {
        const struct plan *plan = predictor->parts[p].plan;
        for (size_t i = 0; plan && i < plan->step_count; i++) {
            const struct feature_stage *stage = plan->steps[i].stage;
            if (stage->kind == FEATURE_MATH_BINARY && stage->of.binary.operation == MATH_MUL)
                return true;
        }
    }
    const enum feature_kind scalers[] = {FEATURE_STANDARD_SCALER, FEATURE_MIN_MAX_SCALER};
    return any_stage(predictor, scalers, 2);
}

void export_helpers(struct code *code, const struct lathe_predictor *predictor)
{
    const enum feature_kind texts[] = {FEATURE_STRING_INDEXER, FEATURE_STRING_MAP};
    const enum feature_kind hot[] = {FEATURE_ONE_HOT_ENCODER}, buckets[] = {FEATURE_BUCKETIZER};
    if (any_product(predictor))
        code_put(code, "\n/* A product that no compiler fuses with a sum. */\n"
                       "static double times(double a, double b)\n{\n"
                       "    volatile double product = a * b;\n    return product;\n}\n");
    if (any_stage(predictor, texts, 2))
        code_put(code, "\nstatic double index_of(const char *const *labels, int count, const char "
                       "*text)\n{\n    for (int i = 0; text && i < count; i++)\n"
                       "        if (strcmp(labels[i], text) == 0)\n            return i;\n"
                       "    return -1;\n}\n");
    if (any_stage(predictor, hot, 1))
        code_put(code, "\nstatic double hot(double value, size_t element, size_t categories)\n{\n"
                       "    size_t category = value >= 0 && value < (double)categories ? "
                       "(size_t)value : categories;\n    return category == element;\n}\n");
    if (any_stage(predictor, buckets, 1))
        code_put(code,
                 "\n/* -0.0 is below 0.0 here, as in Java. */\n"
                 "static int reaches(double value, double split)\n{\n"
                 "    return value > split ||\n"
                 "           (value == split && (!signbit(value) || signbit(split) || value != 0));"
                 "\n}\n\n"
                 "static double bucket_of(const double *splits, size_t count, double value)\n{\n"
                 "    if (isnan(value))\n        return (double)(count - 1);\n"
                 "    if (value == splits[count - 1])\n        return (double)(count - 2);\n"
                 "    if (!reaches(value, splits[0]) || value > splits[count - 1])\n"
                 "        return -1;\n    size_t bucket = 0;\n"
                 "    while (bucket + 2 < count && reaches(value, splits[bucket + 1]))\n"
                 "        bucket++;\n    return (double)bucket;\n}\n");
}
