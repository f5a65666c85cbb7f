/* delivery_stream.h: delivery streams: records are accepted durably, gathered, and delivered into
 * the lake as objects, each record once.
 *
 * A stream's records lie below <folder>/<name>/ until the object that they became is in the lake.
 * The object, and how far the stream was delivered, are one change of the store. */
#ifndef LATHE_STREAM_DELIVERY_STREAM_H
#define LATHE_STREAM_DELIVERY_STREAM_H

#include "base/clock.h"
#include "lake/lake.h"
#include "store/store.h"
#include "stream/data_stream.h"
#include "stream/extract.h"
#include "stream/output.h"
#include "stream/processing.h"
#include "stream/schema.h"
#include "stream/spool.h"

/* The kind of its resource in the store, whose one entry says how far it was delivered. */
#define DELIVERY_STREAM_KIND "deliverystream"

/* Bytes that a stream keeps undelivered: what comes then is refused. */
#define DELIVERY_STREAM_BACKLOG ((gint64)1 << 30)

struct delivery_streams;
struct delivery_stream;

struct delivery_streams_settings {
    const char *folder; /* created where missing */
    struct store *store;
    struct lake *lake;
    struct clock *clock;
    gint64 backlog;          /* a stream */
    char *const *extract;    /* what asks queries (extractor_open), or NULL */
    struct catalog *catalog; /* of the tables that records are converted by */
    struct engine *engine;   /* of SQL, that converts them; NULL: none does */
};
struct delivery_streams *delivery_streams_open(const struct delivery_streams_settings *settings,
                                               GError **error);
/* What is not delivered stays where it is, for the next time. Before the lake is closed. */
void delivery_streams_close(struct delivery_streams *streams);
/* For checking a query. */
struct extractor *delivery_streams_extractor(struct delivery_streams *streams);
/* Returns when nothing is being delivered. */
void delivery_streams_wait(struct delivery_streams *streams);

/* Where a stream delivers to, and when. Immutable; counted. */
struct delivery_config {
    char *version; /* "1": part of the objects' names */
    char *bucket;
    char *prefix; /* with expressions (prefix.h), or NULL */
    char *error_prefix;
    char *time_zone; /* of the prefix; NULL: UTC */
    char *extension; /* NULL: the format's */
    struct processing processing;
    struct conversion conversion; /* of JSON records to Parquet; its table NULL: none */
    char *query;     /* of each record's partition keys (extract.h); NULL: it has none */
    char *delimiter; /* behind each record; NULL: none */
    enum output_format format;
    gint64 size;     /* bytes that are delivered without waiting longer */
    double interval; /* seconds that the oldest record waits at most */
};
struct delivery_config *delivery_config_new(void);
struct delivery_config *delivery_config_ref(struct delivery_config *config);
void delivery_config_unref(struct delivery_config *config);

/* The data stream whose records a delivery stream delivers, in place of what is put, from that
 * number on until the store knows how far it came. */
struct delivery_source {
    struct data_stream *stream; /* NULL: it was deleted, and nothing more comes */
    guint64 from;
};

/* Opens a stream; what an earlier run left undelivered under that name and id (of the stream, for
 * another may have had the name) is delivered at once. The streams of earlier runs are added before
 * delivery_streams_clean. Takes config. source: NULL where records are put. */
bool delivery_streams_add(struct delivery_streams *streams, const char *name, const char *id,
                          struct delivery_config *config, const struct delivery_source *source,
                          GError **error);
/* Removes the folders of streams that are no more. */
bool delivery_streams_clean(struct delivery_streams *streams, GError **error);

/* NULL where there is none of that name. */
struct delivery_stream *delivery_streams_find(struct delivery_streams *streams, const char *name);
void delivery_stream_unref(struct delivery_stream *stream);
typedef struct delivery_stream delivery_stream_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(delivery_stream_auto, delivery_stream_unref)

/* Accepts records: on the disk when it returns. *taken is how many: where not all fit into the
 * backlog, the first so many; where none does, or the disk is full, ERROR_SERVICE_UNAVAILABLE.
 * ERROR_NOT_FOUND_EXCEPTION where the stream has ended, ERROR_INVALID_ARGUMENT_EXCEPTION where it
 * has a source. */
bool delivery_stream_put(struct delivery_stream *stream, const struct spool_records *records,
                         size_t *taken, GError **error);

/* Takes config; one of an older version than it has changes nothing. */
void delivery_stream_update(struct delivery_stream *stream, struct delivery_config *config);

/* Before it is deleted: accepts nothing more, and returns when what was accepted is delivered, or
 * could not be. False: it had ended before. */
bool delivery_stream_end(struct delivery_stream *stream);
/* It was not deleted after all. */
void delivery_stream_go_on(struct delivery_stream *stream);
/* After it was deleted: its files go. */
void delivery_streams_remove(struct delivery_streams *streams, struct delivery_stream *stream);

#endif
