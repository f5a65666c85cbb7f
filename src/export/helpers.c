/* The functions that transformers' C calls: what src/feature/apply*.c has for the same. */
#include "export/export_inside.h"
#include "feature/plan_view.h"

/* Those that a predictor's steps call: others would be warned of as unused. */
struct needs {
    bool times, index_of, index_of_number, index_of_key, hot, bucket_of, round_up;
};

static void add_needs(struct needs *needs, const struct plan *plan,
                      const struct plan_view_step *step)
{
    const struct feature_stage *stage = step->stage;
    switch (stage->kind) {
    case FEATURE_STRING_INDEXER:
        for (size_t i = 0; i < step->in_count; i++) {
            bool text = plan_view_slot(plan, step->in[i]).type == FEATURE_TEXT;
            needs->index_of |= text;
            needs->index_of_number |= !text;
        }
        return;
    case FEATURE_STRING_MAP:
        needs->index_of = true;
        return;
    case FEATURE_NUMBER_MAP:
        needs->index_of_key = true;
        return;
    case FEATURE_ONE_HOT_ENCODER:
        for (size_t i = 0; i < step->in_count; i++)
            needs->hot |= feature_one_hot_width(stage, i) > 0;
        return;
    case FEATURE_BUCKETIZER:
        needs->bucket_of = true;
        return;
    case FEATURE_STANDARD_SCALER:
    case FEATURE_MAX_ABS_SCALER:
    case FEATURE_ELEMENTWISE_PRODUCT:
    case FEATURE_IDF:
        needs->times |= step->in_count > 0;
        return;
    case FEATURE_MIN_MAX_SCALER:
        for (size_t i = 0; i < step->in_count; i++)
            needs->times |= export_scale(stage, i) != 0;
        return;
    case FEATURE_MATH_UNARY:
        needs->round_up |= stage->of.unary.operation == MATH_ROUND;
        return;
    case FEATURE_MATH_BINARY:
        needs->times |= stage->of.binary.operation == MATH_MUL;
        return;
    default:
        return;
    }
}

static const char TIMES[] = "\n/* A product that no compiler fuses with a sum. */\n"
                            "static double times(double a, double b)\n{\n"
                            "    volatile double product = a * b;\n"
                            "    return product;\n}\n";

static const char INDEX_OF[] =
    "\nstatic double index_of(const char *const *labels, size_t count, const char *text)\n{\n"
    "    for (size_t i = 0; text && i < count; i++)\n"
    "        if (strcmp(labels[i], text) == 0)\n            return (double)i;\n"
    "    return -1.0;\n}\n";

static const char INDEX_OF_NUMBER[] =
    "\nstatic double index_of_number(const double *labels, size_t count, double number)\n{\n"
    "    for (size_t i = 0; i < count; i++)\n"
    "        if (labels[i] == number && !signbit(labels[i]) == !signbit(number))\n"
    "            return (double)i;\n"
    "    return -1.0;\n}\n";

static const char INDEX_OF_KEY[] =
    "\nstatic double index_of_key(const double *keys, size_t count, double number)\n{\n"
    "    for (size_t i = 0; i < count; i++)\n"
    "        if (keys[i] == number)\n            return (double)i;\n"
    "    return -1.0;\n}\n";

static const char HOT[] =
    "\nstatic double hot(double value, size_t element, size_t categories)\n{\n"
    "    size_t category = value >= 0 && value < (double)categories ? (size_t)value : "
    "categories;\n"
    "    return category == element ? 1.0 : 0.0;\n}\n";

static const char BUCKET_OF[] =
    "\n/* -0.0 is below 0.0 here, as in Java. */\n"
    "static int reaches(double value, double split)\n{\n"
    "    return value > split ||\n"
    "           (value == split && (!signbit(value) || signbit(split) || value != 0));\n}\n\n"
    "static double bucket_of(const double *splits, size_t count, double value)\n{\n"
    "    if (isnan(value))\n        return (double)(count - 1);\n"
    "    if (value == splits[count - 1])\n        return (double)(count - 2);\n"
    "    if (!reaches(value, splits[0]) || value > splits[count - 1])\n"
    "        return -1.0;\n    size_t bucket = 0;\n"
    "    while (bucket + 2 < count && reaches(value, splits[bucket + 1]))\n"
    "        bucket++;\n    return (double)bucket;\n}\n";

static const char ROUND_UP[] =
    "\n/* Java's Math.round, to a long: halves go up. */\n"
    "static double round_up(double value)\n{\n"
    "    if (isnan(value))\n        return 0.0;\n"
    "    if (fabs(value) >= 0x1p63)\n        return copysign(0x1p63, value);\n"
    "    double below = floor(value);\n"
    "    return (value - below >= 0.5 ? below + 1.0 : below) + 0.0;\n}\n";

void export_helpers(struct code *code, const struct lathe_predictor *predictor)
{
    struct needs needs = {0};
    for (size_t p = 0; p < predictor->part_count; p++) {
        const struct plan *plan = predictor->parts[p].plan;
        for (size_t i = 0; plan && i < plan_view_steps(plan); i++) {
            const struct plan_view_step step = plan_view_step(plan, i);
            add_needs(&needs, plan, &step);
        }
    }
    code_put(code, "%s%s%s%s%s%s%s", needs.times ? TIMES : "", needs.index_of ? INDEX_OF : "",
             needs.index_of_number ? INDEX_OF_NUMBER : "", needs.index_of_key ? INDEX_OF_KEY : "",
             needs.hot ? HOT : "", needs.bucket_of ? BUCKET_OF : "",
             needs.round_up ? ROUND_UP : "");
}
