/* media.h: content types of requests and replies, as containers understand them. */
#ifndef LATHE_SERVE_MEDIA_H
#define LATHE_SERVE_MEDIA_H

#include "lathe.h"

/* The format of rows of a Content-Type ("text/csv; charset=utf-8", "csv"); NULL means text/csv.
 * False where no container here reads it. */
bool media_read_format(const char *content_type, enum lathe_format *format);

/* Whether an Accept header leaves the choice to the model. */
bool media_is_any(const char *accept);

/* The format of an answer for an Accept header, and what its Content-Type is to say; `bundle`:
 * where transformers write it, as SageMaker's SparkML container does. NULL and ranges that allow
 * anything mean text/csv. False where nothing acceptable can be written. */
bool media_write_format(const char *accept, bool bundle, enum lathe_format *format,
                        const char **content_type);

#endif
