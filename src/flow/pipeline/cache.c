#include "flow/pipeline/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "flow/pipeline/pipeline.h"
#include "store/entry.h"
#include "store/resource.h"

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

char *cache_word(const char *pipeline, const struct definition_step *step, const char *key)
{
    return g_strdup_printf("%s/%s/%s", pipeline, step->name, key);
}

/* A hit of a hit would keep a result alive for ever: only steps that did the work count. */
static bool is_usable(const json_t *entry, double oldest)
{
    return g_strcmp0(json_text_at(entry, "StepStatus"), "Succeeded") == 0 &&
           !json_object_get(entry, "CacheHitResult") &&
           json_number_at(entry, "EndTime", 0) >= oldest;
}

static json_t *hit_of(struct store *store, const struct entry *entry, GError **error)
{
    g_autoptr(resource_auto) execution =
        resource_get(store, PIPELINE_EXECUTION, entry->owner, error);
    if (!execution)
        return NULL;
    json_t *hit = json_deep_copy(entry->body);
    json_object_set_new(hit, "CacheHitResult",
                        json_pack("{ss}", "SourcePipelineExecutionArn", execution->arn));
    return hit;
}

json_t *cache_find(struct store *store, const char *pipeline, const struct definition_step *step,
                   const char *key, double now, GError **error)
{
    g_autofree char *word = cache_word(pipeline, step, key);
    g_autoptr(GPtrArray) entries = entry_find(store, PIPELINE_EXECUTION, word, error);
    for (guint i = 0; entries && i < entries->len; i++) {
        const struct entry *entry = g_ptr_array_index(entries, i);
        if (is_usable(entry->body, now - step->cache_seconds))
            return hit_of(store, entry, error);
    }
    return NULL;
}
