/* MLeap's MathUnary and MathBinary, which are Java's Math: where C's functions differ at the
 * edges, Java's answer is given. */
#include "feature/steps.h"

#include <math.h>

/* Math.round: half up, to a long, so NaN is 0 and what is too large is the largest. */
static double java_round(double x)
{
    if (isnan(x))
        return 0;
    if (fabs(x) >= 0x1p63)
        return copysign(0x1p63, x);
    double below = floor(x);
    return (x - below >= 0.5 ? below + 1 : below) + 0.0;
}

/* Math.pow: NaN where C99 gives 1. */
static double java_pow(double a, double b)
{
    if (isnan(b) || (fabs(a) == 1 && isinf(b)))
        return NAN;
    return pow(a, b);
}

/* Math.min and Math.max: NaN wins, and -0.0 is below 0.0. */
static double java_min(double a, double b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == 0 && b == 0)
        return signbit(a) ? a : b;
    return a < b ? a : b;
}

static double java_max(double a, double b)
{
    if (isnan(a) || isnan(b))
        return NAN;
    if (a == 0 && b == 0)
        return signbit(a) ? b : a;
    return a > b ? a : b;
}

#define EACH(expression)                    \
    for (size_t row = 0; row < rows; row++) \
        out[row] = (expression);            \
    return true

bool step_math_unary(const struct work *work, const struct step *step)
{
    const double *in = numbers_in(work, step->in[0]);
    double *out = numbers_out(work, step->out[0]);
    size_t rows = work->rows;
    switch (step->stage->of.unary.operation) {
    case MATH_LOG:
        EACH(log(in[row]));
    case MATH_EXP:
        EACH(exp(in[row]));
    case MATH_SQRT:
        EACH(sqrt(in[row]));
    case MATH_SIN:
        EACH(sin(in[row]));
    case MATH_COS:
        EACH(cos(in[row]));
    case MATH_TAN:
        EACH(tan(in[row]));
    case MATH_ABS:
        EACH(fabs(in[row]));
    case MATH_LOGIT:
        EACH(log(in[row] / (1 - in[row])));
    case MATH_FLOOR:
        EACH(floor(in[row]));
    case MATH_CEIL:
        EACH(ceil(in[row]));
    case MATH_LOG1P:
        EACH(log1p(in[row]));
    case MATH_EXPM1:
        EACH(expm1(in[row]));
    case MATH_LOG2:
        EACH(log2(in[row]));
    case MATH_LOG10:
        EACH(log10(in[row]));
    default:
        EACH(java_round(in[row]));
    }
}

#define A (a ? a[row] : constant_a)
#define B (b ? b[row] : constant_b)

bool step_math_binary(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    size_t taken = 0;
    const double *a = NULL, *b = NULL;
    if (stage->of.binary.column_a)
        a = numbers_in(work, step->in[taken++]);
    if (stage->of.binary.column_b)
        b = numbers_in(work, step->in[taken]);
    double constant_a = stage->of.binary.a, constant_b = stage->of.binary.b;
    double *out = numbers_out(work, step->out[0]);
    size_t rows = work->rows;
    switch (stage->of.binary.operation) {
    case MATH_ADD:
        EACH(A + B);
    case MATH_SUB:
        EACH(A - B);
    case MATH_MUL:
        EACH(A * B);
    case MATH_DIV:
        EACH(A / B);
    case MATH_REM:
        EACH(fmod(A, B));
    case MATH_LOG_N:
        EACH(log(A) / log(B));
    case MATH_POW:
        EACH(java_pow(A, B));
    case MATH_MIN:
        EACH(java_min(A, B));
    default:
        EACH(java_max(A, B));
    }
}
