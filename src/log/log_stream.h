/* log_stream.h: timestamped lines, in CloudWatch Logs' terms: groups of streams of events. A stream
 * is a file of lines "<milliseconds> <message>", appended to by one writer, read by any number. */
#ifndef LATHE_LOG_LOG_STREAM_H
#define LATHE_LOG_LOG_STREAM_H

#include <glib.h>
#include <stdbool.h>

struct logs;

struct logs *logs_open(const char *folder, GError **error);
void logs_close(struct logs *logs);

/* Creates the group and the stream where they are missing. */
struct log_writer *log_writer_open(struct logs *logs, const char *group, const char *stream,
                                   GError **error);
/* One event; a newline inside the message stays inside it. Lines longer than 256 KiB are cut, as
 * CloudWatch does, and empty ones are no events, as there. */
bool log_writer_add(struct log_writer *writer, gint64 milliseconds, const char *message,
                    size_t size, GError **error);
/* While it is held, events are gathered; where it is not any more they are written, at once. */
bool log_writer_hold(struct log_writer *writer, bool held, GError **error);
void log_writer_close(struct log_writer *writer);

bool logs_create_group(struct logs *logs, const char *group, GError **error);
bool logs_has_group(struct logs *logs, const char *group);
bool logs_has_stream(struct logs *logs, const char *group, const char *stream);

struct log_stream_info {
    char *name;
    gint64 created;     /* milliseconds */
    gint64 first, last; /* of its events; -1 where it has none */
    gint64 size;
};
/* Names of groups (char *), or struct log_stream_info, that start with prefix (may be NULL), in
 * order of their names. Groups and streams that do not exist give empty arrays. */
GPtrArray *logs_groups(struct logs *logs, const char *prefix);
GPtrArray *logs_streams(struct logs *logs, const char *group, const char *prefix);

/* Removes the streams of a group whose last event is older than `before` (milliseconds); those that
 * are written to stay. How many went. */
unsigned logs_trim(struct logs *logs, const char *group, gint64 before);

/* Removes the streams of a group whose names start with prefix. */
void logs_remove(struct logs *logs, const char *group, const char *prefix);

/* Removes one stream, or a group with its streams; ERROR_NOT_FOUND_EXCEPTION where it is not
 * there. Who writes to one goes on to where nobody reads. */
bool logs_delete_stream(struct logs *logs, const char *group, const char *stream, GError **error);
bool logs_delete_group(struct logs *logs, const char *group, GError **error);

struct log_event {
    gint64 milliseconds;
    char *message;
};

/* A stretch of a stream. Positions are bytes in its file, between two events: any other is refused
 * (ERROR_INVALID_PARAMETER). */
struct log_query {
    gint64 start, end; /* events with start <= time < end; end 0: no end */
    gint64 position;   /* where to read on from; -1: the head, or the tail if !from_head */
    bool backward;     /* the events before position instead of those after it */
    bool from_head;
    size_t limit; /* events; 0: 10,000 */
};
struct log_page {
    GPtrArray *events;    /* struct log_event, oldest first */
    gint64 before, after; /* the positions at the page's two ends */
};
bool logs_read(struct logs *logs, const char *group, const char *stream,
               const struct log_query *query, struct log_page *page, GError **error);
void log_page_clear(struct log_page *page);

#endif
