#include "flow/pipeline/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "flow/flows.h"
#include "store/resource.h"

#define PAGE 100

char *cache_key(const struct definition_step *step, const struct expression_scope *scope,
                GError **error)
{
    struct expression_scope without = *scope;
    without.execution = NULL;
    g_autoptr(json_auto) arguments = expression_resolve(step->arguments, &without, error);
    if (!arguments)
        return NULL;
    g_autoptr(json_auto) keyed = json_pack("[ssO]", step->service, step->operation, arguments);
    char *text = json_dumps(keyed, JSON_COMPACT | JSON_SORT_KEYS);
    char *key = checksum_hex_of(CHECKSUM_SHA256, text, strlen(text));
    free(text);
    return key;
}

/* A hit of a hit would keep a result alive for ever: only steps that did the work count. */
static const json_t *matching_entry(const struct resource *execution,
                                    const struct definition_step *step, const char *key)
{
    double oldest = clock_now() - step->cache_seconds;
    size_t i;
    const json_t *entry;
    json_array_foreach(json_object_get(execution->body, "Steps"), i, entry)
    {
        if (g_strcmp0(json_text_at(entry, "StepName"), step->name) == 0 &&
            g_strcmp0(json_text_at(entry, "StepStatus"), "Succeeded") == 0 &&
            g_strcmp0(json_text_at(entry, "CacheKey"), key) == 0 &&
            !json_object_get(entry, "CacheHitResult") &&
            json_number_at(entry, "EndTime", 0) >= oldest)
            return entry;
    }
    return NULL;
}

json_t *cache_find(struct store *store, const char *pipeline, const struct definition_step *step,
                   const char *key, GError **error)
{
    g_autofree char *token = NULL;
    double oldest = clock_now() - step->cache_seconds;
    do {
        struct resource_query query = {.kind = FLOW_EXECUTION,
                                       .parent = pipeline,
                                       .modified_after = MAX(oldest, 0),
                                       .limit = PAGE,
                                       .token = token};
        char *next = NULL;
        g_autoptr(GPtrArray) executions = resource_list(store, &query, &next, error);
        g_free(token);
        token = next;
        for (guint i = 0; executions && i < executions->len; i++) {
            const struct resource *execution = g_ptr_array_index(executions, i);
            const json_t *entry = matching_entry(execution, step, key);
            if (!entry)
                continue;
            json_t *hit = json_deep_copy(entry);
            json_object_set_new(hit, "CacheHitResult",
                                json_pack("{ss}", "SourcePipelineExecutionArn", execution->arn));
            return hit;
        }
        if (!executions)
            return NULL;
    } while (token);
    return NULL;
}
