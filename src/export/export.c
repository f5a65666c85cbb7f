/* A predictor as one C file: tables, and a function a part. The arithmetic is the library's own, so
 * the answers are; where a compiler might fuse a product and a sum, the product goes through a
 * volatile. */
#include "export/export_inside.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool make_room(struct code *code, size_t more)
{
    struct lathe_text *text = code->text;
    if (code->failed || text->size + more <= text->capacity)
        return !code->failed;
    size_t capacity = 2 * (text->size + more);
    char *bytes = realloc(text->bytes, capacity);
    code->failed = !bytes;
    if (!bytes)
        return false;
    text->bytes = bytes;
    text->capacity = capacity;
    return true;
}

void code_put(struct code *code, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    if (size >= 0 && make_room(code, (size_t)size + 1)) {
        vsnprintf(code->text->bytes + code->text->size, (size_t)size + 1, format, again);
        code->text->size += (size_t)size;
    }
    va_end(again);
    va_end(arguments);
}

void code_double(struct code *code, double value)
{
    if (isfinite(value))
        code_put(code, "%a", value);
    else
        code_put(code, "%s",
                 isnan(value) ? "(double)NAN"
                 : value < 0  ? "-(double)INFINITY"
                              : "(double)INFINITY");
}

void code_float(struct code *code, float value)
{
    if (isfinite(value))
        code_put(code, "%af", (double)value);
    else
        code_put(code, "%s", isnan(value) ? "NAN" : value < 0 ? "-INFINITY" : "INFINITY");
}

bool code_text(struct code *code, struct csv_text text, struct lathe_error *error)
{
    code_put(code, "\"");
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (!c)
            return fail(error, LATHE_UNSUPPORTED, "a label with a NUL in it is no C string");
        if (c >= ' ' && c < 127 && c != '"' && c != '\\' && c != '?')
            code_put(code, "%c", c);
        else
            code_put(code, "\\%03o", c);
    }
    code_put(code, "\"");
    return true;
}

static void put_comment(struct code *code, const char *text)
{
    for (; *text; text++) /* nothing that ends the comment or the line */
        code_put(code, "%c", *text == '/' || (unsigned char)*text < ' ' ? '|' : *text);
}

/* Values of a row's answer. */
static size_t answers_of(const struct part *part)
{
    return part->selection.count ? part->selection.width : part->outputs;
}

static const struct part *last_of(const struct lathe_predictor *predictor)
{
    return &predictor->parts[predictor->part_count - 1];
}

static bool answers_text(const struct lathe_predictor *predictor)
{
    size_t count;
    const struct part *last = last_of(predictor);
    return last->pipeline && plan_outputs(last->plan, &count)->type == FEATURE_TEXT;
}

static void put_inputs(struct code *code, const struct lathe_predictor *predictor)
{
    size_t at = 0;
    if (predictor->column_count && !predictor->columns[0].name &&
        !export_has_categories(predictor)) {
        code_put(code, " *     numbers[0] to [%zu]  the features, as the model was trained\n",
                 predictor->column_count - 1);
        return;
    }
    for (size_t i = 0; i < predictor->column_count; i++) {
        const struct lathe_column *column = &predictor->columns[i];
        bool is_text = strcmp(column->type, "string") == 0;
        code_put(code, " *     %s[%zu]", is_text ? "texts" : "numbers", at);
        if (column->width > 1)
            code_put(code, " to [%zu]", at + column->width - 1);
        code_put(code, "  ");
        put_comment(code, column->name ? column->name : "a feature");
        if (column->categories)
            code_put(code, " (the code of its category)");
        code_put(code, "%s%s\n", strcmp(column->type, "boolean") == 0 ? " (1 or 0)" : "",
                 column->used ? "" : " (not used)");
        at += column->width;
    }
}

/* What SAGEMAKER_INFERENCE_OUTPUT chose. */
static void put_selected_names(struct code *code, const struct selection *selection)
{
    size_t at = 0;
    code_put(code, " *\n * The answer's values:\n *\n");
    for (size_t i = 0; i < selection->count; i++) {
        const struct selected *selected = &selection->selected[i];
        code_put(code, " *     out[%zu]", at);
        if (selected->width > 1)
            code_put(code, " to [%zu]", at + selected->width - 1);
        code_put(code, "  ");
        put_comment(code, selected->name);
        code_put(code, "\n");
        at += selected->width;
    }
}

static void put_declaration(struct code *code, const struct lathe_predictor *predictor,
                            const char *name)
{
    code_put(code, "int %s(const double *numbers, const char *const *texts, %s*out)", name,
             answers_text(predictor) ? "const char *" : "double ");
}

static void put_head(struct code *code, const struct lathe_predictor *predictor, const char *name)
{
    const struct part *last = last_of(predictor);
    size_t count = answers_of(last);
    code_put(code, "/* A pipeline that lathe exported: C99 that needs nothing but libm.\n *\n * ");
    put_declaration(code, predictor, name);
    code_put(
        code,
        "\n *\n * answers one row: %zu value%s into out. Returns 0, or the number of the stage "
        "whose input\n * it does not know. Missing numbers are NaN, missing texts NULL. "
        "The row's values:\n *\n",
        count, count == 1 ? "" : "s");
    put_inputs(code, predictor);
    if (last->selection.count)
        put_selected_names(code, &last->selection);
    if (export_has_categories(predictor)) {
        code_put(code, " *\n * ");
        export_declare_code(code, name);
        code_put(code, "\n *\n * tells the code of a category of numbers[column], or -1: there is "
                       "no such category.\n");
    }
    code_put(code, " */\n#include <math.h>\n#include <stddef.h>\n#include <stdint.h>\n"
                   "#include <string.h>\n\n");
    put_declaration(code, predictor, name);
    code_put(code, ";\n");
    if (export_has_categories(predictor)) {
        export_declare_code(code, name);
        code_put(code, ";\n");
    }
}

/* The most values that come into a part or out of it. */
static size_t most_values(const struct lathe_predictor *predictor)
{
    size_t most = 1;
    for (size_t i = 0; i < predictor->part_count; i++) {
        const struct part *part = &predictor->parts[i];
        most = part->inputs > most ? part->inputs : most;
        most = answers_of(part) > most ? answers_of(part) : most;
    }
    return most;
}

static void put_main(struct code *code, const struct lathe_predictor *predictor, const char *name)
{
    bool text = answers_text(predictor);
    size_t room = most_values(predictor);
    code_put(code, "\n");
    put_declaration(code, predictor, name);
    code_put(code,
             "\n{\n    double a[%zu], b[%zu];\n    const char *t[%zu] = {NULL};\n"
             "    const double *in = numbers;\n    const char *const *in_text = texts;\n"
             "    int stage = 0;\n    (void)a;\n    (void)b;\n    (void)t;\n",
             room, room, room);
    for (size_t i = 0; i < predictor->part_count; i++) {
        bool last = i + 1 == predictor->part_count;
        const char *to = last && !text ? "out" : i % 2 ? "b" : "a";
        code_put(code, "    if (!stage)\n        stage = part_%zu(in, in_text, %s, %s);\n", i, to,
                 last && text ? "out" : "t");
        if (!last)
            code_put(code, "    in = %s;\n    in_text = t;\n", to);
    }
    code_put(code, "    return stage;\n}\n");
}

bool lathe_export_c(const struct lathe_predictor *predictor, const char *name,
                    struct lathe_text *text, struct lathe_error *error)
{
    struct code code = {.text = text};
    text->size = 0;
    put_head(&code, predictor, name);
    if (export_has_categories(predictor) && !export_categories(&code, predictor, name, error))
        return false;
    export_helpers(&code, predictor);
    for (size_t i = 0; i < predictor->part_count; i++) {
        const struct part *part = &predictor->parts[i];
        if (!(part->pipeline ? export_bundle(&code, part, i, error)
                             : export_trees(&code, part, i, error)))
            return fail_prefix(error, "%.200s: ", part->name);
    }
    put_main(&code, predictor, name);
    return !code.failed || fail_memory(error, "a C file");
}
