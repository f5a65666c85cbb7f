/* kept_categories.h: the categories that a model keeps of its features. XGBoost does from 3.1 on,
 * where it was trained from data frames: category i of a feature has the code i. */
#ifndef LATHE_TREE_KEPT_CATEGORIES_H
#define LATHE_TREE_KEPT_CATEGORIES_H

#include <stdbool.h>
#include <stddef.h>

struct kept_categories {
    size_t count;   /* 0: a feature without categories */
    bool numbers;   /* they are whole numbers, here in decimal */
    char *text;     /* one after the other: category i is what lies */
    size_t *starts; /* from starts[i] to starts[i + 1] */
};

/* Of so many features; NULL is none. */
void kept_categories_free(struct kept_categories *kept, size_t features);

#endif
