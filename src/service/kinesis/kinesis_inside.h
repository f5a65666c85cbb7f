/* kinesis_inside.h: between the files of this service. */
#ifndef LATHE_SERVICE_KINESIS_KINESIS_INSIDE_H
#define LATHE_SERVICE_KINESIS_KINESIS_INSIDE_H

#include "service/kinesis/kinesis.h"
#include "store/resource.h"
#include "stream/data_stream.h"

#define KINESIS_ITERATOR_MILLIS 300000 /* that an iterator or a token is good for */

/* The name of the stream that a request means, by StreamName or StreamARN; borrowed from it. */
const char *kinesis_name(const json_t *request, GError **error);
/* ERROR_NOT_FOUND_EXCEPTION, in AWS's words. */
bool kinesis_missing(const struct call *call, const char *name, GError **error);
/* The stream that a request means: its resource, or itself; or one of those errors. */
struct resource *kinesis_get(const struct call *call, const json_t *request, GError **error);
struct data_stream *kinesis_find(const struct call *call, const json_t *request, GError **error);

/* Opens the data stream that a resource is. */
bool kinesis_open_stream(struct lathe *lathe, const struct resource *stream, GError **error);

/* The shard of that name; or ERROR_NOT_FOUND_EXCEPTION. */
const struct shard *kinesis_shard(const struct call *call, const char *stream,
                                  const struct shards *shards, const char *name, GError **error);

/* A record's number as clients see it: digits, which grow from record to record. origin: of the
 * stream, so that another one of its name has others. */
char *sequence_text(gint64 origin, guint64 number, guint32 shard);
/* False where it is none of a stream with that origin. */
bool sequence_parse(gint64 origin, const char *text, guint64 *number, guint32 *shard);
gint64 kinesis_origin(const struct resource *stream);

gint64 kinesis_now(const struct call *call); /* milliseconds since 1970 */

operation_function create_stream, describe_stream, describe_stream_summary, list_streams,
    delete_stream, increase_stream_retention_period, decrease_stream_retention_period,
    update_stream_mode, update_max_record_size;
operation_function list_shards, split_shard, merge_shards, update_shard_count, describe_limits;
operation_function kinesis_put_record, kinesis_put_records, get_shard_iterator, get_records;
operation_direct kinesis_put_records_directly;
operation_function add_tags_to_stream, remove_tags_from_stream, list_tags_for_stream,
    kinesis_tag_resource, kinesis_untag_resource, kinesis_list_tags_for_resource;

operation_function register_stream_consumer, describe_stream_consumer, list_stream_consumers,
    deregister_stream_consumer;

/* The consumers registered with a stream; NULL and an error. */
GPtrArray *kinesis_consumers(const struct call *call, const struct resource *stream,
                             GError **error);
/* The consumer of that ARN; or an error. */
struct resource *kinesis_consumer_by_arn(const struct call *call, const char *arn, GError **error);
/* Deregisters them all; unless it is enforced, an error where there are any. */
bool kinesis_drop_consumers(const struct call *call, const struct resource *stream, bool enforced,
                            GError **error);
/* Whether the stream is the one of StreamCreationTimestamp, where the request has such. */
bool kinesis_was_created_then(const struct resource *stream, const json_t *request);

/* Tags of a request's map, as the store has them. */
json_t *kinesis_tags(const json_t *request);

/* A page of shards as descriptions have them: up to `most` behind the one of that name (or NULL),
 * of those that `wanted` (or NULL) takes. *more: there are others. */
json_t *kinesis_shards_page(const struct resource *stream, const struct shards *shards,
                            const char *after, size_t most,
                            bool (*wanted)(const struct shard *shard, const void *data),
                            const void *data, bool *more);
/* Fails where the account would then have more open shards than it may. */
bool kinesis_check_limit(const struct call *call, gint64 more, GError **error);

#endif
