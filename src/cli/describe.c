/* What is in a model, for people: the same JSON that liblathe gives, as a page. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "cli/describe_table.h"
#include "lathe.h"

enum {
    BAR = 40,       /* characters of the longest bar */
    MOST_BARS = 30, /* features shown */
    MOST_LABELS = 8 /* labels or numbers of a transformer shown */
};

static const char *text_at(const json_t *json, const char *key)
{
    const char *text = json_string_value(json_object_get(json, key));
    return text ? text : "";
}

/* A field of CSV, in quotes where it needs them. */
static void print_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        printf("%s", text);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"')
            putchar('"');
        putchar(*text);
    }
    putchar('"');
}

/* The order of a row's values is all that CSV without a header has to go by. */
static void print_order(const json_t *columns)
{
    size_t i;
    const json_t *column;
    json_array_foreach((json_t *)columns, i, column)
    {
        if (json_integer_value(json_object_get(column, "width")) > 1)
            return; /* a header cannot name a vector's values */
    }
    if (!*text_at(json_array_get(columns, 0), "name")) {
        printf("  rows of CSV have the features in the order in which the model was trained\n");
        return;
    }
    printf("  rows of CSV without a header have them in this order; with one, in any:\n  ");
    json_array_foreach((json_t *)columns, i, column)
    {
        printf("%s", i ? "," : "");
        print_field(text_at(column, "name"));
    }
    printf("\n");
}

static void print_list(const json_t *list, const char *between)
{
    size_t i;
    const json_t *element;
    json_array_foreach((json_t *)list, i, element)
    {
        if (i == MOST_LABELS) {
            printf("%s... (%zu)", between, json_array_size(list));
            return;
        }
        printf("%s", i ? between : "");
        if (json_is_string(element))
            printf("%s", json_string_value(element));
        else if (json_is_number(element))
            printf("%g", json_number_value(element));
        else
            printf("-");
    }
}

/* As fields of CSV have them; null: the column has none. */
static void print_categories(const json_t *categories)
{
    if (!categories)
        return;
    printf("  one of ");
    print_list(categories, ", ");
}

static void print_columns(const json_t *columns)
{
    size_t i;
    const json_t *column;
    printf("a row has %zu column%s\n", json_array_size(columns),
           json_array_size(columns) == 1 ? "" : "s");
    json_array_foreach((json_t *)columns, i, column)
    {
        json_int_t width = json_integer_value(json_object_get(column, "width"));
        const char *name = text_at(column, "name");
        if (i == MOST_BARS) {
            printf("      ...\n");
            break;
        }
        printf("  %3zu %-28s %s", i + 1, *name ? name : "-", text_at(column, "type"));
        if (width > 1)
            printf(" vector of %" JSON_INTEGER_FORMAT, width);
        printf("%s", json_is_true(json_object_get(column, "used")) ? "" : "  (not used)");
        print_categories(json_object_get(column, "categories"));
        printf("\n");
    }
    print_order(columns);
}

static void print_stage(const json_t *stage)
{
    static const char *const known[] = {"name", "type", "inputs", "outputs"};
    printf("  %-16s ", text_at(stage, "type"));
    print_list(json_object_get(stage, "inputs"), ", ");
    printf(" -> ");
    print_list(json_object_get(stage, "outputs"), ", ");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)stage, key, value)
    {
        bool shown = false;
        for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
            shown |= strcmp(known[i], key) == 0;
        if (shown || (json_is_array(value) && !json_array_size(value)))
            continue;
        printf("  %s ", key);
        if (json_is_array(value)) {
            print_list(value, " ");
        } else if (json_is_string(value)) {
            printf("%s", json_string_value(value));
        } else {
            printf("%g", json_number_value(value));
        }
    }
    printf("\n");
}

struct bar {
    const char *name;
    double share;
};

static int compare_bars(const void *a, const void *b)
{
    double left = ((const struct bar *)a)->share, right = ((const struct bar *)b)->share;
    return (left < right) - (left > right);
}

/* The features' shares of the gain of all splits; of splits, where the file has no gains. */
static void print_importance(const json_t *features)
{
    size_t i, count = json_array_size(features);
    const json_t *feature;
    const char *measure = "total_gain";
    double total = 0;
    g_autofree struct bar *bars = g_new0(struct bar, count + 1);
    for (int attempt = 0; attempt < 2 && total <= 0; attempt++) {
        measure = attempt ? "weight" : "total_gain";
        json_array_foreach((json_t *)features, i, feature)
        {
            bars[i].name = text_at(feature, "name");
            bars[i].share = fabs(json_number_value(json_object_get(feature, measure)));
            total += bars[i].share;
        }
    }
    if (total <= 0)
        return;
    qsort(bars, count, sizeof *bars, compare_bars);
    printf("  importance (share of %s)\n",
           strcmp(measure, "weight") == 0 ? "splits" : "the splits' gain");
    for (i = 0; i < count && i < MOST_BARS && bars[i].share > 0; i++) {
        int length = (int)(BAR * bars[i].share / bars[0].share + 0.5);
        printf("  %-28s %5.1f%% ", bars[i].name, 100 * bars[i].share / total);
        for (int k = 0; k < length; k++)
            printf("\u2588");
        printf("\n");
    }
}

static void print_part(const json_t *part)
{
    printf("\n%s\n", text_at(part, "name"));
    const json_t *stages = json_object_get(part, "stages"), *stage;
    size_t i;
    json_array_foreach((json_t *)stages, i, stage)
    {
        print_stage(stage);
    }
    if (stages) {
        printf("  answers %s (%" JSON_INTEGER_FORMAT " value%s)\n", text_at(part, "output"),
               json_integer_value(json_object_get(part, "width")),
               json_integer_value(json_object_get(part, "width")) == 1 ? "" : "s");
        return;
    }
    printf("  %s, %s: ", text_at(part, "objective"), text_at(part, "booster"));
    json_int_t models = json_integer_value(json_object_get(part, "models"));
    if (models > 1)
        printf("%" JSON_INTEGER_FORMAT " models, the first of ", models);
    printf("%" JSON_INTEGER_FORMAT " trees, depth up to %" JSON_INTEGER_FORMAT
           ", %" JSON_INTEGER_FORMAT " nodes, %" JSON_INTEGER_FORMAT " output(s)\n",
           json_integer_value(json_object_get(part, "trees")),
           json_integer_value(json_object_get(part, "depth")),
           json_integer_value(json_object_get(part, "nodes")),
           json_integer_value(json_object_get(part, "outputs")));
    print_importance(json_object_get(part, "features"));
}

static bool describe(const struct lathe_predictor *predictor, bool as_json, GError **error)
{
    struct lathe_text text = {0};
    struct lathe_error cause;
    if (!lathe_describe(predictor, &text, &cause))
        return error_set(error, ERROR_INTERNAL, "%s", cause.message);
    g_autoptr(json_auto) json = json_loadb(text.bytes, text.size, 0, NULL);
    lathe_text_clear(&text);
    if (as_json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        printf("\n");
        return true;
    }
    print_columns(json_object_get(json, "columns"));
    size_t i;
    const json_t *part;
    json_array_foreach(json_object_get(json, "parts"), i, part)
    {
        print_part(part);
    }
    return true;
}

int cli_describe(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc < 2) {
        fprintf(stderr, "lathe describe: an artifact is needed: a model file, a model.tar.gz or a "
                        "bundle; or a table of the catalog\n");
        return CLI_USAGE;
    }
    struct lathe_error cause;
    GError *error = NULL;
    if (argc == 2 && !g_file_test(argv[1], G_FILE_TEST_EXISTS) && !strchr(argv[1], '/'))
        return describe_table(argv[1], &error) ? CLI_OK : cli_error(error);
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)argv + 1, (size_t)argc - 1, &cause);
    bool done = predictor ? describe(predictor, as_json, &error)
                          : error_set(&error, ERROR_VALIDATION, "%s", cause.message);
    lathe_predictor_close(predictor);
    return done ? CLI_OK : cli_error(error);
}
