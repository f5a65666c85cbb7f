#include "model/answer.h"

#include "parse/fail.h"
#include "parse/number_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    ROW_WORDS = 64,  /* brackets and names around a row's values */
    VALUE_ROOM = 48, /* a number and what separates it */
    ESCAPED = 6      /* the longest that a byte of a text can become: \u0000 */
};

/* What stands before the first row, around each, between them, and at the end. */
struct wrap {
    const char *head, *before, *after, *between, *tail;
};

/* The XGBoost container's. */
static const struct wrap SCORES[] = {
    [LATHE_ANSWERS_CSV] = {"", "", "", ",", ""},
    [LATHE_ANSWERS_CSV_LINES] = {"", "", "", "\n", "\n"},
    [LATHE_ANSWERS_JSON] = {"{\"predictions\": [", "{\"score\": ", "}", ", ", "]}"},
    [LATHE_ANSWERS_JSON_LINES] = {"", "{\"score\": ", "}", "\n", "\n"},
    [LATHE_ANSWERS_CSV_TABLE] = {"", "", "", "\n", "\n"},
    [LATHE_ANSWERS_CSV_ONE_LINE] = {"", "", "", ",", ""},
    [LATHE_ANSWERS_JSON_ARRAY] = {"[", "", "", ", ", "]"},
};

/* The same with selected values. */
static const struct wrap SELECTIONS[] = {
    [LATHE_ANSWERS_CSV] = {"", "", "", "\n", ""},
    [LATHE_ANSWERS_CSV_LINES] = {"", "", "", "\n", "\n"},
    [LATHE_ANSWERS_JSON] = {"{\"predictions\": [", "{", "}", ", ", "]}"},
    [LATHE_ANSWERS_JSON_LINES] = {"", "{", "}", "\n", "\n"},
    [LATHE_ANSWERS_CSV_TABLE] = {"", "", "", "\n", "\n"},
};

/* The SparkML container's; that has no JSON, and of its JSON Lines this is the plural. */
static const struct wrap FEATURES[] = {
    [LATHE_ANSWERS_CSV] = {"", "", "", "\n", ""},
    [LATHE_ANSWERS_CSV_LINES] = {"", "", "", "\n", "\n"},
    [LATHE_ANSWERS_JSON] = {"{\"predictions\": [", "{", "}", ", ", "]}"},
    [LATHE_ANSWERS_JSON_LINES] = {"", "", "", "\n", ""},
    [LATHE_ANSWERS_JSON_LINES_TEXT] = {"", "", "", "\n", ""},
    [LATHE_ANSWERS_CSV_TABLE] = {"", "", "", "\n", "\n"},
};

static const struct wrap *wrap_of(const struct answer *answer)
{
    if (answer->part->pipeline)
        return &FEATURES[answer->format];
    return answer->part->selection.count && !answer->asked ? &SELECTIONS[answer->format]
                                                           : &SCORES[answer->format];
}

static bool is_csv(const struct answer *answer)
{
    return answer->format == LATHE_ANSWERS_CSV || answer->format == LATHE_ANSWERS_CSV_LINES ||
           answer->format == LATHE_ANSWERS_CSV_TABLE ||
           answer->format == LATHE_ANSWERS_CSV_ONE_LINE;
}

static bool is_json(const struct answer *answer)
{
    return !is_csv(answer);
}

/* ---- text ---- */

void lathe_text_clear(struct lathe_text *text)
{
    free(text->bytes);
    *text = (struct lathe_text){0};
}

/* Room for `more` bytes behind those that are there. */
static bool reserve(struct lathe_text *text, size_t more, struct lathe_error *error)
{
    size_t needed = text->size + more;
    if (needed <= text->capacity)
        return true;
    size_t capacity = needed < 2 * text->capacity ? 2 * text->capacity : needed;
    char *bytes = realloc(text->bytes, capacity);
    if (!bytes)
        return fail(error, LATHE_NO_MEMORY, "an answer of %zu bytes does not fit into memory",
                    needed);
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

static void append_bytes(struct lathe_text *text, const char *bytes, size_t size)
{
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

/* The words are few and short. */
static void append(struct lathe_text *text, const char *words)
{
    while (*words)
        text->bytes[text->size++] = *words++;
}

/* Python's repr, and where JSON is written json.dumps, which differ for what is no number. */
static void append_python(struct answer *answer, double value)
{
    struct lathe_text *text = answer->text;
    if (is_json(answer) && isnan(value))
        append(text, "NaN");
    else if (is_json(answer) && isinf(value))
        append(text, value < 0 ? "-Infinity" : "Infinity");
    else
        text->size += number_write(text->bytes + text->size, value);
}

static void append_json_text(struct lathe_text *text, const char *bytes, size_t size)
{
    append(text, "\"");
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c == '"' || c == '\\') {
            append_bytes(text, "\\", 1);
            append_bytes(text, bytes + i, 1);
        } else if (c < 0x20) {
            text->size += (size_t)sprintf(text->bytes + text->size, "\\u%04x", c);
        } else {
            append_bytes(text, bytes + i, 1);
        }
    }
    append(text, "\"");
}

/* In quotes where it would read as something else without. */
static void append_csv_text(struct lathe_text *text, const char *bytes, size_t size)
{
    bool plain = true;
    for (size_t i = 0; i < size; i++)
        plain = plain && bytes[i] != ',' && bytes[i] != '"' && bytes[i] != '\n' && bytes[i] != '\r';
    if (plain) {
        append_bytes(text, bytes, size);
        return;
    }
    append(text, "\"");
    for (size_t i = 0; i < size; i++)
        append_bytes(text, bytes[i] == '"' ? "\"\"" : bytes + i, bytes[i] == '"' ? 2 : 1);
    append(text, "\"");
}

/* ---- rows of trees ---- */

static void append_scores(struct answer *answer, const float *values, size_t width)
{
    bool list = width > 1 && answer->format != LATHE_ANSWERS_CSV_TABLE;
    if (list)
        append(answer->text, "[");
    for (size_t i = 0; i < width; i++) {
        if (i)
            append(answer->text, list ? ", " : ",");
        append_python(answer, (double)values[i]);
    }
    if (list)
        append(answer->text, "]");
}

static void append_selected(struct answer *answer, const struct selected *selected,
                            const float *prediction)
{
    struct lathe_text *text = answer->text;
    selection_values(&answer->part->selection, selected, prediction, answer->selected, 1);
    if (selected->list)
        append(text, is_json(answer) ? "[" : "\"[");
    for (size_t i = 0; i < selected->width; i++) {
        if (i)
            append(text, ", ");
        if (selected->whole)
            text->size += (size_t)sprintf(text->bytes + text->size, "%d", (int)answer->selected[i]);
        else
            append_python(answer, answer->selected[i]);
    }
    if (selected->list)
        append(text, is_json(answer) ? "]" : "]\"");
}

static void append_selection_csv(struct answer *answer, const float *prediction)
{
    const struct selection *selection = &answer->part->selection;
    for (size_t i = 0; i < selection->count; i++) {
        if (i)
            append(answer->text, ",");
        append_selected(answer, &selection->selected[i], prediction);
    }
}

static void append_member(struct answer *answer, const struct selected *selected,
                          const float *prediction, bool first)
{
    if (!first)
        append(answer->text, ", ");
    append_json_text(answer->text, selected->name, strlen(selected->name));
    append(answer->text, ": ");
    append_selected(answer, selected, prediction);
}

/* In the container's own order, then what the objective does not have. */
static void append_selection_json(struct answer *answer, const float *prediction)
{
    const struct selection *selection = &answer->part->selection;
    bool first = true;
    for (int key = 0; key <= SELECT_KEYS; key++)
        for (size_t i = 0; i < selection->count; i++) {
            const struct selected *selected = &selection->selected[i];
            if (key == SELECT_KEYS ? selected->valid
                                   : !selected->valid || (int)selected->key != key)
                continue;
            append_member(answer, selected, prediction, first);
            first = false;
        }
}

static void append_prediction(struct answer *answer, const float *prediction)
{
    if (answer->asked || !answer->part->selection.count)
        append_scores(answer, prediction, answer->asked ? answer->asked : answer->part->answers);
    else if (is_json(answer))
        append_selection_json(answer, prediction);
    else
        append_selection_csv(answer, prediction);
}

/* ---- rows of transformers ---- */

static void append_number(struct answer *answer, double value)
{
    struct lathe_text *text = answer->text;
    char *out = text->bytes + text->size;
    bool json = answer->format == LATHE_ANSWERS_JSON || answer->format == LATHE_ANSWERS_JSON_LINES;
    if (answer->boolean)
        append(text, value != 0 ? "true" : "false");
    else if (json && !isfinite(value)) /* as Jackson writes it */
        append(text, isnan(value) ? "\"NaN\"" : value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else
        text->size +=
            answer->type == FEATURE_INTEGER ? text_integer(out, value) : text_double(out, value);
}

static void append_element(struct answer *answer, const struct batch *batch, size_t column,
                           size_t row)
{
    if (answer->type != FEATURE_TEXT) {
        append_number(answer, batch->columns[column].numbers[row]);
        return;
    }
    const struct csv_text *value = &batch->columns[column].texts[row];
    if (answer->format == LATHE_ANSWERS_JSON || answer->format == LATHE_ANSWERS_JSON_LINES) {
        if (value->bytes)
            append_json_text(answer->text, value->bytes, value->size);
        else
            append(answer->text, "null");
    } else if (value->bytes && is_json(answer)) {
        append_bytes(answer->text, value->bytes, value->size);
    } else if (value->bytes) {
        append_csv_text(answer->text, value->bytes, value->size);
    }
}

static void append_elements(struct answer *answer, const struct batch *batch, size_t row,
                            const char *between)
{
    for (size_t i = 0; i < batch->width; i++) {
        if (i)
            append(answer->text, between);
        append_element(answer, batch, i, row);
    }
}

static void append_features(struct answer *answer, const struct batch *batch, size_t row)
{
    struct lathe_text *text = answer->text;
    bool lines = answer->format == LATHE_ANSWERS_JSON_LINES;
    if (is_csv(answer)) {
        append_elements(answer, batch, row, ",");
    } else if (answer->format == LATHE_ANSWERS_JSON_LINES_TEXT && answer->vector) {
        append(text, "{\"source\":\"");
        append_elements(answer, batch, row, " ");
        append(text, "\"}");
    } else if (!answer->vector && answer->format != LATHE_ANSWERS_JSON) {
        append_element(answer, batch, 0, row);
    } else {
        const char *name = lines ? "features" : answer->name;
        append(text, lines ? "{" : "");
        append_json_text(text, name, strlen(name));
        append(text, lines ? ":" : ": ");
        append(text, answer->vector ? "[" : "");
        append_elements(answer, batch, row, lines ? "," : ", ");
        append(text, answer->vector ? "]" : "");
        append(text, lines ? "}" : "");
    }
}

/* ---- the answer ---- */

static bool is_written(enum lathe_answer_format format, const struct part *part)
{
    bool features = part->pipeline != NULL;
    switch (format) {
    case LATHE_ANSWERS_CSV:
    case LATHE_ANSWERS_CSV_LINES:
    case LATHE_ANSWERS_CSV_TABLE:
    case LATHE_ANSWERS_JSON:
    case LATHE_ANSWERS_JSON_LINES:
        return true;
    case LATHE_ANSWERS_JSON_LINES_TEXT:
        return features;
    case LATHE_ANSWERS_CSV_ONE_LINE:
    case LATHE_ANSWERS_JSON_ARRAY:
        return !features && !part->selection.count;
    default:
        return false;
    }
}

bool answer_open(struct answer *answer, struct lathe_text *text, enum lathe_answer_format format,
                 const struct part *part, const struct schema *schema, const struct plan *plan,
                 struct lathe_error *error)
{
    bool lines =
        !part->pipeline && !part->selection.count && part->release && part->release->writes_lines;
    if (format == LATHE_ANSWERS_CSV && lines)
        format = LATHE_ANSWERS_CSV_TABLE;
    *answer = (struct answer){.text = text, .format = format, .part = part};
    text->size = 0;
    if (!is_written(format, part))
        return fail(error, LATHE_UNSUPPORTED, "%s does not answer in this format", part->name);
    if (part->pipeline) {
        size_t count;
        const struct feature_column *output = plan_outputs(plan, &count);
        answer->name = output->name;
        answer->vector = output->vector;
        answer->type = output->type;
        if (output->type != FEATURE_TEXT && schema->output_type != SCHEMA_STRING) {
            answer->type = schema_feature_type(schema->output_type);
            answer->boolean = schema->output_type == SCHEMA_BOOLEAN;
        }
    } else if (part->selection.count) {
        answer->selected = calloc(part->selection.width, sizeof *answer->selected);
        if (!answer->selected)
            return fail_memory(error, "selected values");
    }
    if (!reserve(text, ROW_WORDS, error))
        return false;
    append(text, wrap_of(answer)->head);
    return true;
}

bool answer_open_asked(struct answer *answer, struct lathe_text *text, const struct part *trees,
                       size_t width, struct lathe_error *error)
{
    *answer = (struct answer){
        .text = text, .format = LATHE_ANSWERS_CSV_TABLE, .part = trees, .asked = width};
    text->size = 0;
    return reserve(text, ROW_WORDS, error);
}

/* The most bytes that a row can take. */
static size_t row_room(const struct answer *answer, const struct batch *batch, size_t row)
{
    const struct part *part = answer->part;
    if (answer->asked)
        return ROW_WORDS + answer->asked * VALUE_ROOM;
    if (!part->pipeline)
        return ROW_WORDS + (part->answers + part->selection.width) * VALUE_ROOM +
               (part->selection.count ? sizeof part->selection.names * ESCAPED : 0);
    size_t room = ROW_WORDS + batch->width * VALUE_ROOM + strlen(answer->name) * ESCAPED;
    for (size_t i = 0; answer->type == FEATURE_TEXT && i < batch->width; i++)
        room += (size_t)batch->columns[i].texts[row].size * ESCAPED;
    return room;
}

/* Whether each row is one number, which is written the same in every format. */
static bool are_numbers(const struct answer *answer, const struct batch *batch)
{
    const struct part *part = answer->part;
    if (part->pipeline || batch->stride != 1 ||
        (answer->asked ? answer->asked : part->answers) != 1)
        return false;
    bool finite = true;
    for (size_t row = 0; is_json(answer) && row < batch->rows; row++)
        finite = finite && isfinite(batch->floats[row]);
    return finite && (answer->asked || !part->selection.count);
}

/* Rows of one number each, with what stands around them as what stands between numbers. */
static void append_numbers(struct answer *answer, const struct batch *batch)
{
    const struct wrap *wrap = wrap_of(answer);
    struct lathe_text between = {.bytes = (char[NUMBER_BETWEEN]){0}};
    append(&between, wrap->after);
    append(&between, wrap->between);
    append(&between, wrap->before);
    append(answer->text, wrap->before);
    answer->text->size += number_write_list(answer->text->bytes + answer->text->size, batch->floats,
                                            batch->rows, between.bytes, between.size);
    append(answer->text, wrap->after);
}

static void append_row(struct answer *answer, const struct batch *batch, size_t row)
{
    const struct wrap *wrap = wrap_of(answer);
    append(answer->text, wrap->before);
    if (answer->part->pipeline)
        append_features(answer, batch, row);
    else
        append_prediction(answer, batch->floats + row * batch->stride);
    append(answer->text, wrap->after);
}

bool answer_rows(struct answer *answer, const struct batch *batch, struct lathe_error *error)
{
    bool numbers = are_numbers(answer, batch);
    size_t rows = numbers ? batch->rows : 1; /* at once */
    for (size_t row = 0; row < batch->rows; row += rows) {
        if (!reserve(answer->text, rows * row_room(answer, batch, row), error))
            return false;
        if (answer->rows)
            append(answer->text, wrap_of(answer)->between);
        if (numbers)
            append_numbers(answer, batch);
        else
            append_row(answer, batch, row);
        answer->rows += rows;
    }
    return true;
}

bool answer_end(struct answer *answer, struct lathe_error *error)
{
    if (!reserve(answer->text, ROW_WORDS, error))
        return false;
    append(answer->text, wrap_of(answer)->tail);
    return true;
}

void answer_close(struct answer *answer)
{
    free(answer->selected);
}
