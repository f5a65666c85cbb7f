/* Transformers as C: for each step of the plan what src/feature/apply*.c does, for one row. */
#include "export/export_inside.h"
#include "feature/plan_view.h"
#include "parse/number.h"

#include <math.h>
#include <stdio.h>

struct exporting {
    struct code *code;
    const struct part *part;
    size_t index; /* of the part */
    struct lathe_error *error;
};

typedef void put_function(const struct exporting *exporting, const struct plan_view_step *step);

/* Whether value `at` of a row is one that the schema of the first part has as a float. */
static bool is_rounded(const struct exporting *exporting, size_t at)
{
    const struct schema *schema = &exporting->part->schema;
    size_t i = 0;
    for (; at >= schema->columns[i].width; i++)
        at -= schema->columns[i].width;
    return exporting->index == 0 && schema->columns[i].type == SCHEMA_FLOAT;
}

static void put_slot(const struct exporting *exporting, size_t slot)
{
    const struct plan_view_slot view = plan_view_slot(exporting->part->plan, slot);
    const char *from = view.type == FEATURE_TEXT        ? (view.given ? "in_text" : "t")
                       : !view.given                    ? "n"
                       : is_rounded(exporting, view.at) ? "(double)(float)in"
                                                        : "in";
    code_put(exporting->code, "%s[%zu]", from, view.at);
}

/* "    n[3] = " */
static void put_to(const struct exporting *exporting, size_t slot)
{
    code_put(exporting->code, "    ");
    put_slot(exporting, slot);
    code_put(exporting->code, " = ");
}

/* "    if (<condition>)\n        return <stage>;\n" with the slot for %s. */
static void put_check(const struct exporting *exporting, const struct plan_view_step *step,
                      size_t slot, const char *before, const char *after)
{
    code_put(exporting->code, "    if (%s", before);
    put_slot(exporting, slot);
    code_put(exporting->code, "%s)\n        return %zu;\n", after, step->index + 1);
}

static bool put_labels(const struct exporting *exporting, const struct plan_view_step *step,
                       size_t i, const struct labels *labels)
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

static void put_doubles(const struct exporting *exporting, const struct plan_view_step *step,
                        size_t table, const double *values, size_t count)
{
    struct code *code = exporting->code;
    code_put(code, "static const double values_%zu_%zu_%zu[] = {\n", exporting->index, step->index,
             table);
    for (size_t i = 0; i < count; i++) {
        code_put(code, "    ");
        code_double(code, values[i]);
        code_put(code, ",\n");
    }
    code_put(code, "%s};\n", count ? "" : "    0.0,\n");
}

/* The number whose text is this label; NaN where none has it. */
static double number_of(struct csv_text label, enum feature_type type)
{
    double number;
    char text[TEXT_NUMBER];
    if (!number_parse(label.bytes, label.size, &number))
        return NAN;
    size_t size = type == FEATURE_INTEGER ? text_integer(text, number) : text_double(text, number);
    return size == label.size && memcmp(text, label.bytes, size) == 0 ? number : NAN;
}

/* A StringIndexer looks numbers up by their texts. No two numbers share one, so here it is by
 * themselves. */
static void put_numbers(const struct exporting *exporting, const struct plan_view_step *step,
                        size_t i, enum feature_type type)
{
    struct code *code = exporting->code;
    const struct labels *labels = step->stage->of.indexer.labels[i];
    code_put(code, "static const double values_%zu_%zu_%zu[] = {\n", exporting->index, step->index,
             i);
    for (size_t k = 0; k < labels_count(labels); k++) {
        code_put(code, "    ");
        code_double(code, number_of(labels_text(labels, k), type));
        code_put(code, ",\n");
    }
    code_put(code, "%s};\n", labels_count(labels) ? "" : "    0.0,\n");
}

/* ---- the tables that a step needs ---- */

static bool put_tables(const struct exporting *exporting, const struct plan_view_step *step)
{
    const struct feature_stage *stage = step->stage;
    bool put = true;
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        for (size_t i = 0; put && i < step->in_count; i++) {
            enum feature_type type = plan_view_slot(exporting->part->plan, step->in[i]).type;
            if (type == FEATURE_TEXT)
                put = put_labels(exporting, step, i, stage->of.indexer.labels[i]);
            else
                put_numbers(exporting, step, i, type);
        }
        return put;
    case FEATURE_INDEX_TO_STRING:
        return put_labels(exporting, step, 0, stage->of.to_string.labels);
    case FEATURE_STRING_MAP:
        put_doubles(exporting, step, 0, stage->of.map.values, stage->of.map.count);
        return put_labels(exporting, step, 0, stage->of.map.labels);
    case FEATURE_NUMBER_MAP:
        put_doubles(exporting, step, 0, stage->of.map.values, stage->of.map.count);
        put_doubles(exporting, step, 1, stage->of.map.keys, stage->of.map.count);
        return true;
    case FEATURE_BUCKETIZER:
        put_doubles(exporting, step, 0, stage->of.bucketizer.splits, stage->of.bucketizer.count);
        return true;
    default:
        return true;
    }
}

/* ---- steps ---- */

static void put_index(const struct exporting *exporting, const struct plan_view_step *step,
                      size_t i, const struct labels *labels)
{
    enum feature_type type = plan_view_slot(exporting->part->plan, step->in[i]).type;
    const char *call = type == FEATURE_TEXT ? "index_of(labels" : "index_of_number(values";
    put_to(exporting, step->out[i]);
    code_put(exporting->code, "%s_%zu_%zu_%zu, %zu, ", call, exporting->index, step->index, i,
             labels_count(labels));
    put_slot(exporting, step->in[i]);
    /* A whole number has no negative zero. */
    code_put(exporting->code, "%s);\n", type == FEATURE_INTEGER ? " + 0.0" : "");
}

static void put_indexer(const struct exporting *exporting, const struct plan_view_step *step)
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

/* "    n[3] = index_of_key(values_0_1_1, 4, in[2]);\n" */
static void put_key_index(const struct exporting *exporting, const struct plan_view_step *step)
{
    put_to(exporting, step->out[0]);
    code_put(exporting->code, "index_of_key(values_%zu_%zu_1, %zu, ", exporting->index, step->index,
             step->stage->of.map.count);
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, ");\n");
}

/* "    if (<what is missing>)\n        n[3] = <its value>;\n    else {\n" */
static void put_missing(const struct exporting *exporting, const struct plan_view_step *step)
{
    bool text = step->stage->kind == FEATURE_STRING_MAP;
    code_put(exporting->code, text ? "    if (!" : "    if (isnan(");
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, text ? ")\n    " : "))\n    ");
    put_to(exporting, step->out[0]);
    code_double(exporting->code, step->stage->of.map.missing);
    code_put(exporting->code, ";\n    else {\n");
}

static void put_map(const struct exporting *exporting, const struct plan_view_step *step)
{
    if (step->stage->of.map.takes_missing)
        put_missing(exporting, step);
    if (step->stage->kind == FEATURE_STRING_MAP)
        put_index(exporting, step, 0, step->stage->of.map.labels);
    else
        put_key_index(exporting, step);
    if (step->stage->invalid == FEATURE_ERROR)
        put_check(exporting, step, step->out[0], "", " < 0");
    put_to(exporting, step->out[0]);
    put_slot(exporting, step->out[0]);
    code_put(exporting->code, " < 0 ? ");
    code_double(exporting->code, step->stage->of.map.otherwise);
    code_put(exporting->code, " : values_%zu_%zu_0[(size_t)", exporting->index, step->index);
    put_slot(exporting, step->out[0]);
    code_put(exporting->code, step->stage->of.map.takes_missing ? "];\n    }\n" : "];\n");
}

static void put_one_hot(const struct exporting *exporting, const struct plan_view_step *step)
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

static void put_to_string(const struct exporting *exporting, const struct plan_view_step *step)
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

static void put_assembler(const struct exporting *exporting, const struct plan_view_step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        if (step->stage->invalid != FEATURE_KEEP && step->columns[i] != SIZE_MAX)
            put_check(exporting, step, step->in[i], "isnan(", ")");
        put_to(exporting, step->out[i]);
        put_slot(exporting, step->in[i]);
        code_put(exporting->code, step->stage->of.assembler.exact ? ";\n" : " + 0.0;\n");
    }
}

static void put_scaler(const struct exporting *exporting, const struct plan_view_step *step)
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

double export_scale(const struct feature_stage *stage, size_t i)
{
    double range = stage->of.min_max.max[i] - stage->of.min_max.min[i];
    return range != 0 ? (stage->of.min_max.upper - stage->of.min_max.lower) / range : 0;
}

static void put_min_max(const struct exporting *exporting, const struct plan_view_step *step)
{
    const struct feature_stage *stage = step->stage;
    double lower = stage->of.min_max.lower, upper = stage->of.min_max.upper;
    for (size_t i = 0; i < step->in_count; i++) {
        double scale = export_scale(stage, i);
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
        code_double(exporting->code, stage->of.min_max.min[i]);
        code_put(exporting->code, ", ");
        code_double(exporting->code, scale);
        code_put(exporting->code, ") + ");
        code_double(exporting->code, lower);
        code_put(exporting->code, ";\n");
    }
}

static void put_imputer(const struct exporting *exporting, const struct plan_view_step *step)
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

static void put_bucketizer(const struct exporting *exporting, const struct plan_view_step *step)
{
    if (step->stage->invalid != FEATURE_KEEP)
        put_check(exporting, step, step->in[0], "isnan(", ")");
    put_to(exporting, step->out[0]);
    code_put(exporting->code, "bucket_of(values_%zu_%zu_0, %zu, ", exporting->index, step->index,
             step->stage->of.bucketizer.count);
    put_slot(exporting, step->in[0]);
    code_put(exporting->code, ");\n");
    put_check(exporting, step, step->out[0], "", " < 0");
}

/* The C of each operation, on x, or on a and b. Java's Math differs from C's for NaN, infinities
 * and zeros. */
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
    [MATH_ROUND] = "round_up(x)",
    [MATH_LOG1P] = "log1p(x)",
    [MATH_EXPM1] = "expm1(x)",
    [MATH_LOG2] = "log2(x)",
    [MATH_LOG10] = "log10(x)",
    [MATH_ADD] = "a + b",
    [MATH_SUB] = "a - b",
    [MATH_MUL] = "times(a, b)",
    [MATH_DIV] = "a / b",
    [MATH_REM] = "fmod(a, b)",
    [MATH_LOG_N] = "log(a) / log(b)",
    [MATH_POW] = "isnan(b) || (fabs(a) == 1 && isinf(b)) ? (double)NAN : pow(a, b)",
    [MATH_MIN] = ("isnan(a) || isnan(b) ? (double)NAN : "
                  "a == 0 && b == 0 ? (signbit(a) ? a : b) : a < b ? a : b"),
    [MATH_MAX] = ("isnan(a) || isnan(b) ? (double)NAN : "
                  "a == 0 && b == 0 ? (signbit(a) ? b : a) : a > b ? a : b"),
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

static void put_math(const struct exporting *exporting, const struct plan_view_step *step)
{
    const struct feature_stage *stage = step->stage;
    bool unary = stage->kind == FEATURE_MATH_UNARY;
    enum feature_operation operation =
        unary ? stage->of.unary.operation : stage->of.binary.operation;
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
}

static void put_scaled(const struct exporting *exporting, const struct plan_view_step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        put_to(exporting, step->out[i]);
        code_put(exporting->code, "times(");
        put_slot(exporting, step->in[i]);
        code_put(exporting->code, ", ");
        code_double(exporting->code, feature_scale(step->stage, i));
        code_put(exporting->code, ");\n");
    }
}

static void put_binarizer(const struct exporting *exporting, const struct plan_view_step *step)
{
    const struct feature_stage *stage = step->stage;
    size_t at = 0;
    for (size_t i = 0; i < stage->input_count; i++)
        for (size_t e = 0; e < stage->of.binarizer.shapes[i].width; e++, at++) {
            put_to(exporting, step->out[at]);
            put_slot(exporting, step->in[at]);
            code_put(exporting->code, " > ");
            code_double(exporting->code, stage->of.binarizer.thresholds[i]);
            code_put(exporting->code, ";\n");
        }
}

/* What only names what is there. */
static void put_nothing(const struct exporting *exporting, const struct plan_view_step *step)
{
    (void)exporting;
    (void)step;
}

/* NULL: it is not written as C. */
static put_function *put_of(enum feature_kind kind)
{
    static put_function *const puts[FEATURE_KINDS] = {
        [FEATURE_STRING_INDEXER] = put_indexer,
        [FEATURE_ONE_HOT_ENCODER] = put_one_hot,
        [FEATURE_INDEX_TO_STRING] = put_to_string,
        [FEATURE_VECTOR_ASSEMBLER] = put_assembler,
        [FEATURE_STANDARD_SCALER] = put_scaler,
        [FEATURE_MIN_MAX_SCALER] = put_min_max,
        [FEATURE_IMPUTER] = put_imputer,
        [FEATURE_BUCKETIZER] = put_bucketizer,
        [FEATURE_MATH_UNARY] = put_math,
        [FEATURE_MATH_BINARY] = put_math,
        [FEATURE_STRING_MAP] = put_map,
        [FEATURE_NUMBER_MAP] = put_map,
        [FEATURE_MAX_ABS_SCALER] = put_scaled,
        [FEATURE_ELEMENTWISE_PRODUCT] = put_scaled,
        [FEATURE_IDF] = put_scaled,
        [FEATURE_BINARIZER] = put_binarizer,
        [FEATURE_VECTOR_SLICER] = put_nothing,
        [FEATURE_CHI_SQ_SELECTOR] = put_nothing,
    };
    return puts[kind];
}

static bool refuse(const struct plan_view_step *step, struct lathe_error *error)
{
    return fail(error, LATHE_UNSUPPORTED,
                "stage %zu, a %s, has no form in C yet: serve the artifact, or leave the stage out",
                step->index + 1, feature_kind_name(step->stage->kind));
}

bool export_bundle(struct code *code, const struct part *part, size_t index,
                   struct lathe_error *error)
{
    const struct plan *plan = part->plan;
    const struct exporting exporting = {code, part, index, error};
    code_put(code, "\n");
    for (size_t i = 0; i < plan_view_steps(plan); i++) {
        const struct plan_view_step step = plan_view_step(plan, i);
        if (!put_of(step.stage->kind))
            return refuse(&step, error);
        if (!put_tables(&exporting, &step))
            return false;
    }
    code_put(code,
             "\nstatic int part_%zu(const double *in, const char *const *in_text, double *out,\n"
             "    const char **out_text)\n{\n    double n[%zu];\n    const char *t[%zu];\n"
             "    (void)in;\n    (void)in_text;\n    (void)out;\n    (void)out_text;\n"
             "    (void)n;\n    (void)t;\n",
             index, plan_view_numbers(plan) + 1, plan_view_texts(plan) + 1);
    for (size_t i = 0; i < plan_view_steps(plan); i++) {
        const struct plan_view_step step = plan_view_step(plan, i);
        put_of(step.stage->kind)(&exporting, &step);
    }
    size_t count;
    const size_t *outputs = plan_view_outputs(plan, &count);
    for (size_t i = 0; i < count; i++) {
        bool text = plan_view_slot(plan, outputs[i]).type == FEATURE_TEXT;
        code_put(code, "    %s[%zu] = ", text ? "out_text" : "out", i);
        put_slot(&exporting, outputs[i]);
        code_put(code, ";\n");
    }
    code_put(code, "    return 0;\n}\n");
    return true;
}
