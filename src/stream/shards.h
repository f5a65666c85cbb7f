/* shards.h: the shards of a data stream: ranges of hash keys, which split and merge, and the
 * numbers of records between which each was open. */
#ifndef LATHE_STREAM_SHARDS_H
#define LATHE_STREAM_SHARDS_H

#include "base/json.h"

/* A partition key's MD5, or a number that a record brings. */
__extension__ typedef unsigned __int128 hash_key;
#define HASH_KEY_LAST (~(hash_key)0)
#define SHARD_NONE G_MAXUINT32

hash_key hash_key_of(const char *partition_key);
/* Decimal digits; false where they are none, or too great a number. */
bool hash_key_parse(const char *digits, hash_key *key);
char *hash_key_text(hash_key key); /* g_free */

struct shard {
    guint32 id;
    guint32 parent, adjacent; /* that it came of; SHARD_NONE */
    hash_key start, end;      /* both belong to it */
    guint64 first, last;      /* its records' numbers lie between them; last 0: it is open */
    double opened, closed;    /* seconds since 1970; closed 0: it is open */
};

/* The shards of one stream, in order of their ids. Each beginning and end takes a number that no
 * record has. */
struct shards {
    GArray *all;  /* struct shard */
    guint64 next; /* the next number, of a record or of a shard's beginning or end */
};
/* So many of equal width. */
struct shards *shards_new(guint count, double now);
struct shards *shards_copy(const struct shards *shards);
struct shards *
shards_ref(struct shards *shards); /* the same: whoever shares them changes nothing */
void shards_free(struct shards *shards);
typedef struct shards shards_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(shards_auto, shards_free)

/* As the store keeps them. */
json_t *shards_to_json(const struct shards *shards);
struct shards *shards_from_json(const json_t *json);

guint shards_open(const struct shards *shards); /* how many are */
/* NULL where there is none. */
const struct shard *shards_find(const struct shards *shards, guint32 id);
/* The open one whose range has the key. */
const struct shard *shards_of_key(const struct shards *shards, hash_key key);

#define SHARD_FORMAT "shardId-%012u"
/* "shardId-000000000007", g_free; and back. */
char *shard_name(guint32 id);
bool shard_parse(const char *name, guint32 *id);

/* Closes an open shard, and opens two in its place: the second begins at the key, which is behind
 * the first's beginning. */
void shards_split(struct shards *shards, guint32 id, hash_key at, double now);
/* Closes two open shards whose ranges adjoin, and opens one in their place. */
void shards_merge(struct shards *shards, guint32 id, guint32 adjacent, double now);
bool shards_adjoin(const struct shard *one, const struct shard *other);
/* Splits and merges until there are so many open ones of equal width. */
void shards_resize(struct shards *shards, guint count, double now);
/* Forgets those that were closed before `horizon`; the last one's id stays known. */
void shards_expire(struct shards *shards, double horizon);

#endif
