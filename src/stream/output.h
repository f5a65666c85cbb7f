/* output.h: a file that bytes are written into in one of Firehose's forms, in little memory. */
#ifndef LATHE_STREAM_OUTPUT_H
#define LATHE_STREAM_OUTPUT_H

#include <glib.h>
#include <stdbool.h>

enum output_format {
    OUTPUT_PLAIN,
    OUTPUT_GZIP,
    OUTPUT_ZIP,           /* of one file */
    OUTPUT_SNAPPY,        /* Snappy's framing format */
    OUTPUT_HADOOP_SNAPPY, /* blocks as Hadoop's SnappyCodec reads them */
};

/* By Firehose's word ("HADOOP_SNAPPY"); false: there is none of that name. */
bool output_format_named(const char *name, enum output_format *format);
const char *output_extension(enum output_format format); /* ".gz"; "" */

struct output;

/* A new file in place of any at the path. member: the name of the file in a zip. */
struct output *output_new(const char *path, enum output_format format, const char *member,
                          GError **error);
bool output_write(struct output *output, const void *bytes, size_t size, GError **error);
/* Until it is finished, the file is none. */
bool output_finish(struct output *output, GError **error);
void output_free(struct output *output);
typedef struct output output_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(output_auto, output_free)

#endif
