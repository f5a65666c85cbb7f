#include "operation/shape.h"

#include <stdlib.h>
#include <string.h>

const struct shape_service *shape_service_find(const char *name)
{
    for (size_t i = 0; shape_services[i]; i++)
        if (strcmp(shape_services[i]->name, name) == 0)
            return shape_services[i];
    return NULL;
}

const struct shape_service *shape_service_by_target(const char *prefix, size_t length)
{
    for (size_t i = 0; shape_services[i]; i++) {
        const char *target = shape_services[i]->target_prefix;
        if (target && strlen(target) == length && memcmp(target, prefix, length) == 0)
            return shape_services[i];
    }
    return NULL;
}

static int compare_operation(const void *name, const void *operation)
{
    return strcmp(name, ((const struct shape_operation *)operation)->name);
}

const struct shape_operation *shape_operation_find(const struct shape_service *service,
                                                   const char *name)
{
    return bsearch(name, service->operations, service->operation_count, sizeof *service->operations,
                   compare_operation);
}

const struct shape_member *shape_member_find(const struct shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->member_count; i++)
        if (strcmp(shape->members[i].name, name) == 0)
            return &shape->members[i];
    return NULL;
}

const struct shape_member *shape_payload(const struct shape *shape)
{
    for (size_t i = 0; i < shape->member_count; i++)
        if (shape->members[i].flags & (MEMBER_STREAM | MEMBER_PAYLOAD))
            return &shape->members[i];
    return NULL;
}

bool shape_need_is(const char *need, const char *parameter)
{
    size_t length = strlen(parameter);
    return *need == '?' && strncmp(need + 1, parameter, length) == 0 &&
           (need[1 + length] == '=' || !need[1 + length]);
}
