/* category_codes.h: from the categories that trees keep of their features to the codes that they
 * were trained with. */
#ifndef LATHE_MODEL_CATEGORY_CODES_H
#define LATHE_MODEL_CATEGORY_CODES_H

#include "csv/reader.h"
#include "tree/forest.h"

struct category_codes;

/* Of the forests, which all keep the same; *categories is NULL where they keep none, or each its
 * own. LATHE_INVALID_MODEL where a feature has one twice, LATHE_NO_MEMORY. */
bool category_codes_open(struct category_codes **categories, struct forest *const *forests,
                         size_t count, struct lathe_error *error);
void category_codes_close(struct category_codes *categories);

/* Whether the feature has any. NULL has none. */
bool category_codes_of(const struct category_codes *categories, size_t feature);

/* What a number is, where a category is asked for: */
enum category_numbers {
    CATEGORY_NUMBERS_ARE_TEXT, /* written: a category, where any of the feature's is a number */
    CATEGORY_NUMBERS_ARE_CODES /* as XGBoost's container takes them */
};

/* The code of a category: NaN for what is missing (no bytes, an empty text or the word nan that is
 * no category itself). False: there is no such category. */
bool category_codes_find(const struct category_codes *categories, size_t feature,
                         struct csv_text text, enum category_numbers numbers, double *code);

/* Fails with LATHE_INVALID_DATA, in XGBoost's words and with what would be right; `name` may be
 * NULL. */
bool category_codes_fail(const struct category_codes *categories, size_t feature, const char *name,
                         struct csv_text text, size_t row, struct lathe_error *error);

#endif
