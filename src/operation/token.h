/* token.h: client tokens: a request repeated with its token gets the first answer, also while the
 * first is still under way. Inside src/operation only. */
#ifndef LATHE_OPERATION_TOKEN_H
#define LATHE_OPERATION_TOKEN_H

#include "operation/operation.h"

struct tokens;
struct token_use; /* one request's hold on its token */

struct tokens *tokens_new(struct store *store);
void tokens_free(struct tokens *tokens);

/* Waits while another request has the token named `member`; then *answer is that of the first
 * request, or NULL where this is the first. NULL and an error: the token came with another request
 * before, or the store failed. */
struct token_use *token_begin(struct tokens *tokens, const struct call *call, const char *member,
                              const json_t *request, json_t **answer, GError **error);
/* Remembers the answer within the change of the store that it tells of. Where that change fails,
 * the operation has to. */
bool token_remember(struct token_use *use, struct store_connection *connection,
                    const json_t *answer, GError **error);
/* Gives the token back; remembers the answer unless it is NULL (answered before, or failed), or has
 * been remembered. */
bool token_end(struct token_use *use, const json_t *answer, GError **error);

#endif
