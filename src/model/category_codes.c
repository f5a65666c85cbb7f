/* XGBoost recodes the categories of a data frame by the model's table, and refuses one that the
 * training did not have (src/encoder/ordinal.h); of other rows it takes numbers as codes. */
#include "model/category_codes.h"

#include "csv/field.h"
#include "csv/labels.h"
#include "parse/fail.h"
#include "parse/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct feature_categories {
    struct labels *labels; /* NULL: a feature without */
    bool numbers;          /* they are whole numbers */
    bool any_number;       /* some of them read as a number */
};

struct category_codes {
    size_t count;
    struct feature_categories features[];
};

static struct csv_text kept_text(const struct kept_categories *kept, size_t i)
{
    return text_of(kept->text + kept->starts[i], kept->starts[i + 1] - kept->starts[i]);
}

static bool same_kept(const struct kept_categories *a, const struct kept_categories *b)
{
    bool same = a->count == b->count && a->numbers == b->numbers;
    for (size_t i = 0; same && i < a->count; i++) {
        struct csv_text x = kept_text(a, i), y = kept_text(b, i);
        same = x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
    }
    return same;
}

/* Whether all forests keep what the first one does, and that is something. */
static bool all_keep(struct forest *const *forests, size_t count)
{
    const struct forest_info *first = forest_describe(forests[0]);
    bool same = first->categories;
    for (size_t k = 1; same && k < count; k++) {
        const struct forest_info *other = forest_describe(forests[k]);
        same = other->categories && other->features == first->features;
        for (size_t i = 0; same && i < first->features; i++)
            same = same_kept(&first->categories[i], &other->categories[i]);
    }
    return same;
}

static bool fill_feature(struct feature_categories *feature, const struct kept_categories *kept,
                         size_t number, struct lathe_error *error)
{
    feature->labels = labels_new();
    feature->numbers = kept->numbers;
    for (size_t i = 0; feature->labels && i < kept->count; i++) {
        struct csv_text text = kept_text(kept, i);
        int32_t index = labels_add(feature->labels, text);
        double value;
        if (index == LABELS_FULL)
            return fail_memory(error, "a feature's categories");
        if ((size_t)index != i)
            return fail(error, LATHE_INVALID_MODEL, "feature %zu has the category %s twice", number,
                        csv_show(text.bytes, text.size).text);
        feature->any_number |= number_parse(text.bytes, text.size, &value) && !isnan(value);
    }
    return feature->labels || fail_memory(error, "a feature's categories");
}

bool category_codes_open(struct category_codes **categories, struct forest *const *forests,
                         size_t count, struct lathe_error *error)
{
    *categories = NULL;
    if (!all_keep(forests, count))
        return true;
    const struct forest_info *info = forest_describe(forests[0]);
    struct category_codes *made = calloc(1, sizeof *made + info->features * sizeof *made->features);
    if (!made)
        return fail_memory(error, "the features' categories");
    made->count = info->features;
    *categories = made;
    for (size_t i = 0; i < info->features; i++)
        if (info->categories[i].count &&
            !fill_feature(&made->features[i], &info->categories[i], i, error))
            return false;
    return true;
}

void category_codes_close(struct category_codes *categories)
{
    for (size_t i = 0; categories && i < categories->count; i++)
        labels_free(categories->features[i].labels);
    free(categories);
}

bool category_codes_of(const struct category_codes *categories, size_t feature)
{
    return categories && feature < categories->count && categories->features[feature].labels;
}

/* A whole number as the tables have it, however it is written: 7, +7 and 7.0 are one. */
static int32_t find_number(const struct feature_categories *feature, double value)
{
    enum { EXACT = 53 };
    char text[32];
    if (!(fabs(value) <= (double)(INT64_C(1) << EXACT)) || value != trunc(value))
        return -1;
    int size = snprintf(text, sizeof text, "%lld", (long long)value);
    return labels_find(feature->labels, text_of(text, (size_t)size));
}

bool category_codes_find(const struct category_codes *categories, size_t feature,
                         struct csv_text text, enum category_numbers numbers, double *code)
{
    const struct feature_categories *found = &categories->features[feature];
    bool codes = numbers == CATEGORY_NUMBERS_ARE_CODES;
    double value;
    *code = NAN;
    if (!text.bytes)
        return true;
    int32_t index = codes ? -1 : labels_find(found->labels, text);
    struct csv_text trimmed = csv_trim(text);
    bool number = index < 0 && number_parse(trimmed.bytes, trimmed.size, &value);
    if (codes && !number)
        index = labels_find(found->labels, text);
    if (index < 0 && number && !codes && found->numbers)
        index = find_number(found, value);
    if (index >= 0)
        *code = index;
    else if (number && (codes || !found->any_number || isnan(value)))
        *code = value;
    else
        return !text.size;
    return true;
}

/* "a", "b", ... as far as they fit. */
static void list_categories(char *out, size_t room, const struct labels *labels)
{
    size_t used = 0, count = labels_count(labels);
    for (size_t i = 0; i < count; i++) {
        struct csv_shown shown =
            csv_show(labels_text(labels, i).bytes, labels_text(labels, i).size);
        size_t size = strlen(shown.text);
        if (used + size + 8 > room) {
            snprintf(out + used, room - used, ", ...");
            return;
        }
        used += (size_t)snprintf(out + used, room - used, "%s%s", i ? ", " : "", shown.text);
    }
}

bool category_codes_fail(const struct category_codes *categories, size_t feature, const char *name,
                         struct csv_text text, size_t row, struct lathe_error *error)
{
    char list[200];
    list_categories(list, sizeof list, categories->features[feature].labels);
    return fail(error, LATHE_INVALID_DATA,
                "Found a category not in the training set for the %zuth (0-based) column: `%.*s` "
                "(row %zu, column %zu%s%.60s): expected one of %s",
                feature, text.size < 60 ? (int)text.size : 60, text.bytes, row, feature + 1,
                name ? ", " : "", name ? name : "", list);
}
