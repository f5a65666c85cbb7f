/* The categories of trees' features as C: a table a column, and who looks a category up in it. */
#include "export/export_inside.h"

#include <stdlib.h>
#include <string.h>

struct coded {
    struct csv_text text;
    size_t code;
};

static int compare(const void *left, const void *right)
{
    const struct csv_text a = ((const struct coded *)left)->text;
    const struct csv_text b = ((const struct coded *)right)->text;
    int order = memcmp(a.bytes, b.bytes, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

bool export_has_categories(const struct lathe_predictor *predictor)
{
    for (size_t i = 0; i < predictor->column_count; i++)
        if (predictor->columns[i].categories)
            return true;
    return false;
}

/* In the order of strcmp, which is that of the bytes. */
static bool put_table(struct code *code, const struct lathe_column *column, size_t i,
                      struct lathe_error *error)
{
    size_t count = column->category_count;
    struct coded *coded = malloc(count * sizeof *coded);
    if (!coded)
        return fail_memory(error, "a column's categories");
    for (size_t k = 0; k < count; k++)
        coded[k] =
            (struct coded){text_of(column->categories[k].bytes, column->categories[k].size), k};
    qsort(coded, count, sizeof *coded, compare);
    code_put(code, "\nstatic const struct category categories_%zu[] = {\n", i);
    bool put = true;
    for (size_t k = 0; put && k < count; k++) {
        code_put(code, "    {");
        put = code_text(code, coded[k].text, error);
        code_put(code, ", %zu},\n", coded[k].code);
    }
    code_put(code, "};\n");
    free(coded);
    return put;
}

void export_declare_code(struct code *code, const char *name)
{
    code_put(code, "int %s_code(size_t column, const char *category)", name);
}

bool export_categories(struct code *code, const struct lathe_predictor *predictor, const char *name,
                       struct lathe_error *error)
{
    code_put(code, "\nstruct category {\n    const char *text;\n    int code;\n};\n");
    for (size_t i = 0; i < predictor->column_count; i++)
        if (predictor->columns[i].categories && !put_table(code, &predictor->columns[i], i, error))
            return false;
    code_put(code, "\n");
    export_declare_code(code, name);
    code_put(code, "\n{\n    const struct category *list = NULL;\n    size_t count = 0;\n"
                   "    switch (column) {\n");
    for (size_t i = 0; i < predictor->column_count; i++)
        if (predictor->columns[i].categories)
            code_put(code,
                     "    case %zu:\n        list = categories_%zu;\n        count = %zu;\n"
                     "        break;\n",
                     i, i, predictor->columns[i].category_count);
    code_put(code, "    default:\n        return -1;\n    }\n"
                   "    while (count) {\n        size_t half = count / 2;\n"
                   "        int order = strcmp(category, list[half].text);\n"
                   "        if (!order)\n            return list[half].code;\n"
                   "        if (order > 0) {\n            list += half + 1;\n"
                   "            half = count - half - 1;\n        }\n"
                   "        count = half;\n    }\n    return -1;\n}\n");
    return true;
}
