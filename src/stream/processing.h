/* processing.h: what becomes of a record on its way from its stream into an object: unpacked, taken
 * apart. */
#ifndef LATHE_STREAM_PROCESSING_H
#define LATHE_STREAM_PROCESSING_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define PROCESSING_MOST_PARTS 500 /* that a record is taken apart into; one of more stays whole */

enum processing_parts { PARTS_NONE, PARTS_JSON, PARTS_DELIMITED };

/* Firehose's processors, in the order in which they work. */
struct processing {
    bool gunzip;                 /* Decompression */
    bool messages;               /* CloudWatchLogProcessing: the messages of log events */
    enum processing_parts parts; /* RecordDeAggregation */
    GBytes *between;             /* PARTS_DELIMITED: what stands between parts */
};

/* Calls emit for each record that becomes of one; stops where that fails. Where it cannot be
 * processed, nothing is emitted, and *why (g_free) says why. */
typedef bool processing_emit(const void *bytes, size_t size, void *data, GError **error);
bool processing_run(const struct processing *processing, const void *bytes, size_t size,
                    processing_emit *emit, void *data, char **why, GError **error);

#endif
