/* page.h: pages of listings, and the tokens by which a client asks for the next one.
 *
 * A token holds the place where a page ended. It is bound to the listing that gave it out and
 * carries a checksum, so that one that is made up, cut, or another listing's is refused instead of
 * being read as some place. It is no secret: what a place may mean is still its reader's to check.
 *
 * A listing is named by any text: the operation's name, with whatever else a place depends on. */
#ifndef LATHE_BASE_PAGE_H
#define LATHE_BASE_PAGE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

/* The token for a place of the listing; g_free. */
char *page_token(const char *listing, const char *place);
/* The place, g_free; NULL and `code` where the token is none of this listing's. */
char *page_place(const char *listing, const char *token, enum error_code code, GError **error);

/* For listings whose places are positions in an array. */
struct page {
    size_t first, end; /* first <= end <= count */
};

/* The page of at most `limit` elements from the token on (NULL or "": from the start). */
bool page_find(struct page *page, const char *listing, const char *token, size_t count,
               size_t limit, enum error_code code, GError **error);
/* The next page's token, g_free, or NULL where this one is the last. */
char *page_next(const struct page *page, const char *listing, size_t count);

/* For those that are a JSON array, whose request has NextToken and MaxResults. */
struct page_listing {
    const char *name;
    size_t limit;         /* where the request has none */
    enum error_code code; /* of a token that is none of this listing's */
};

/* Makes *output {member: the page of `all`, "NextToken": where there is more}. */
bool page_put(json_t **output, const char *member, const json_t *all,
              const struct page_listing *listing, const json_t *request, GError **error);

/* A position alone. */
char *page_token_at(const char *listing, gint64 position);
bool page_position(const char *listing, const char *token, gint64 *position, enum error_code code,
                   GError **error);

#endif
