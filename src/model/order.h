/* order.h: the order of a row's columns, for errors. */
#ifndef LATHE_MODEL_ORDER_H
#define LATHE_MODEL_ORDER_H

#include "lathe.h"

/* Rows of CSV without a header have nothing to go by but the order of their values, and an error in
 * one of them may well come from another order. Adds the expected one, as much of it as fits, where
 * the columns have names and the error is LATHE_INVALID_DATA. Returns false. */
bool order_explain(const struct lathe_predictor *predictor, struct lathe_error *error);

#endif
