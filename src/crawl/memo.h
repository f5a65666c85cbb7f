/* memo.h: what was found in objects, so that nobody reads them again: an object's id stands for its
 * bytes. A file of the cache that may be removed at any time; with other classifiers it says
 * nothing. */
#ifndef LATHE_CRAWL_MEMO_H
#define LATHE_CRAWL_MEMO_H

#include "base/json.h"

/* Schemas by numbers, each once; and which object has which. */
struct memo;

/* path: of the file; NULL: none is read or written. key: what else the findings depend on. */
struct memo *memo_open(const char *path, const char *key);
void memo_free(struct memo *memo);

/* What became of an object. */
struct finding {
    int schema;          /* -1: none */
    const char *refused; /* the name of its format, where that is not read; or NULL */
    gint64 record_size;  /* 0: not known */
    bool gzip;
};
/* False where the object is new. */
bool memo_get(const struct memo *memo, const char *id, struct finding *finding);
/* schema: what classify gave, taken; or NULL. */
void memo_put(struct memo *memo, const char *id, json_t *schema, const char *refused, bool gzip);
/* Borrowed. */
const json_t *memo_schema(const struct memo *memo, int number);

/* Writes it anew, where something was put, with those objects alone that were asked for or put. */
void memo_save(const struct memo *memo);

#endif
