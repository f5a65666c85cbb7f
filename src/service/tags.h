/* tags.h: tags of resources whose operations list them page by page, by their keys. */
#ifndef LATHE_SERVICE_TAGS_H
#define LATHE_SERVICE_TAGS_H

#include "operation/operation.h"

struct store;

/* {"Tags": those behind the request's ExclusiveStartTagKey, at most its Limit, "HasMoreTags"}; or
 * NULL and an error. */
json_t *tags_page(struct store *store, const char *arn, const json_t *request, GError **error);
/* Adds or replaces; of too many, the error is `code`. */
bool tags_put(struct store *store, const char *arn, const json_t *tags, enum error_code code,
              GError **error);

#endif
