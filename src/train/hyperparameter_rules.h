/* hyperparameter_rules.h: what one hyperparameter's value asks of another's. */
#ifndef LATHE_TRAIN_HYPERPARAMETER_RULES_H
#define LATHE_TRAIN_HYPERPARAMETER_RULES_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/* Holds values that are each good by themselves against one another. */
bool hyperparameter_rules_check(const json_t *values, GError **error);

#endif
