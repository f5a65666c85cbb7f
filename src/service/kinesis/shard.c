/* Shards: listing, splitting, merging. */
#include <string.h>

#include "base/page.h"
#include "service/kinesis/kinesis_inside.h"

#define LISTING "kinesis ListShards"
#define LIST_PAGE 1000
#define ACCOUNT_LIMIT 500 /* open shards */

const struct shard *kinesis_shard(const struct call *call, const char *stream,
                                  const struct shards *shards, const char *name, GError **error)
{
    guint32 id;
    const struct shard *shard = shard_parse(name, &id) ? shards_find(shards, id) : NULL;
    if (!shard)
        error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                  "Could not find shard %s in stream %s under account %s.", name, stream,
                  call->account);
    return shard;
}

/* ---- telling ---- */

static void put_name(json_t *shown, const char *member, guint32 id)
{
    g_autofree char *name = shard_name(id);
    if (id != SHARD_NONE)
        json_object_set_new(shown, member, json_string(name));
}

static void put_number(json_t *range, const char *member, gint64 origin, guint64 number,
                       guint32 shard)
{
    g_autofree char *text = sequence_text(origin, number, shard);
    if (number)
        json_object_set_new(range, member, json_string(text));
}

static json_t *show(const struct resource *stream, const struct shard *shard)
{
    g_autofree char *start = hash_key_text(shard->start);
    g_autofree char *end = hash_key_text(shard->end);
    json_t *numbers = json_object(), *shown = json_object();
    put_name(shown, "ShardId", shard->id);
    put_name(shown, "ParentShardId", shard->parent);
    put_name(shown, "AdjacentParentShardId", shard->adjacent);
    put_number(numbers, "StartingSequenceNumber", kinesis_origin(stream), shard->first, shard->id);
    put_number(numbers, "EndingSequenceNumber", kinesis_origin(stream), shard->last, shard->id);
    json_object_set_new(shown, "HashKeyRange",
                        json_pack("{ssss}", "StartingHashKey", start, "EndingHashKey", end));
    json_object_set_new(shown, "SequenceNumberRange", numbers);
    return shown;
}

json_t *kinesis_shards_page(const struct resource *stream, const struct shards *shards,
                            const char *after, size_t most,
                            bool (*wanted)(const struct shard *shard, const void *data),
                            const void *data, bool *more)
{
    json_t *page = json_array();
    *more = false;
    for (guint i = 0; i < shards->all->len && !*more; i++) {
        const struct shard *shard = &g_array_index(shards->all, struct shard, i);
        g_autofree char *name = shard_name(shard->id);
        if ((after && strcmp(name, after) <= 0) || (wanted && !wanted(shard, data)))
            continue;
        *more = json_array_size(page) == most;
        if (!*more)
            json_array_append_new(page, show(stream, shard));
    }
    return page;
}

/* ---- ListShards ---- */

/* What a token carries from page to page. */
struct listing {
    char *stream, *after; /* g_free; after: NULL */
    char *filter;         /* "AT_LATEST"; NULL: all */
    double time;          /* of the filter */
};

static void clear_listing(struct listing *listing)
{
    g_free(listing->stream);
    g_free(listing->after);
    g_free(listing->filter);
}

static double time_of_filter(const struct call *call, const struct resource *stream,
                             const struct listing *listing)
{
    if (listing->filter && g_str_has_suffix(listing->filter, "_TIMESTAMP"))
        return listing->time;
    return clock_wall(call->lathe->clock) - json_number_at(stream->body, "Hours", 0) * 3600;
}

struct filter {
    const char *type;
    double time;
};

static bool is_listed(const struct shard *shard, const void *data)
{
    const struct filter *filter = data;
    if (g_strcmp0(filter->type, "AT_LATEST") == 0)
        return !shard->last;
    bool lived = !shard->last || shard->closed >= filter->time;
    bool at = g_strcmp0(filter->type, "AT_TRIM_HORIZON") == 0 ||
              g_strcmp0(filter->type, "AT_TIMESTAMP") == 0;
    /* The first ones are there at the horizon of a stream that is younger than it. */
    return lived && (!at || shard->opened <= filter->time || shard->parent == SHARD_NONE);
}

static char *token_of(const struct call *call, const struct listing *listing, const char *after)
{
    g_autofree char *text =
        g_strdup_printf("%" G_GINT64_FORMAT " %s %s %s %.3f", kinesis_now(call), listing->stream,
                        after, listing->filter ? listing->filter : "-", listing->time);
    return page_token(LISTING, text);
}

static bool take_token(const struct call *call, const char *token, struct listing *listing,
                       GError **error)
{
    g_autofree char *place = page_place(LISTING, token, ERROR_INVALID_ARGUMENT_EXCEPTION, error);
    if (!place)
        return false;
    g_auto(GStrv) words = g_strsplit(place, " ", 5);
    if (kinesis_now(call) - g_ascii_strtoll(words[0], NULL, 10) > KINESIS_ITERATOR_MILLIS)
        return error_set(error, ERROR_EXPIRED_NEXT_TOKEN,
                         "The specified pagination token is older than %d seconds.",
                         KINESIS_ITERATOR_MILLIS / 1000);
    listing->stream = g_strdup(words[1]);
    listing->after = g_strdup(words[2]);
    listing->filter = strcmp(words[3], "-") == 0 ? NULL : g_strdup(words[3]);
    listing->time = g_ascii_strtod(words[4], NULL);
    return true;
}

static bool take_filter(const json_t *request, struct listing *listing, GError **error)
{
    const char *type = json_text_at(request, "ShardFilter.Type");
    const char *after = json_text_at(request, "ShardFilter.ShardId");
    bool by_time = type && g_str_has_suffix(type, "_TIMESTAMP");
    bool by_id = g_strcmp0(type, "AFTER_SHARD_ID") == 0;
    if (by_time && !json_at(request, "ShardFilter.Timestamp"))
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "ShardFilter: Timestamp must be provided with the type %s.", type);
    if (by_id && !after)
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "ShardFilter: ShardId must be provided with the type %s.", type);
    if (by_id && json_object_get(request, "ExclusiveStartShardId"))
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "ExclusiveStartShardId and a ShardFilter of the type %s say the same; "
                         "one of them is to be given.",
                         type);
    listing->after = g_strdup(by_id ? after : json_text_at(request, "ExclusiveStartShardId"));
    listing->filter = by_id ? NULL : g_strdup(type);
    listing->time = json_number_at(request, "ShardFilter.Timestamp", 0);
    return true;
}

static bool take_listing(const struct call *call, const json_t *request, struct listing *listing,
                         GError **error)
{
    static const char *const alone[] = {"StreamName", "StreamARN", "ExclusiveStartShardId",
                                        "ShardFilter", "StreamCreationTimestamp"};
    const char *token = json_text_at(request, "NextToken");
    if (!token) {
        listing->stream = g_strdup(kinesis_name(request, error));
        return listing->stream && take_filter(request, listing, error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(alone); i++)
        if (json_object_get(request, alone[i]))
            return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                             "NextToken and %s cannot be provided together.", alone[i]);
    return take_token(call, token, listing, error);
}

bool kinesis_was_created_then(const struct resource *stream, const json_t *request)
{
    const json_t *time = json_object_get(request, "StreamCreationTimestamp");
    return !time || (gint64)json_number_value(time) == (gint64)stream->created;
}

static bool list(const struct call *call, const json_t *request, const struct listing *listing,
                 struct reply *reply, GError **error)
{
    g_autoptr(json_auto) named = json_pack("{ssss*}", "StreamName", listing->stream, "StreamId",
                                           json_text_at(request, "StreamId"));
    g_autoptr(resource_auto) stream = kinesis_get(call, named, error);
    if (!stream)
        return false;
    if (!kinesis_was_created_then(stream, request))
        return kinesis_missing(call, listing->stream, error);
    g_autoptr(shards_auto) shards = shards_from_json(json_object_get(stream->body, "Shards"));
    struct filter filter = {listing->filter, time_of_filter(call, stream, listing)};
    bool more;
    json_t *page = kinesis_shards_page(stream, shards, listing->after,
                                       (size_t)json_integer_at(request, "MaxResults", LIST_PAGE),
                                       is_listed, &filter, &more);
    reply->output = json_pack("{so}", "Shards", page);
    size_t last = json_array_size(page) - 1;
    g_autofree char *token =
        more ? token_of(call, listing, json_text_at(json_array_get(page, last), "ShardId")) : NULL;
    json_put(reply->output, "NextToken", token ? json_string(token) : NULL);
    return true;
}

bool list_shards(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    struct listing listing = {0};
    bool listed =
        take_listing(call, request, &listing, error) && list(call, request, &listing, reply, error);
    clear_listing(&listing);
    return listed;
}

/* ---- limits ---- */

static bool count_open(const struct call *call, gint64 *open, gint64 *on_demand, GError **error)
{
    struct resource_query query = {.kind = DATA_STREAM_KIND};
    g_autoptr(GPtrArray) all = resource_list(call->lathe->store, &query, NULL, error);
    *open = *on_demand = 0;
    for (guint i = 0; all && i < all->len; i++) {
        const struct resource *stream = g_ptr_array_index(all, i);
        g_autoptr(shards_auto) shards = shards_from_json(json_object_get(stream->body, "Shards"));
        *open += shards_open(shards);
        *on_demand += g_strcmp0(json_text_at(stream->body, "Mode"), "ON_DEMAND") == 0;
    }
    return all != NULL;
}

bool kinesis_check_limit(const struct call *call, gint64 more, GError **error)
{
    gint64 open, on_demand;
    if (!count_open(call, &open, &on_demand, error))
        return false;
    return open + more <= ACCOUNT_LIMIT ||
           error_set(error, ERROR_LIMIT_EXCEEDED_EXCEPTION,
                     "This request would exceed the shard limit for the account %s in %s. Current "
                     "shard count for the account: %" G_GINT64_FORMAT
                     ". Limit: %d. Number of additional shards that would have resulted from this "
                     "request: %" G_GINT64_FORMAT ".",
                     call->account, call->region, open, ACCOUNT_LIMIT, more);
}

bool describe_limits(const struct call *call, const json_t *request, struct reply *reply,
                     GError **error)
{
    (void)request;
    gint64 open, on_demand;
    if (!count_open(call, &open, &on_demand, error))
        return false;
    reply->output =
        json_pack("{sIsIsIsI}", "ShardLimit", (json_int_t)ACCOUNT_LIMIT, "OpenShardCount",
                  (json_int_t)open, "OnDemandStreamCount", (json_int_t)on_demand,
                  "OnDemandStreamCountLimit", (json_int_t)ACCOUNT_LIMIT / 4);
    return true;
}

/* ---- splitting and merging ---- */

struct reshard {
    const struct call *call;
    const json_t *request;
    const char *stream;
    double now, horizon;
    bool (*change)(struct reshard *reshard, struct shards *shards, GError **error);
    struct shards *shards; /* what is to be saved */
    guint before, after;
};

static bool save(struct resource *stream, void *data, GError **error)
{
    (void)error;
    const struct reshard *reshard = data;
    json_object_set_new(stream->body, "Shards", shards_to_json(reshard->shards));
    return true;
}

static bool change_and_save(struct shards *shards, void *data, GError **error)
{
    struct reshard *reshard = data;
    bool found = false;
    shards_expire(shards, reshard->horizon);
    reshard->shards = shards;
    if (!reshard->change(reshard, shards, error) ||
        !resource_update(reshard->call->lathe->store, DATA_STREAM_KIND, reshard->stream, save,
                         reshard, &found, error))
        return false;
    return found || kinesis_missing(reshard->call, reshard->stream, error);
}

static bool do_reshard(struct reshard *reshard, GError **error)
{
    g_autoptr(data_stream_auto) stream = kinesis_find(reshard->call, reshard->request, error);
    if (!stream)
        return false;
    reshard->stream = kinesis_name(reshard->request, NULL);
    reshard->now = clock_wall(reshard->call->lathe->clock);
    reshard->horizon = data_stream_horizon(stream);
    return data_stream_reshard(stream, change_and_save, reshard, error);
}

static const struct shard *open_shard(const struct reshard *reshard, const struct shards *shards,
                                      const char *member, GError **error)
{
    const char *name = json_text_at(reshard->request, member);
    const struct shard *shard = kinesis_shard(reshard->call, reshard->stream, shards, name, error);
    if (!shard || !shard->last)
        return shard;
    error_set(
        error, ERROR_INVALID_ARGUMENT_EXCEPTION,
        "Shard %s in stream %s under account %s has already been merged or split, and thus is "
        "not eligible for merging or splitting.",
        name, reshard->stream, reshard->call->account);
    return NULL;
}

static bool check_split(const struct reshard *reshard, const struct shard *shard, hash_key *at,
                        GError **error)
{
    const char *text = json_text_at(reshard->request, "NewStartingHashKey");
    if (hash_key_parse(text, at) && *at > shard->start && *at - shard->start > 1 &&
        *at < shard->end)
        return true;
    g_autofree char *start = hash_key_text(shard->start);
    g_autofree char *end = hash_key_text(shard->end);
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "NewStartingHashKey %s used in SplitShard() on shard %s in stream %s under "
                     "account %s is not both greater than one plus the shard's StartingHashKey %s "
                     "and less than the shard's EndingHashKey %s.",
                     text, json_text_at(reshard->request, "ShardToSplit"), reshard->stream,
                     reshard->call->account, start, end);
}

static bool split(struct reshard *reshard, struct shards *shards, GError **error)
{
    hash_key at;
    const struct shard *shard = open_shard(reshard, shards, "ShardToSplit", error);
    if (!shard || !check_split(reshard, shard, &at, error) ||
        !kinesis_check_limit(reshard->call, 1, error))
        return false;
    shards_split(shards, shard->id, at, reshard->now);
    return true;
}

bool split_shard(const struct call *call, const json_t *request, struct reply *reply,
                 GError **error)
{
    (void)reply;
    struct reshard reshard = {.call = call, .request = request, .change = split};
    return do_reshard(&reshard, error);
}

static bool merge(struct reshard *reshard, struct shards *shards, GError **error)
{
    const struct shard *one = open_shard(reshard, shards, "ShardToMerge", error);
    const struct shard *other =
        one ? open_shard(reshard, shards, "AdjacentShardToMerge", error) : NULL;
    if (!other)
        return false;
    if (!shards_adjoin(one, other))
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "Shards %s and %s in stream %s under account %s are not an adjacent pair "
                         "of shards eligible for merging.",
                         json_text_at(reshard->request, "ShardToMerge"),
                         json_text_at(reshard->request, "AdjacentShardToMerge"), reshard->stream,
                         reshard->call->account);
    shards_merge(shards, one->id, other->id, reshard->now);
    return true;
}

bool merge_shards(const struct call *call, const json_t *request, struct reply *reply,
                  GError **error)
{
    (void)reply;
    struct reshard reshard = {.call = call, .request = request, .change = merge};
    return do_reshard(&reshard, error);
}

static bool check_count(guint now, guint target, GError **error)
{
    bool up = target > now;
    if (up ? target <= 2 * now : 2 * target >= now)
        return true;
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "UpdateShardCount cannot scale %s your current open shard count. Current open "
                     "shard count: %u Target shard count: %u",
                     up ? "up over double" : "down below half", now, target);
}

static bool resize(struct reshard *reshard, struct shards *shards, GError **error)
{
    guint target = (guint)MIN(json_integer_at(reshard->request, "TargetShardCount", 1), G_MAXINT32);
    reshard->before = shards_open(shards);
    reshard->after = target;
    if (!check_count(reshard->before, target, error) ||
        (target > reshard->before &&
         !kinesis_check_limit(reshard->call, target - reshard->before, error)))
        return false;
    shards_resize(shards, target, reshard->now);
    return true;
}

bool update_shard_count(const struct call *call, const json_t *request, struct reply *reply,
                        GError **error)
{
    struct reshard reshard = {.call = call, .request = request, .change = resize};
    g_autoptr(resource_auto) stream = kinesis_get(call, request, error);
    if (!stream || !do_reshard(&reshard, error))
        return false;
    reply->output = json_pack("{sssssIsI}", "StreamName", stream->name, "StreamARN", stream->arn,
                              "CurrentShardCount", (json_int_t)reshard.before, "TargetShardCount",
                              (json_int_t)reshard.after);
    return true;
}
