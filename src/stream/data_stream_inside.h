/* data_stream_inside.h: between the files of this room. */
#ifndef LATHE_STREAM_DATA_STREAM_INSIDE_H
#define LATHE_STREAM_DATA_STREAM_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "stream/data_stream.h"
#include "stream/folders.h"
#include "stream/group.h"

struct data_streams {
    struct folders *folders;
    struct clock *clock;
    gint64 most, file;
    pthread_mutex_t lock; /* of the table */
    GHashTable *by_name;  /* name -> struct data_stream */
};

/* A place in a file: from there on its record of that number is read. */
struct data_mark {
    gint64 offset;
    guint64 number;
};

/* A file of the log. Its number is its first record's. */
struct data_file {
    struct spool *spool;
    gint64 length; /* what of it was acknowledged */
    double last;   /* when the last of its records arrived; of one that was found, not before */
    GArray *marks; /* struct data_mark, now and then one, as far as it was read */
};

struct data_stream {
    atomic_int references;
    struct data_streams *streams;
    char *name, *id, *folder;
    gint64 origin;
    atomic_size_t longest; /* record */

    pthread_mutex_t lock;   /* of what follows */
    pthread_cond_t changed; /* of any of it */
    struct shards *shards;
    double hours;
    guint64 next;       /* the next record's number */
    gint64 kept;        /* bytes in the files, and about to be */
    GPtrArray *files;   /* struct data_file, in order */
    bool writes;        /* the last file takes more */
    struct group group; /* of the puts under way */
    bool changing;      /* its shards: puts wait */
    bool ended;
    GArray *watchers; /* struct data_watcher */
};

struct data_watcher {
    data_stream_grew *grew;
    void *data;
};

/* What stands before a record's partition key and bytes in its frame, little-endian. */
struct data_head {
    gint64 millis;
    guint32 shard, key_size;
};

/* The record in a frame; false where the frame is none of ours. */
bool data_seen_in(const struct spool_piece *frame, struct data_seen *seen);

#endif
