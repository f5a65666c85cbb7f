/* spool.h: records on the disk between their acknowledgement and their delivery.
 *
 * A stream's folder has a file a buffer, named by its number. It begins with the time of its first
 * record; then come frames, each of one record with its length and checksum: what a crash cut off
 * in the middle is known by them, and was acknowledged to nobody. */
#ifndef LATHE_STREAM_SPOOL_H
#define LATHE_STREAM_SPOOL_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

struct spool_piece {
    const void *bytes;
    size_t size;
};

#define SPOOL_FRAME_HEAD 8 /* bytes of a frame before its record: length and checksum */

/* Records on their way to the disk, as the frames that they will be. */
struct spool_records {
    GByteArray *frames;
    GArray *ends; /* size_t: where each frame ends */
    size_t bytes; /* of the records themselves */
};
struct spool_records *spool_records_new(void);
void spool_records_add(struct spool_records *records, const void *bytes, size_t size);
/* The same of a record in pieces. */
void spool_records_add_pieces(struct spool_records *records, const struct spool_piece *pieces,
                              size_t count);
void spool_records_free(struct spool_records *records);
typedef struct spool_records spool_records_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(spool_records_auto, spool_records_free)

/* One file. */
struct spool {
    char *path;
    guint64 number;
    int fd;        /* while it is written to, else -1 */
    gint64 length; /* bytes that are known to be on the disk; of one that was found, its size */
    double time;   /* of the first record, seconds since 1970 */
};

/* Bytes of its frames. */
gint64 spool_frames(const struct spool *spool);

/* A new file in the folder; its name is on the disk with the first spool_append. */
struct spool *spool_new(const char *folder, guint64 number, double time, GError **error);
void spool_free(struct spool *spool); /* the file stays */
/* Writes the pieces (of frames) and waits until they are on the disk. Where that fails, the file is
 * cut back to what it was. */
bool spool_append(struct spool *spool, const struct spool_piece *pieces, size_t count,
                  GError **error);
/* No more will be written. */
void spool_close(struct spool *spool);

/* The files that an earlier run left in the folder, in order: struct spool, which the array frees.
 * What else lies there is removed. */
GPtrArray *spool_find(const char *folder, GError **error);

/* Goes through the whole records of a file, in order. */
struct spool_reader;
/* From there (0: the first; or where a reader was) up to `end` bytes of the file. */
struct spool_reader *spool_reader_new(const char *path, gint64 from, gint64 end, GError **error);
/* The next record, whose bytes are there until the next call. False without an error behind the
 * last, which is where a crash cut the file off, too. */
bool spool_reader_next(struct spool_reader *reader, struct spool_piece *record, GError **error);
gint64 spool_reader_at(const struct spool_reader *reader); /* behind the last whole record */
/* Of the first record, seconds since 1970; of a reader from the first, once it read that. */
double spool_reader_time(const struct spool_reader *reader);
void spool_reader_free(struct spool_reader *reader);
typedef struct spool_reader spool_reader_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(spool_reader_auto, spool_reader_free)

/* Calls visit for each whole record of the file, in order, up to its length or to where a crash cut
 * it off; stops where visit fails. The file's time is known then. */
typedef bool spool_visit(const void *bytes, size_t size, void *data, GError **error);
bool spool_each(struct spool *spool, spool_visit *visit, void *data, GError **error);

#endif
