/* parcels.h: the objects that one delivery makes of its records: one for each prefix, and one for
 * each way in which records failed. */
#ifndef LATHE_STREAM_PARCELS_H
#define LATHE_STREAM_PARCELS_H

#include "stream/delivery_stream_inside.h"

/* Objects of one delivery whose records have partition keys: more fail. */
#define PARCELS_MOST 500

struct parcels;

struct parcels *parcels_new(const struct delivery_stream *stream,
                            const struct delivery_config *config);
/* Removes its files. */
void parcels_free(struct parcels *parcels);
typedef struct parcels parcels_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(parcels_auto, parcels_free)

/* A record that arrived at that time (seconds since 1970), with its partition keys, or NULL. */
bool parcels_add(struct parcels *parcels, const json_t *keys, double time, const void *bytes,
                 size_t size, GError **error);
/* One that failed, as Firehose writes such: a line of JSON with its reason and its bytes. */
struct parcel_failure {
    const char *type;       /* "processing-failed": a word of prefixes */
    const char *code, *why; /* "DynamicPartitioning.MetadataExtractionFailed" */
};
bool parcels_fail(struct parcels *parcels, const struct parcel_failure *failure, double time,
                  const void *bytes, size_t size, GError **error);

/* Finishes the objects, and adds them to the batch, which then has their files. */
bool parcels_send(struct parcels *parcels, struct lake_batch *batch, GError **error);

#endif
