/* exchange.h: what an endpoint and a process that serves its model say to each other. Within the
 * frames of worker/frame.h a call, and its answer too, is a head and a body:
 *
 *     0   uint32, little endian: the size of the head, at most 64 KiB
 *     4   the head: a JSON object, UTF-8
 *         the body's bytes, to the end
 *
 * The head of a call has, as far as the request has them, the texts "ContentType", "Accept",
 * "TargetModel", "CustomAttributes", "InferenceId". That of an answer has "Status", an HTTP status,
 * and may have "ContentType" and "CustomAttributes" (printable ASCII, at most 1024). From 200 to
 * 299 the body is the answer; with any other status it is the text (UTF-8) with which the caller is
 * refused. A process that cannot say a status answers with a frame of an error, which counts as
 * 500.
 */
#ifndef LATHE_CONTAINER_EXCHANGE_H
#define LATHE_CONTAINER_EXCHANGE_H

#include "base/json.h"
#include "container/model.h"

GBytes *exchange_pack(const json_t *head, const void *body, size_t size);
/* The head, or NULL and ERROR_INTERNAL where it is none; the body lives as long as the message. */
json_t *exchange_unpack(GBytes *message, const char **body, size_t *size, GError **error);

/* The endpoint's side: a call, and its answer noted in a reply: an answer or a refusal, as a
 * model's. One that breaks the rules above is the container's error, 500. */
GBytes *exchange_call(const struct invocation *invocation);
bool exchange_take_answer(GBytes *message, struct invocation_reply *reply, GError **error);

#endif
