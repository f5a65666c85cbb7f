/* expression.h: Glue's filters of partitions: comparisons of partition keys with literals, joined
 * by AND, OR and NOT: year = 2026 AND (day BETWEEN '01' AND '09' OR day LIKE '1%') AND hour IS NOT
 * NULL.
 *
 * Values are compared as their key's type says: numbers as numbers, the others as texts. A value
 * that is none of its type, or no value at all, satisfies no comparison. */
#ifndef LATHE_CATALOG_EXPRESSION_H
#define LATHE_CATALOG_EXPRESSION_H

#include "base/json.h"

struct expression;

/* keys: the table's PartitionKeys. ERROR_INVALID_INPUT_EXCEPTION with what is wrong and where. */
struct expression *expression_parse(const char *text, const json_t *keys, GError **error);
void expression_free(struct expression *expression);
typedef struct expression expression_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(expression_auto, expression_free)

/* values: of a partition, in the keys' order. */
bool expression_holds(const struct expression *expression, char **values);

/* The one text that the key of that place has wherever the expression holds; NULL where there is
 * none. The expression's. */
const char *expression_demands(const struct expression *expression, size_t key);

#endif
