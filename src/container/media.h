/* media.h: content types of requests and replies, as containers understand them. */
#ifndef LATHE_CONTAINER_MEDIA_H
#define LATHE_CONTAINER_MEDIA_H

#include "lathe.h"
#include "tree/xgboost_release.h"

/* The format of rows of a Content-Type ("text/csv; charset=utf-8", "csv"); NULL means text/csv.
 * False where no container here reads it. */
bool media_read_format(const char *content_type, enum lathe_row_format *format);

/* The same as the XGBoost container reads it, where nothing means libsvm: NULL, or the words with
 * which it refuses (415), to be freed. */
char *media_container_format(const char *content_type, enum lathe_row_format *format);

/* What the XGBoost container of a release answers in: `accept` is the request's, `fallback` what
 * the environment says where that leaves it open (NULL: CSV), `selected`: whether an answer's
 * content is selected. Otherwise the words of its refusal, to be freed, and its status. */
char *media_container_answer(const struct xgboost_release *release, bool selected,
                             const char *accept, const char *fallback,
                             enum lathe_answer_format *format, const char **content_type,
                             unsigned *status);

/* The same of a container that holds many models: its server answers JSON where the choice is left
 * to it, and refuses (415) what is neither that nor CSV. */
char *media_container_answer_of_many(const char *accept, const char *fallback,
                                     enum lathe_answer_format *format, const char **content_type,
                                     unsigned *status);

/* Whether an Accept header leaves the choice to the model. */
bool media_is_any(const char *accept);

/* The format of an answer for an Accept header, and what its Content-Type is to say; `bundle`:
 * where transformers write it, as SageMaker's SparkML container does. NULL and ranges that allow
 * anything mean text/csv. False where nothing acceptable can be written. */
bool media_write_format(const char *accept, bool bundle, enum lathe_answer_format *format,
                        const char **content_type);

#endif
