/* store_inside.h: between the files of this room. */
#ifndef LATHE_STORE_STORE_INSIDE_H
#define LATHE_STORE_STORE_INSIDE_H

#include "base/json.h"
#include "store/store.h"

/* From within a change: tells the watchers once the change is committed. Copies its texts; status
 * NULL says deleted. */
void store_announce(struct store *store, const char *kind, const char *name, const char *status);

/* Within a change: adds tags to what has that ARN. */
bool tags_put_within(struct store_connection *connection, const char *arn, const json_t *tags,
                     GError **error);

#endif
