/* firehose_inside.h: between the files of this service. */
#ifndef LATHE_SERVICE_FIREHOSE_FIREHOSE_INSIDE_H
#define LATHE_SERVICE_FIREHOSE_FIREHOSE_INSIDE_H

#include "service/home.h"
#include "store/resource.h"
#include "stream/delivery_stream.h"

/* ERROR_NOT_FOUND_EXCEPTION, in AWS's words. */
bool firehose_missing(const struct call *call, const char *name, GError **error);
/* The stream that a request names, or that error. */
struct resource *firehose_get(const struct call *call, const json_t *request, GError **error);

operation_function create_delivery_stream, describe_delivery_stream, list_delivery_streams,
    update_destination, delete_delivery_stream;
operation_function put_record, put_record_batch;
operation_direct put_record_batch_directly;
operation_function tag_delivery_stream, untag_delivery_stream, list_tags_for_delivery_stream;

/* The tags of a request as the store has them, each with a Value; or an error. */
json_t *firehose_tags(const json_t *request, GError **error);

bool firehose_open(struct lathe *lathe, GError **error);

#endif
