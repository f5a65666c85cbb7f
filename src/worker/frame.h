/* frame.h: what goes over the socket between a pool and its processes: frames of a kind and bytes.
 *
 *     0  uint32, little endian: how many bytes follow the head
 *     4  the kind
 *     5  three bytes of zero
 */
#ifndef LATHE_WORKER_FRAME_H
#define LATHE_WORKER_FRAME_H

#include <glib.h>
#include <stdbool.h>

enum frame_kind {
    FRAME_READY = 1, /* the process can take calls */
    FRAME_CALL,      /* to the process: a request */
    FRAME_REPLY,     /* what it answers */
    FRAME_ERROR,     /* or why not: the error's name, a newline, its text; with the name
                        ProcessEnded, or of a process that is not ready: why it is about to end */
    FRAME_CANCEL,    /* to the process: nobody waits for the answer any more */
};

#define FRAME_HEAD 8

/* Adds a frame to what is to be sent. */
void frame_put(GByteArray *out, enum frame_kind kind, const void *bytes, size_t size);

/* Takes the first whole frame off what has arrived. False where there is none yet; a frame longer
 * than `longest`, or of no known kind, sets *broken. */
bool frame_take(GByteArray *in, size_t longest, enum frame_kind *kind, GBytes **bytes,
                bool *broken);

#endif
