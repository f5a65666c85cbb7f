/* InvokeEndpoint: from the bytes of a request to the bytes of an answer, without leaving memory. */
#include <string.h>

#include "serve/endpoint.h"
#include "service/sagemaker/sagemaker.h"

/* SageMaker's own limit of a real-time request. */
#define BODY_LIMIT (25 << 20)

static void describe_refusal(const struct call *call, const struct invocation_reply *answer,
                             const char *endpoint, struct reply *reply)
{
    reply->output =
        json_pack("{sssIso}", "OriginalMessage", answer->refusal, "OriginalStatusCode",
                  (json_int_t)answer->refused_status, "LogStreamArn",
                  json_sprintf("arn:aws:logs:%s:%s:log-group:/aws/sagemaker/Endpoints/%s",
                               call->region, call->account, endpoint));
}

static void free_bytes(void *data)
{
    g_free(data);
}

enum pace invoke_pace(struct lathe *lathe, const struct call_head *head)
{
    return endpoint_pace(lathe->endpoints, json_text_at(head->labels, "EndpointName"), head->size);
}

bool invoke_endpoint(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    g_autoptr(GBytes) body = stream_read_all(call->body, BODY_LIMIT, error);
    if (!body)
        return false;
    struct invocation invocation = {
        .endpoint = json_text_at(request, "EndpointName"),
        .account = call->account,
        .content_type = json_text_at(request, "ContentType"),
        .accept = json_text_at(request, "Accept"),
        .target_variant = json_text_at(request, "TargetVariant"),
        .target_model = json_text_at(request, "TargetModel"),
        .inference_id = json_text_at(request, "InferenceId"),
        .custom_attributes = json_text_at(request, "CustomAttributes"),
        .bytes = g_bytes_get_data(body, NULL),
        .size = g_bytes_get_size(body),
    };
    struct invocation_reply answer = {0};
    bool answered = endpoint_invoke(call->lathe->endpoints, &invocation, &answer, error);
    if (answered) {
        reply->output =
            json_pack("{ssss*ss*}", "InvokedProductionVariant", answer.variant, "ContentType",
                      answer.content_type, "CustomAttributes", answer.custom_attributes);
        g_autoptr(GBytes) bytes = g_bytes_new_with_free_func(answer.body.bytes, answer.body.size,
                                                             free_bytes, answer.body.bytes);
        reply->body = stream_from_bytes(bytes);
        answer.body = (struct lathe_text){0};
    } else if (answer.refusal) {
        describe_refusal(call, &answer, invocation.endpoint, reply);
    }
    invocation_reply_clear(&answer);
    return answered;
}
