#include "container/model.h"

#include <stdatomic.h>

#include "base/error.h"

struct served_model {
    /* Counted with C11's atomics: those of Debian's GLib are hidden from the thread sanitizer. */
    atomic_int references;
    const struct served_model_kind *kind;
    void *model;
};

void invocation_reply_clear(struct invocation_reply *reply)
{
    g_free(reply->variant);
    g_free(reply->content_type);
    g_free(reply->custom_attributes);
    g_free(reply->refusal);
    lathe_text_clear(&reply->body);
}

bool invocation_refuse_from(const struct invocation_reply *reply, const char *container,
                            GError **error)
{
    unsigned status = reply->refused_status;
    bool clients = status >= 400 && status < 500;
    return error_set(error, ERROR_MODEL, "Received %s error (%u) from %s with message \"%s\".",
                     clients ? "client" : "server", status, container, reply->refusal);
}

bool invocation_refuse(struct invocation_reply *reply, unsigned status, const char *words,
                       GError **error)
{
    reply->refused_status = status;
    reply->refusal = g_strdup(words);
    return invocation_refuse_from(reply, "primary", error);
}

struct served_model *served_model_new(const struct served_model_kind *kind, void *model)
{
    struct served_model *served = g_new0(struct served_model, 1);
    atomic_init(&served->references, 1);
    served->kind = kind;
    served->model = model;
    return served;
}

struct served_model *served_model_ref(struct served_model *model)
{
    atomic_fetch_add(&model->references, 1);
    return model;
}

void served_model_unref(struct served_model *model)
{
    if (!model || atomic_fetch_sub(&model->references, 1) > 1)
        return;
    model->kind->close(model->model);
    g_free(model);
}

bool served_model_answer(struct served_model *model, const struct invocation *invocation,
                         struct invocation_reply *reply, GError **error)
{
    return model->kind->answer(model->model, invocation, reply, error);
}

size_t served_model_quick_bytes(const struct served_model *model)
{
    return model->kind->quick_bytes;
}

bool served_model_waits(const struct served_model *model)
{
    return model->kind->waits;
}

bool served_model_takes_target(const struct served_model *model)
{
    return model->kind->takes_target;
}

void served_model_end(struct served_model *model)
{
    if (model->kind->end)
        model->kind->end(model->model);
}

bool served_model_joins(const struct served_model *model, const struct invocation *invocation)
{
    return model->kind->joins && model->kind->joins(model->model, invocation);
}
