#include "stream/shards.h"

#include <stdio.h>
#include <string.h>

#include "base/checksum.h"

/* ---- hash keys ---- */

hash_key hash_key_of(const char *partition_key)
{
    unsigned char digest[CHECKSUM_LONGEST];
    g_autoptr(checksum_auto) md5 = checksum_new(CHECKSUM_MD5);
    hash_key key = 0;
    checksum_update(md5, partition_key, strlen(partition_key));
    checksum_finish(md5, digest);
    for (int i = 0; i < 16; i++)
        key = key << 8 | digest[i];
    return key;
}

bool hash_key_parse(const char *digits, hash_key *key)
{
    *key = 0;
    for (const char *at = digits; *at; at++) {
        if (!g_ascii_isdigit(*at))
            return false;
        unsigned digit = (unsigned)(*at - '0');
        if (*key > (HASH_KEY_LAST - digit) / 10)
            return false;
        *key = *key * 10 + digit;
    }
    return *digits != '\0';
}

char *hash_key_text(hash_key key)
{
    char digits[40], *at = digits + sizeof digits;
    *--at = '\0';
    do
        *--at = (char)('0' + (int)(key % 10));
    while (key /= 10);
    return g_strdup(at);
}

/* ---- names ---- */

char *shard_name(guint32 id)
{
    return g_strdup_printf(SHARD_FORMAT, id);
}

bool shard_parse(const char *name, guint32 *id)
{
    guint64 number;
    if (!g_str_has_prefix(name, "shardId-") || strlen(name) != 20 ||
        !g_ascii_string_to_unsigned(name + 8, 10, 0, SHARD_NONE - 1, &number, NULL))
        return false;
    *id = (guint32)number;
    return true;
}

/* ---- finding ---- */

static struct shard *shard_at(const struct shards *shards, guint i)
{
    return &g_array_index(shards->all, struct shard, i);
}

guint shards_open(const struct shards *shards)
{
    guint count = 0;
    for (guint i = 0; i < shards->all->len; i++)
        count += !shard_at(shards, i)->last;
    return count;
}

static struct shard *find(const struct shards *shards, guint32 id)
{
    for (guint i = 0; i < shards->all->len; i++)
        if (shard_at(shards, i)->id == id)
            return shard_at(shards, i);
    return NULL;
}

const struct shard *shards_find(const struct shards *shards, guint32 id)
{
    return find(shards, id);
}

const struct shard *shards_of_key(const struct shards *shards, hash_key key)
{
    for (guint i = 0; i < shards->all->len; i++) {
        const struct shard *shard = shard_at(shards, i);
        if (!shard->last && shard->start <= key && key <= shard->end)
            return shard;
    }
    return NULL;
}

bool shards_adjoin(const struct shard *one, const struct shard *other)
{
    return (one->end != HASH_KEY_LAST && one->end + 1 == other->start) ||
           (other->end != HASH_KEY_LAST && other->end + 1 == one->start);
}

/* ---- opening and closing ---- */

static guint32 next_id(const struct shards *shards)
{
    return shards->all->len ? shard_at(shards, shards->all->len - 1)->id + 1 : 0;
}

static guint32 add(struct shards *shards, struct shard shard, double now)
{
    shard.id = next_id(shards);
    shard.first = shards->next++;
    shard.opened = now;
    g_array_append_val(shards->all, shard);
    return shard.id;
}

static struct shard shut(struct shards *shards, guint32 id, double now)
{
    struct shard *shard = find(shards, id);
    shard->last = shards->next++;
    shard->closed = now;
    return *shard;
}

/* Where the i-th of `count` equal ranges begins. */
static hash_key boundary(guint i, guint count)
{
    hash_key width = HASH_KEY_LAST / count, rest = HASH_KEY_LAST % count + 1;
    return width * i + rest * i / count;
}

static hash_key end_of(guint i, guint count)
{
    return i + 1 == count ? HASH_KEY_LAST : boundary(i + 1, count) - 1;
}

struct shards *shards_new(guint count, double now)
{
    struct shards *shards = g_atomic_rc_box_new(struct shards);
    shards->all = g_array_new(FALSE, TRUE, sizeof(struct shard));
    shards->next = 1;
    for (guint i = 0; i < count; i++)
        add(shards,
            (struct shard){.parent = SHARD_NONE,
                           .adjacent = SHARD_NONE,
                           .start = boundary(i, count),
                           .end = end_of(i, count)},
            now);
    return shards;
}

struct shards *shards_copy(const struct shards *shards)
{
    struct shards *copy = g_atomic_rc_box_new(struct shards);
    copy->all = g_array_copy(shards->all);
    copy->next = shards->next;
    return copy;
}

struct shards *shards_ref(struct shards *shards)
{
    return g_atomic_rc_box_acquire(shards);
}

static void clear(void *data)
{
    struct shards *shards = data;
    g_array_unref(shards->all);
}

void shards_free(struct shards *shards)
{
    if (shards)
        g_atomic_rc_box_release_full(shards, clear);
}

static guint32 split(struct shards *shards, guint32 id, hash_key at, double now)
{
    struct shard old = shut(shards, id, now);
    struct shard one = {.parent = id, .adjacent = SHARD_NONE, .start = old.start, .end = at - 1};
    struct shard two = {.parent = id, .adjacent = SHARD_NONE, .start = at, .end = old.end};
    add(shards, one, now);
    return add(shards, two, now);
}

void shards_split(struct shards *shards, guint32 id, hash_key at, double now)
{
    split(shards, id, at, now);
}

static guint32 merge(struct shards *shards, guint32 id, guint32 adjacent, double now)
{
    struct shard one = shut(shards, id, now), other = shut(shards, adjacent, now);
    struct shard both = {.parent = id,
                         .adjacent = adjacent,
                         .start = MIN(one.start, other.start),
                         .end = MAX(one.end, other.end)};
    return add(shards, both, now);
}

void shards_merge(struct shards *shards, guint32 id, guint32 adjacent, double now)
{
    merge(shards, id, adjacent, now);
}

/* One whose range is that, of the open ones that lie in it. */
static void join(struct shards *shards, hash_key start, hash_key end, double now)
{
    guint32 whole = shards_of_key(shards, start)->id;
    while (find(shards, whole)->end < end)
        whole = merge(shards, whole, shards_of_key(shards, find(shards, whole)->end + 1)->id, now);
}

void shards_resize(struct shards *shards, guint count, double now)
{
    for (guint i = 1; i < count; i++) {
        hash_key at = boundary(i, count);
        const struct shard *shard = shards_of_key(shards, at);
        if (shard->start != at)
            split(shards, shard->id, at, now);
    }
    for (guint i = 0; i < count; i++)
        join(shards, boundary(i, count), end_of(i, count), now);
}

void shards_expire(struct shards *shards, double horizon)
{
    for (guint i = shards->all->len; i-- > 0;) {
        const struct shard *shard = shard_at(shards, i);
        if (shard->last && shard->closed < horizon && i + 1 < shards->all->len)
            g_array_remove_index(shards->all, i);
    }
}

/* ---- as the store keeps them ---- */

static json_t *key_json(hash_key key)
{
    g_autofree char *text = hash_key_text(key);
    return json_string(text);
}

json_t *shards_to_json(const struct shards *shards)
{
    json_t *list = json_array();
    for (guint i = 0; i < shards->all->len; i++) {
        const struct shard *shard = shard_at(shards, i);
        json_array_append_new(
            list, json_pack("{sIsIsIsososIsIsfsf}", "Id", (json_int_t)shard->id, "Parent",
                            (json_int_t)shard->parent, "Adjacent", (json_int_t)shard->adjacent,
                            "Start", key_json(shard->start), "End", key_json(shard->end), "First",
                            (json_int_t)shard->first, "Last", (json_int_t)shard->last, "Opened",
                            shard->opened, "Closed", shard->closed));
    }
    return json_pack("{sIso}", "Next", (json_int_t)shards->next, "All", list);
}

static struct shard shard_from_json(const json_t *json)
{
    struct shard shard = {.id = (guint32)json_integer_at(json, "Id", 0),
                          .parent = (guint32)json_integer_at(json, "Parent", SHARD_NONE),
                          .adjacent = (guint32)json_integer_at(json, "Adjacent", SHARD_NONE),
                          .first = (guint64)json_integer_at(json, "First", 0),
                          .last = (guint64)json_integer_at(json, "Last", 0),
                          .opened = json_number_at(json, "Opened", 0),
                          .closed = json_number_at(json, "Closed", 0)};
    hash_key_parse(json_text_at(json, "Start"), &shard.start);
    hash_key_parse(json_text_at(json, "End"), &shard.end);
    return shard;
}

struct shards *shards_from_json(const json_t *json)
{
    struct shards *shards = shards_new(0, 0);
    shards->next = (guint64)json_integer_at(json, "Next", 1);
    const json_t *list = json_object_get(json, "All");
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct shard shard = shard_from_json(json_array_get(list, i));
        g_array_append_val(shards->all, shard);
    }
    return shards;
}
