/* capture.h: data capture records, as SageMaker writes and Model Monitor reads them: JSON Lines of
 * {"captureData": {"endpointInput": {...}, "endpointOutput": {...}}, "eventMetadata": {...},
 * "eventVersion": "0"}. */
#ifndef LATHE_MONITOR_CAPTURE_H
#define LATHE_MONITOR_CAPTURE_H

#include <glib.h>

/* How the bytes of one direction are written. */
enum capture_encoding { CAPTURE_CSV, CAPTURE_JSON, CAPTURE_BASE64 };

struct capture_part {
    const char *content_type; /* NULL: the direction is not captured */
    enum capture_encoding encoding;
    const void *bytes;
    size_t size;
};

struct capture_event {
    const char *id;                /* unique; a UUID */
    double time;                   /* of the inference */
    const char *inference_id;      /* the caller's, or NULL */
    const char *custom_attributes; /* likewise */
    struct capture_part input, output;
};

/* Appends the event's line, its newline included. Bytes that are not UTF-8 are written as base64,
 * whatever the encoding. */
void capture_write(GString *lines, const struct capture_event *event);

#endif
