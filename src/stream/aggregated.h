/* aggregated.h: records of data streams that hold several, as the Kinesis Producer Library packs
 * them: a mark, a Protocol Buffers message, and its MD5. */
#ifndef LATHE_STREAM_AGGREGATED_H
#define LATHE_STREAM_AGGREGATED_H

#include <glib.h>

/* The records in one (GBytes, into its bytes, which must outlive them); NULL where it is none of
 * those. */
GPtrArray *aggregated_parts(const void *bytes, size_t size);

#endif
