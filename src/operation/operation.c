#include "operation/operation.h"

#include <string.h>

#include "operation/kind.h"
#include "operation/token.h"
#include "operation/validate.h"

#define DEFAULT_REGION "us-east-1"

struct registered {
    const struct operation *operation;
    const struct service *owner;
    const struct shape_service *service;
    const struct shape_operation *shape;
    const struct shape_member *token; /* the request's client token, or NULL */
};

struct operations {
    struct lathe *lathe;
    char *account;
    GHashTable *services; /* name -> GHashTable of name -> struct registered */
    const struct service *const *given;
    struct patterns *patterns;
    struct tokens *tokens;
};

void reply_clear(struct reply *reply)
{
    json_decref(reply->output);
    stream_free(reply->body);
    g_free(reply->text);
    *reply = (struct reply){0};
}

static const struct shape_member *token_member(const struct shape *input)
{
    for (size_t i = 0; input && i < input->member_count; i++)
        if (input->members[i].flags & MEMBER_TOKEN)
            return &input->members[i];
    return NULL;
}

static bool add_operation(GHashTable *table, const struct shape_service *service,
                          const struct service *owner, const struct operation *operation,
                          GError **error)
{
    const struct shape_operation *shape = shape_operation_find(service, operation->name);
    if (!shape || !(shape->flags & OPERATION_SHAPE_LISTED))
        return error_set(
            error, ERROR_INTERNAL, "%s %s is registered, but %s: add it to tools/operations/%s.txt",
            service->name, operation->name,
            shape ? "its shapes are not compiled in" : "AWS has no such operation", service->name);
    if (operation->flags & OPERATION_DECIDED && !owner->pace)
        return error_set(error, ERROR_INTERNAL, "%s does not decide where %s runs", service->name,
                         operation->name);
    struct registered *entry = g_new0(struct registered, 1);
    *entry = (struct registered){operation, owner, service, shape, token_member(shape->input)};
    if (!g_hash_table_insert(table, (gpointer)operation->name, entry))
        return error_set(error, ERROR_INTERNAL, "%s %s is registered twice", service->name,
                         operation->name);
    return true;
}

static bool add_operations(GHashTable *table, const struct shape_service *shape,
                           const struct service *owner, const struct operation *list, size_t count,
                           GError **error)
{
    for (size_t i = 0; i < count; i++)
        if (!add_operation(table, shape, owner, &list[i], error))
            return false;
    return true;
}

static bool add_service(struct operations *operations, const struct service *service,
                        GError **error)
{
    const struct shape_service *shape = shape_service_find(service->name);
    if (!shape)
        return error_set(error, ERROR_INTERNAL, "no shapes are compiled in for the service %s",
                         service->name);
    GHashTable *table = g_hash_table_lookup(operations->services, service->name);
    if (!table) {
        table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
        g_hash_table_insert(operations->services, (gpointer)shape->name, table);
    }
    if (!add_operations(table, shape, service, service->operations, service->count, error))
        return false;
    for (const struct kind *const *kind = service->kinds; kind && *kind; kind++)
        if (!add_operations(table, shape, service, (*kind)->operations, (*kind)->count, error))
            return false;
    return true;
}

struct operations *operations_new(struct lathe *lathe, struct store *store,
                                  const struct service *const *services, const char *account,
                                  GError **error)
{
    struct operations *operations = g_new0(struct operations, 1);
    operations->lathe = lathe;
    operations->account = g_strdup(account);
    operations->services =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_hash_table_unref);
    operations->patterns = patterns_new();
    operations->tokens = tokens_new(store);
    operations->given = services;
    for (; *services; services++) {
        if (!add_service(operations, *services, error)) {
            operations_free(operations);
            return NULL;
        }
    }
    return operations;
}

void operations_free(struct operations *operations)
{
    if (!operations)
        return;
    tokens_free(operations->tokens);
    patterns_free(operations->patterns);
    g_hash_table_unref(operations->services);
    g_free(operations->account);
    g_free(operations);
}

const char *operations_account(const struct operations *operations)
{
    return operations->account;
}

struct lathe *operations_lathe(const struct operations *operations)
{
    return operations->lathe;
}

const struct service *const *operations_services(const struct operations *operations)
{
    return operations->given;
}

static const struct registered *find(const struct operations *operations, const char *service,
                                     const char *name)
{
    GHashTable *table = g_hash_table_lookup(operations->services, service);
    return table ? g_hash_table_lookup(table, name) : NULL;
}

const struct operation *operation_find(const struct operations *operations, const char *service,
                                       const char *name)
{
    const struct registered *entry = find(operations, service, name);
    return entry ? entry->operation : NULL;
}

enum pace operation_pace(const struct operations *operations, const char *service,
                         const struct call_head *head)
{
    const struct registered *entry = find(operations, service, head->operation);
    if (entry->operation->flags & OPERATION_DECIDED)
        return entry->owner->pace(operations->lathe, head);
    return entry->operation->flags & OPERATION_QUICK ? PACE_QUICK : PACE_BLOCKING;
}

static bool fail_unknown(const char *service, const char *name, GError **error)
{
    const struct shape_service *known = shape_service_find(service);
    if (known && shape_operation_find(known, name))
        return error_set(error, ERROR_UNKNOWN_OPERATION, "%s's operation %s is not built in lathe",
                         service, name);
    return error_set(error, ERROR_UNKNOWN_OPERATION, "%s%s has no operation %s",
                     known ? "" : "unknown service: ", service, name);
}

/* Runs the operation, or answers from its first run where the request repeats a client token. */
static bool run_registered(const struct operations *operations, const struct registered *entry,
                           struct call *call, const json_t *request, struct reply *reply,
                           GError **error)
{
    const char *token =
        entry->token ? json_string_value(json_object_get(request, entry->token->name)) : NULL;
    if (!token)
        return entry->operation->run(call, request, reply, error);
    struct token_use *use =
        token_begin(operations->tokens, call, entry->token->name, request, &reply->output, error);
    if (!use)
        return false;
    if (reply->output)
        return token_end(use, NULL, error);
    call->token = use;
    if (!entry->operation->run(call, request, reply, error)) {
        token_end(use, NULL, NULL);
        return false;
    }
    if (!reply->output)
        reply->output = json_object();
    return token_end(use, reply->output, error);
}

static struct call call_of(const struct operations *operations, const struct registered *entry,
                           const struct call_context *context)
{
    return (struct call){
        .lathe = operations->lathe,
        .service = entry->service->name,
        .operation = entry->shape->name,
        .region = context->region ? context->region : DEFAULT_REGION,
        .account = operations->account,
        .request_id = context->request_id ? context->request_id : "",
        .within = context->within,
        .is_step = context->is_step,
        .body = context->body,
    };
}

static bool check_reply(const struct operations *operations, const struct registered *entry,
                        const struct reply *reply, GError **error)
{
#ifdef LATHE_CHECK_REPLIES
    g_autoptr(json_auto) read =
        reply->text ? json_parse(reply->text, strlen(reply->text), "the reply", error) : NULL;
    return (!reply->text || read) &&
           validate_reply(operations->patterns, entry->shape, read ? read : reply->output, error);
#else
    (void)operations;
    (void)entry;
    (void)reply;
    (void)error;
    return true;
#endif
}

bool operation_call(const struct operations *operations, const struct call_context *context,
                    const char *service, const char *name, const json_t *request,
                    struct reply *reply, GError **error)
{
    const struct registered *entry = find(operations, service, name);
    if (!entry)
        return fail_unknown(service, name, error);
    bool looks_up = entry->operation->flags & OPERATION_LOOKS_UP;
    g_autoptr(json_auto) normal = validate_request(looks_up ? NULL : operations->patterns,
                                                   entry->service, entry->shape, request, error);
    if (!normal)
        return false;
    struct call call = call_of(operations, entry, context);
    return run_registered(operations, entry, &call, normal, reply, error) &&
           check_reply(operations, entry, reply, error);
}

static operation_direct *direct_of(const struct registered *entry)
{
    const struct direct_operation *direct = entry ? entry->owner->direct : NULL;
    while (direct && direct->name && strcmp(direct->name, entry->operation->name) != 0)
        direct++;
    return direct ? direct->run : NULL;
}

enum operation_way operation_call_direct(const struct operations *operations,
                                         const struct call_context *context, const char *service,
                                         const char *name, GBytes *body, struct reply *reply,
                                         GError **error)
{
    const struct registered *entry = find(operations, service, name);
    operation_direct *run = direct_of(entry);
    if (!run)
        return OPERATION_GENERAL;
    gsize size;
    const char *text = g_bytes_get_data(body, &size);
    struct call call = call_of(operations, entry, context);
    enum operation_way way = run(&call, text, size, reply, error);
    bool fits = way != OPERATION_DONE || check_reply(operations, entry, reply, error);
    return fits ? way : OPERATION_FAILED;
}

bool call_remember(const struct call *call, struct store_connection *connection,
                   const json_t *answer, GError **error)
{
    return !call->token || token_remember(call->token, connection, answer, error);
}

void call_mark(const struct call *call, json_t *body)
{
    if (call->within)
        json_object_set_new(body, CALL_WITHIN, json_true());
}

void call_keep(const struct call *call, json_t *body)
{
    json_object_set_new(body, "Region", json_string(call->region));
    call_mark(call, body);
}

struct call_context call_kept(const json_t *body)
{
    return (struct call_context){
        .region = json_text_at(body, "Region"),
        .within = json_true_at(body, CALL_WITHIN),
    };
}

char *call_arn(const struct call *call, const char *kind, const char *name)
{
    return g_strdup_printf("arn:aws:%s:%s:%s:%s/%s", call->service, call->region, call->account,
                           kind, name);
}
