/* Steps between texts and numbers. */
#include "feature/steps.h"

#include <math.h>
#include <stdio.h>

/* The first few labels, for an error. */
static const char *some_labels(const struct labels *labels, char *out, size_t size)
{
    size_t used = 0, count = labels_count(labels);
    out[0] = '\0';
    for (size_t i = 0; i < count && i < 8; i++) {
        struct csv_text text = labels_text(labels, i);
        int length = snprintf(out + used, size - used, "%s\"%.*s\"", i ? ", " : "",
                              (int)(text.size < 20 ? text.size : 20), text.bytes);
        if (length < 0 || (size_t)length >= size - used)
            break;
        used += (size_t)length;
    }
    if (count > 8 && used + 6 < size)
        memcpy(out + used, ", ...", 6);
    return out;
}

static bool fail_text(const struct work *work, const struct step *step, size_t row,
                      const char *column, const struct labels *labels, struct csv_text text)
{
    char known[128];
    some_labels(labels, known, sizeof known);
    const char *cure =
        step->stage->kind == FEATURE_STRING_INDEXER ? "\"keep\" or \"skip\"" : "\"keep\"";
    if (!text.bytes)
        return step_fail(work, step, row, column,
                         "the text is missing, expected one of %s; or set handleInvalid to %s",
                         known, cure);
    return step_fail(work, step, row, column,
                     "found \"%.*s\", expected one of %s; or set handleInvalid to %s",
                     (int)(text.size < 40 ? text.size : 40), text.bytes, known, cure);
}

/* What a StringIndexer makes of the rows whose text it does not know: out is -1 there. */
static bool index_invalid(const struct work *work, const struct step *step, size_t i)
{
    const struct feature_stage *stage = step->stage;
    const struct labels *labels = stage->of.indexer.labels[i];
    const struct slot_plan *slot = &work->plan->slots[step->in[i]];
    double *out = numbers_out(work, step->out[i]);
    for (size_t row = 0; row < work->rows; row++) {
        if (out[row] >= 0)
            continue;
        out[row] = (double)labels_count(labels);
        if (stage->invalid == FEATURE_SKIP)
            work->skipped[row] = 1;
        if (stage->invalid != FEATURE_ERROR || is_skipped(work, row))
            continue;
        if (slot->type == FEATURE_TEXT)
            return fail_text(work, step, row, stage->inputs[i], labels,
                             work->slots[step->in[i]].texts[row]);
        char number[TEXT_NUMBER];
        text_double(number, numbers_in(work, step->in[i])[row]);
        return fail_text(work, step, row, stage->inputs[i], labels,
                         text_of(number, strlen(number)));
    }
    return true;
}

/* Numbers are indexed by their text, as Spark casts them. */
static bool index_numbers(const struct work *work, const struct step *step, size_t i)
{
    bool whole = work->plan->slots[step->in[i]].type == FEATURE_INTEGER, known = true;
    const double *in = numbers_in(work, step->in[i]);
    double *out = numbers_out(work, step->out[i]);
    for (size_t row = 0; row < work->rows; row++) {
        char number[TEXT_NUMBER];
        size_t size = whole ? text_integer(number, in[row]) : text_double(number, in[row]);
        out[row] = isnan(in[row]) ? -1
                                  : (double)labels_find(step->stage->of.indexer.labels[i],
                                                        text_of(number, size));
        known &= out[row] >= 0;
    }
    return known;
}

bool step_string_indexer(const struct work *work, const struct step *step)
{
    for (size_t i = 0; i < step->in_count; i++) {
        if (!is_asked(work, step->in[i]))
            continue;
        bool known =
            work->plan->slots[step->in[i]].type != FEATURE_TEXT
                ? index_numbers(work, step, i)
                : labels_find_all(step->stage->of.indexer.labels[i], work->slots[step->in[i]].texts,
                                  work->rows, numbers_out(work, step->out[i]));
        if (!known && !index_invalid(work, step, i))
            return false;
    }
    return true;
}

bool step_string_map(const struct work *work, const struct step *step)
{
    const struct feature_stage *stage = step->stage;
    const struct csv_text *in = work->slots[step->in[0]].texts;
    double *out = numbers_out(work, step->out[0]);
    labels_find_all(stage->of.map.labels, in, work->rows, out);
    for (size_t row = 0; row < work->rows; row++) {
        if (!in[row].bytes && stage->of.map.takes_missing) {
            out[row] = stage->of.map.missing;
            continue;
        }
        if (out[row] < 0 && stage->invalid == FEATURE_ERROR && !is_skipped(work, row))
            return fail_text(work, step, row, stage->inputs[0], stage->of.map.labels, in[row]);
        out[row] = out[row] < 0 ? stage->of.map.otherwise : stage->of.map.values[(size_t)out[row]];
    }
    return true;
}

bool step_index_to_string(const struct work *work, const struct step *step)
{
    const struct labels *labels = step->stage->of.to_string.labels;
    const double *in = numbers_in(work, step->in[0]);
    struct csv_text *out = work->texts + work->plan->slots[step->out[0]].at * work->rows;
    double count = (double)labels_count(labels);
    for (size_t row = 0; row < work->rows; row++) {
        out[row] = text_of(NULL, 0);
        if (in[row] > -1 && in[row] < count) /* Spark cuts the fraction off */
            out[row] = labels_text(labels, in[row] > 0 ? (size_t)in[row] : 0);
        else if (!isnan(in[row]) && !is_skipped(work, row))
            return step_fail(work, step, row, step->stage->inputs[0],
                             "found %g, expected an index from 0 to %g", in[row], count - 1);
    }
    return true;
}
