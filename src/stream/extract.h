/* extract.h: the partition keys of JSON records, by a query in jq 1.6, run in processes of their
 * own with limits of time and memory. */
#ifndef LATHE_STREAM_EXTRACT_H
#define LATHE_STREAM_EXTRACT_H

#include "base/json.h"

struct extractor;

/* argv: what to execute, ends with NULL; NULL: this program, as `lathe extract`. */
struct extractor *extractor_open(char *const *argv, GError **error);
void extractor_close(struct extractor *extractor);

/* Whether it is a query: ERROR_INVALID_ARGUMENT_EXCEPTION. */
bool extractor_check(struct extractor *extractor, const char *query, GError **error);

/* For each record (GBytes) its keys: an object of texts, none of them empty; or a text, why there
 * are none. NULL and an error where no process could be asked: another time it may. *slow counts
 * the records that took too much, over the calls of one delivery: behind a few, none is asked. */
json_t *extractor_run(struct extractor *extractor, const char *query, const GPtrArray *records,
                      unsigned *slow, GError **error);

/* The process's side. */
int extract_serve(void);

#endif
