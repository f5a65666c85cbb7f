/* Amazon Data Firehose: streams of records, put directly, delivered into the lake. */
#include "service/firehose/firehose_inside.h"

static void close_service(struct lathe *lathe)
{
    delivery_streams_close(lathe->streams);
}

static const struct operation operations[] = {
    {"CreateDeliveryStream", create_delivery_stream, OPERATION_BLOCKING},
    {"DescribeDeliveryStream", describe_delivery_stream, OPERATION_BLOCKING},
    {"ListDeliveryStreams", list_delivery_streams, OPERATION_BLOCKING},
    {"UpdateDestination", update_destination, OPERATION_BLOCKING},
    {"DeleteDeliveryStream", delete_delivery_stream, OPERATION_BLOCKING},
    {"PutRecord", put_record, OPERATION_BLOCKING},
    {"PutRecordBatch", put_record_batch, OPERATION_BLOCKING},
    {"TagDeliveryStream", tag_delivery_stream, OPERATION_BLOCKING},
    {"UntagDeliveryStream", untag_delivery_stream, OPERATION_BLOCKING},
    {"ListTagsForDeliveryStream", list_tags_for_delivery_stream, OPERATION_BLOCKING},
};

static const struct direct_operation direct[] = {
    {"PutRecordBatch", put_record_batch_directly},
    {0},
};

const struct service firehose_service = {
    .name = "firehose",
    .operations = operations,
    .count = G_N_ELEMENTS(operations),
    .direct = direct,
    .open = firehose_open,
    .close = close_service,
};
