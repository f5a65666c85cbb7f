#include "operation/kind.h"

#include <string.h>

#include "operation/operation.h"
#include "operation/shape.h"

const struct kind *kind_at(const struct service *const *services, size_t index)
{
    for (; *services; services++)
        for (const struct kind *const *kind = (*services)->kinds; kind && *kind; kind++)
            if (index-- == 0)
                return *kind;
    return NULL;
}

const struct kind *kind_of_word(const struct service *const *services, const char *word)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++)
        if (strcmp(kind->word, word) == 0)
            return kind;
    return NULL;
}

const struct kind *kind_begun_by(const struct service *const *services, const char *service,
                                 const char *operation)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++)
        if (strcmp(kind->service, service) == 0 &&
            (g_strcmp0(kind->create, operation) == 0 || g_strcmp0(kind->update, operation) == 0))
            return kind;
    return NULL;
}

const struct kind *kind_of_step(const struct service *const *services, const char *step)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++)
        if (g_strcmp0(kind->step, step) == 0)
            return kind;
    return NULL;
}

bool kind_waits(const struct kind *kind)
{
    return kind->good[0] != NULL;
}

static bool is_among(const char *const *statuses, const char *status)
{
    for (size_t i = 0; i < KIND_STATUSES && statuses[i]; i++)
        if (strcmp(statuses[i], status) == 0)
            return true;
    return false;
}

enum kind_outcome kind_outcome(const struct kind *kind, const char *status)
{
    if (!kind_waits(kind) || (status && is_among(kind->good, status)))
        return KIND_GOOD;
    if (status && is_among(kind->bad, status))
        return KIND_BAD;
    return status && is_among(kind->stopped, status) ? KIND_STOPPED : KIND_GOES_ON;
}

static const char *described_by(const struct kind *kind)
{
    return kind->described_by ? kind->described_by : kind->name;
}

json_t *kind_describe_request(const struct kind *kind, const json_t *request, const json_t *reply)
{
    const char *name =
        kind->named_by_reply ? json_text_at(reply, kind->arn) : json_text_at(request, kind->name);
    return name ? json_pack("{ss}", described_by(kind), name) : NULL;
}

const char *kind_name_in(const struct kind *kind, const json_t *describe_request)
{
    const char *name = json_text_at(describe_request, described_by(kind));
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* ---- what is told of it ---- */

static const struct shape *reply_shape(const struct kind *kind, const char *operation)
{
    const struct shape_service *service = shape_service_find(kind->service);
    const struct shape_operation *found =
        service && operation ? shape_operation_find(service, operation) : NULL;
    return found ? found->output : NULL;
}

static void fit(const struct shape *shape, json_t *value)
{
    const char *name;
    json_t *member;
    void *next;
    json_object_foreach_safe(value, next, name, member)
    {
        if (!shape || !shape_member_find(shape, name))
            json_object_del(value, name);
    }
}

void kind_fit_description(const struct kind *kind, json_t *description)
{
    fit(reply_shape(kind, kind->describe), description);
}

/* The shape of the entries of a list that an operation answers. */
static const struct shape *entry_shape(const struct kind *kind, const char *operation,
                                       const char *list)
{
    const struct shape *reply = reply_shape(kind, operation);
    const struct shape_member *member = reply ? shape_member_find(reply, list) : NULL;
    return member ? member->shape->members[0].shape : NULL;
}

void kind_fit_summary(const struct kind *kind, json_t *summary)
{
    fit(entry_shape(kind, kind->list, kind->summaries), summary);
}

const char *kind_record(const struct kind *kind)
{
    return kind->record ? kind->record : kind->noun;
}

void kind_fit_result(const struct kind *kind, json_t *result)
{
    const struct shape *record = entry_shape(kind, "Search", "Results");
    const struct shape_member *member =
        record ? shape_member_find(record, kind_record(kind)) : NULL;
    fit(member ? member->shape : NULL, result);
}
