#include "tree/xgboost_release.h"

#include <stdlib.h>
#include <string.h>

#define COUNT (sizeof releases / sizeof releases[0])

/* Serving, of each release what it has of the one before it, and more. */
#define SINCE_1_0_1 .selects = true
#define SINCE_1_2_1 SINCE_1_0_1, .refuses_wide_rows = true
#define SINCE_1_2_2 SINCE_1_2_1, .writes_lines = true, .ensembles = true
#define SINCE_1_5_1 SINCE_1_2_2, .refuses_infinities = true, .says_shape = true
#define SINCE_3_0_5 SINCE_1_5_1, .wraps_texts = true

static const struct xgboost_release releases[] = {
    {IMAGE_0_72, "0.72", "0.72", .model = MODEL_PICKLE, .lenient = true, .six_digits = true},
    {IMAGE_0_90_1, "0.90-1", "0.90", .model = MODEL_PICKLE, .six_digits = true},
    {IMAGE_0_90_2, "0.90-2", "0.90", .model = MODEL_PICKLE, .six_digits = true},
    {IMAGE_1_0_1, "1.0-1", "1.0.0", .model = MODEL_PICKLED_JSON, .raw_from_logit = true,
     SINCE_1_0_1},
    {IMAGE_1_2_1, "1.2-1", "1.2.0", .model = MODEL_PICKLED_JSON, .counts_columns = true,
     .raw_from_logit = true, SINCE_1_2_1},
    {IMAGE_1_2_2, "1.2-2", "1.2.0", .model = MODEL_PICKLED_JSON, .counts_columns = true,
     .raw_from_logit = true, SINCE_1_2_2},
    {IMAGE_1_3_1, "1.3-1", "1.3.3", .model = MODEL_BINARY, .counts_columns = true, SINCE_1_2_2},
    {IMAGE_1_5_1, "1.5-1", "1.5.2", .model = MODEL_BINARY, .counts_columns = true,
     .stops_early = true, SINCE_1_5_1},
    {IMAGE_1_7_1, "1.7-1", "1.7.4", .model = MODEL_UBJSON, .counts_columns = true,
     .stops_early = true, SINCE_1_5_1},
    {IMAGE_3_0_5, "3.0-5", "3.0.5", .model = MODEL_UBJSON, .counts_columns = true, SINCE_3_0_5},
    {IMAGE_3_2_0, "3.2-0", "3.2.0", .model = MODEL_UBJSON, .counts_columns = true,
     .counts_from_one = true, .empty_from_score = true, SINCE_3_0_5},
};

/* A tag's three numbers; a missing one is as large as can be, so that "1" is the last of 1.x. */
struct numbers {
    long part[3];
};

static bool read_numbers(const char *tag, struct numbers *numbers)
{
    static const char separators[] = {'.', '-'};
    for (int i = 0; i < 3; i++) {
        char *end;
        numbers->part[i] = strtol(tag, &end, 10);
        if (end == tag || numbers->part[i] < 0) {
            numbers->part[i] = 9999;
            return i > 0;
        }
        tag = i < 2 && *end == separators[i] ? end + 1 : "";
    }
    return true;
}

static bool is_newer(const struct numbers *a, const struct numbers *b)
{
    for (int i = 0; i < 3; i++)
        if (a->part[i] != b->part[i])
            return a->part[i] > b->part[i];
    return false;
}

static const struct xgboost_release *newest_up_to(const struct numbers *wanted)
{
    const struct xgboost_release *found = &releases[0];
    struct numbers own;
    for (size_t i = 1; i < COUNT; i++)
        if (read_numbers(releases[i].tag, &own) && !is_newer(&own, wanted))
            found = &releases[i];
    return found;
}

/* The text behind the last '/'; "xgboost:1" of a registry's URI. */
static const char *last_part(const char *image)
{
    const char *slash = strrchr(image, '/');
    return slash ? slash + 1 : image;
}

const struct xgboost_release *xgboost_release_find(const char *image)
{
    const char *name = last_part(image ? image : "");
    const char *colon = strchr(name, ':');
    const char *tag = colon && !strchr(name, '@') ? colon + 1 : name;
    bool first = strncmp(name, "xgboost", 7) == 0;
    struct numbers wanted;
    if ((first && strcmp(tag, "1") == 0) || !read_numbers(tag, &wanted))
        return first ? &releases[0] : &releases[COUNT - 1];
    return newest_up_to(&wanted);
}
