/* s3_post.h: a browser's form on a bucket (S3's PostObject): no operation of its own to botocore,
 * and PutObject to us, whose headers are the form's fields. */
#ifndef LATHE_WIRE_S3_POST_H
#define LATHE_WIRE_S3_POST_H

#include "http/http.h"
#include "wire/route.h"

/* POST /bucket of a multipart/form-data. */
bool s3_post_fits(const struct wire_request *request);
/* PutObject into that bucket: its key comes with the form. */
bool s3_post_route(const struct shape_service *service, const struct wire_request *request,
                   struct route *route, GError **error);

struct s3_post;
/* Reads the form up to its file and holds it against its policy. body must outlive it. */
struct s3_post *s3_post_read(const struct wire_request *request, struct route *route,
                             struct stream *body, GError **error);
void s3_post_free(struct s3_post *post);

/* PutObject's request, or NULL and an error; and its body, which is the post's. */
json_t *s3_post_decode(struct s3_post *post, const struct shape_service *service,
                       const struct route *route, GError **error);
struct stream *s3_post_file(const struct s3_post *post);

/* What the form asked to be answered, from PutObject's output. server: its URL begins so. */
void s3_post_reply(const struct s3_post *post, const char *server, const json_t *output,
                   struct http_reply *http);

#endif
