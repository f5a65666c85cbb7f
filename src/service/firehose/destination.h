/* destination.h: where a stream delivers to, as requests say it and descriptions tell it. */
#ifndef LATHE_SERVICE_FIREHOSE_DESTINATION_H
#define LATHE_SERVICE_FIREHOSE_DESTINATION_H

#include "base/json.h"
#include "stream/delivery_stream.h"

/* The one destination of a request that creates (suffix "Configuration") or updates ("Update"):
 * borrowed. NULL and ERROR_INVALID_ARGUMENT_EXCEPTION where there is none, or more. */
const json_t *destination_in(const json_t *request, const char *suffix, GError **error);

/* The destination with what `given` says over what it was (NULL: it is new), as it is kept; or an
 * error that says what is wrong with it, but for its query. */
json_t *destination_merge(const json_t *before, const json_t *given, GError **error);
/* Whether the query in what a request gives, if there is one, is one: asks a process. */
bool destination_check_query(const json_t *given, struct extractor *extractor, GError **error);

/* What DescribeDeliveryStream tells of it. */
json_t *destination_describe(const json_t *destination);

/* A destination that was checked, for the room that delivers. */
struct delivery_config *destination_config(const json_t *destination, const char *version);

#endif
