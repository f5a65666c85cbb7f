/* data_stream.h: data streams (Kinesis's): records accepted durably, kept for hours, read by
 * whoever likes, as often as they like.
 *
 * All shards of a stream are one log on the disk, whose records are numbered: so a put of records
 * for many shards is one append with one fsync, and one order holds for all. */
#ifndef LATHE_STREAM_DATA_STREAM_H
#define LATHE_STREAM_DATA_STREAM_H

#include "base/clock.h"
#include "stream/shards.h"

#define DATA_STREAM_KIND "datastream" /* of its resource in the store */

/* Bytes that a stream keeps: what comes then is refused, until the oldest are past their time. */
#define DATA_STREAM_MOST ((gint64)8 << 30)
#define DATA_STREAM_FILE ((gint64)16 << 20) /* bytes of a file of its log */

struct data_streams;
struct data_stream;

struct data_streams_settings {
    const char *folder; /* created where missing */
    struct clock *clock;
    gint64 most; /* a stream */
    gint64 file;
};
struct data_streams *data_streams_open(const struct data_streams_settings *settings,
                                       GError **error);
void data_streams_close(struct data_streams *streams);

/* What a stream is, beside its records. */
struct data_stream_plan {
    const char *name, *id;
    struct shards *shards; /* taken */
    double hours;          /* that records are kept */
    size_t longest;        /* record, with its partition key */
    gint64 origin;         /* of its sequence numbers: others of its name have another */
};
/* Opens a stream with what an earlier run left under that name and id. The streams of earlier runs
 * are added before data_streams_clean. */
bool data_streams_add(struct data_streams *streams, const struct data_stream_plan *plan,
                      GError **error);
/* Removes the folders of streams that are no more. */
bool data_streams_clean(struct data_streams *streams, GError **error);
/* Removes the files whose records are all past their time. */
void data_streams_trim(struct data_streams *streams);
/* Ends a stream: nobody finds it any more, and its files go. Whoever reads it comes to its end. */
void data_streams_remove(struct data_streams *streams, struct data_stream *stream);

/* NULL where there is none of that name. */
struct data_stream *data_streams_find(struct data_streams *streams, const char *name);
struct data_stream *data_stream_ref(struct data_stream *stream);
void data_stream_unref(struct data_stream *stream);
typedef struct data_stream data_stream_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(data_stream_auto, data_stream_unref)

const char *data_stream_name(const struct data_stream *stream);
const char *data_stream_id(const struct data_stream *stream);
gint64 data_stream_origin(const struct data_stream *stream);
size_t data_stream_longest(const struct data_stream *stream);
void data_stream_set_longest(struct data_stream *stream, size_t longest);
struct shards *data_stream_shards(struct data_stream *stream); /* as they are now; shards_free */
guint64 data_stream_next(struct data_stream *stream);          /* the number of the next record */
/* Records that arrived before it are past their time. */
double data_stream_horizon(struct data_stream *stream);
void data_stream_set_hours(struct data_stream *stream, double hours);

struct data_record {
    hash_key key; /* says to which shard it goes */
    const char *partition_key;
    const void *bytes;
    size_t size;
};
/* Where a record went. */
struct data_place {
    guint32 shard;
    guint64 number;
};
/* Accepts records: on the disk when it returns, in their order. *taken is how many: where not all
 * fit, the first so many; where none does, ERROR_THROUGHPUT. */
bool data_stream_put(struct data_stream *stream, const struct data_record *records, size_t count,
                     struct data_place *places, size_t *taken, GError **error);

/* A record as it lies in the log; what it points to is there while it is visited. */
struct data_seen {
    guint64 number;
    gint64 millis; /* when it arrived, since 1970 */
    guint32 shard;
    const char *partition_key;
    size_t key_size;
    const void *bytes;
    size_t size;
};
/* What it takes in the log, as data_stream_grew tells it. */
gint64 data_seen_bytes(const struct data_seen *record);
/* False: it is not taken, and no more is wanted. */
typedef bool data_visit(const struct data_seen *record, void *data);
/* Visits the records from that number on, of all shards, in order. *next is the number from which
 * to go on: of the one that was not taken, or data_stream_next. Past their time they may be there
 * still. */
bool data_stream_read(struct data_stream *stream, guint64 from, data_visit *visit, void *data,
                      guint64 *next, GError **error);
/* A number from which on no record is missed that arrived then or later. */
guint64 data_stream_since(struct data_stream *stream, gint64 millis);

/* Splits and merges: change edits a copy of the shards and saves it; meanwhile nothing is put.
 * Where it fails, all is as it was. */
typedef bool data_stream_change(struct shards *shards, void *data, GError **error);
bool data_stream_reshard(struct data_stream *stream, data_stream_change *change, void *data,
                         GError **error);

/* Whoever wants to hear of growth: called under the stream's lock, and so must be quick, with the
 * number of the next record, and the bytes of those that came. One a stream and data. */
typedef void data_stream_grew(guint64 next, gint64 bytes, void *data);
void data_stream_watch(struct data_stream *stream, data_stream_grew *grew, void *data);
/* After this it is not called and will not be. */
void data_stream_unwatch(struct data_stream *stream, void *data);

#endif
