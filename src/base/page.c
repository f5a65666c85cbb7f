#include "base/page.h"

#include <string.h>

#include "base/checksum.h"

/* So many of the digest's hexadecimal digits stand before the place. */
#define CHECK_DIGITS 16

static char *check_of(const char *listing, const char *place)
{
    g_autofree char *whole = g_strconcat(listing, "\n", place, NULL);
    char *check = checksum_hex_of(CHECKSUM_SHA256, whole, strlen(whole));
    check[CHECK_DIGITS] = '\0';
    return check;
}

char *page_token(const char *listing, const char *place)
{
    g_autofree char *check = check_of(listing, place);
    g_autofree char *plain = g_strconcat(check, place, NULL);
    return g_base64_encode((const guchar *)plain, strlen(plain));
}

/* What the token holds, if it is spelled as page_token spells it. */
static char *plain_of(const char *token)
{
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(token, &size);
    g_autofree char *spelled = g_base64_encode(bytes, size);
    bool whole = size >= CHECK_DIGITS && strcmp(spelled, token) == 0 &&
                 g_utf8_validate_len((const char *)bytes, size, NULL);
    return whole ? g_strndup((const char *)bytes, size) : NULL;
}

char *page_place(const char *listing, const char *token, enum error_code code, GError **error)
{
    g_autofree char *plain = plain_of(token);
    g_autofree char *check = plain ? check_of(listing, plain + CHECK_DIGITS) : NULL;
    if (check && strncmp(plain, check, CHECK_DIGITS) == 0)
        return g_strdup(plain + CHECK_DIGITS);
    error_set(error, code,
              "The specified token is invalid: '%.64s' is not one that this listing gave out as "
              "the next",
              token);
    return NULL;
}

char *page_token_at(const char *listing, gint64 position)
{
    g_autofree char *place = g_strdup_printf("%" G_GINT64_FORMAT, position);
    return page_token(listing, place);
}

bool page_position(const char *listing, const char *token, gint64 *position, enum error_code code,
                   GError **error)
{
    g_autofree char *place = page_place(listing, token, code, error);
    if (!place)
        return false;
    return g_ascii_string_to_signed(place, 10, 0, G_MAXINT64, position, NULL) ||
           error_set(error, code, "The specified token is invalid: its place is no position");
}

bool page_find(struct page *page, const char *listing, const char *token, size_t count,
               size_t limit, enum error_code code, GError **error)
{
    gint64 position = 0;
    if (token && *token && !page_position(listing, token, &position, code, error))
        return false;
    page->first = (size_t)MIN((guint64)position, count);
    page->end = page->first + MIN(limit, count - page->first);
    return true;
}

char *page_next(const struct page *page, const char *listing, size_t count)
{
    return page->end < count ? page_token_at(listing, (gint64)page->end) : NULL;
}

bool page_put(json_t **output, const char *member, const json_t *all,
              const struct page_listing *listing, const json_t *request, GError **error)
{
    struct page page;
    size_t count = json_array_size(all);
    size_t limit = (size_t)json_integer_at(request, "MaxResults", (gint64)listing->limit);
    if (!page_find(&page, listing->name, json_text_at(request, "NextToken"), count, limit,
                   listing->code, error))
        return false;
    json_t *found = json_array();
    for (size_t i = page.first; i < page.end; i++)
        json_array_append(found, json_array_get(all, i));
    *output = json_pack("{so}", member, found);
    g_autofree char *next = page_next(&page, listing->name, count);
    json_put(*output, "NextToken", next ? json_string(next) : NULL);
    return true;
}
