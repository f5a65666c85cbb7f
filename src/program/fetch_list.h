/* fetch_list.h: what a user wrote of what is to be fetched (src/fetch/README.md has an example). */
#ifndef LATHE_PROGRAM_FETCH_LIST_H
#define LATHE_PROGRAM_FETCH_LIST_H

#include "base/json.h"
#include "fetch/fetch.h"

/* The list of a specification, checked. name begins errors; base: the folder that paths of local
 * files are relative to, or NULL where such files are not read. */
struct fetch_list *fetch_list_read(const json_t *specification, const char *name, const char *base,
                                   GError **error);

/* Adds what one text names: an http(s) address, or a local file where base is not NULL. */
struct fetch_file *fetch_list_take(struct fetch_list *list, const char *source, const char *base,
                                   GError **error);

#endif
