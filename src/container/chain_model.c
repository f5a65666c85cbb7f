#include "container/chain_model.h"

#include "base/error.h"

struct hop {
    struct served_model *model;
    char *name;
};

struct chain {
    size_t count;
    struct hop hops[];
};

/* A refusal names the container that it came from. */
static bool ask(const struct hop *hop, const struct invocation *invocation,
                struct invocation_reply *reply, GError **error)
{
    GError *cause = NULL;
    if (served_model_answer(hop->model, invocation, reply, &cause))
        return true;
    if (!reply->refusal) {
        g_propagate_error(error, cause);
        return false;
    }
    g_error_free(cause);
    return invocation_refuse_from(reply, hop->name, error);
}

static bool answer(void *data, const struct invocation *invocation, struct invocation_reply *reply,
                   GError **error)
{
    const struct chain *chain = data;
    struct invocation_reply before = {0};
    struct invocation now = *invocation;
    bool answered = true;
    for (size_t i = 0; answered && i < chain->count; i++) {
        struct invocation_reply after = {0};
        now.accept = i + 1 == chain->count ? invocation->accept : NULL;
        answered = ask(&chain->hops[i], &now, &after, error);
        invocation_reply_clear(&before);
        before = after;
        now.content_type = before.content_type;
        now.bytes = before.body.bytes;
        now.size = before.body.size;
    }
    before.variant = g_steal_pointer(&reply->variant);
    invocation_reply_clear(reply);
    *reply = before;
    return answered;
}

static void end(void *data)
{
    const struct chain *chain = data;
    for (size_t i = 0; i < chain->count; i++)
        served_model_end(chain->hops[i].model);
}

static void close_model(void *data)
{
    struct chain *chain = data;
    for (size_t i = 0; i < chain->count; i++) {
        served_model_unref(chain->hops[i].model);
        g_free(chain->hops[i].name);
    }
    g_free(chain);
}

struct served_model *chain_model_new(const struct chain_hop *hops, size_t count)
{
    static const struct served_model_kind kinds[] = {
        {.answer = answer, .close = close_model, .end = end},
        {.answer = answer, .close = close_model, .end = end, .takes_target = true}};
    struct chain *chain = g_malloc0(sizeof *chain + count * sizeof chain->hops[0]);
    bool takes_target = false;
    chain->count = count;
    for (size_t i = 0; i < count; i++) {
        chain->hops[i] = (struct hop){served_model_ref(hops[i].model), g_strdup(hops[i].name)};
        takes_target |= served_model_takes_target(hops[i].model);
    }
    return served_model_new(&kinds[takes_target], chain);
}
