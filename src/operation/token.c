#include "operation/token.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/checksum.h"
#include "store/resource.h"

struct tokens {
    struct store *store;
    pthread_mutex_t lock;
    pthread_cond_t given_back;
    GHashTable *held; /* "<scope> <token>" */
};

struct token_use {
    struct tokens *tokens;
    char *scope; /* the operation and the region: the same token elsewhere is another */
    char *token;
    char *held;
    char *digest; /* of the request without its token */
    bool remembered;
};

struct tokens *tokens_new(struct store *store)
{
    struct tokens *tokens = g_new0(struct tokens, 1);
    tokens->store = store;
    pthread_mutex_init(&tokens->lock, NULL);
    pthread_cond_init(&tokens->given_back, NULL);
    tokens->held = g_hash_table_new(g_str_hash, g_str_equal);
    return tokens;
}

void tokens_free(struct tokens *tokens)
{
    if (!tokens)
        return;
    g_hash_table_unref(tokens->held);
    pthread_cond_destroy(&tokens->given_back);
    pthread_mutex_destroy(&tokens->lock);
    g_free(tokens);
}

static char *request_digest(const json_t *request, const char *member)
{
    g_autoptr(json_auto) rest = json_copy((json_t *)request);
    json_object_del(rest, member);
    char *text = json_dumps(rest, JSON_COMPACT | JSON_SORT_KEYS);
    char *digest = checksum_hex_of(CHECKSUM_SHA256, text, strlen(text));
    free(text);
    return digest;
}

static void hold(struct token_use *use)
{
    struct tokens *tokens = use->tokens;
    pthread_mutex_lock(&tokens->lock);
    while (g_hash_table_contains(tokens->held, use->held))
        pthread_cond_wait(&tokens->given_back, &tokens->lock);
    g_hash_table_add(tokens->held, use->held);
    pthread_mutex_unlock(&tokens->lock);
}

static void give_back(struct token_use *use)
{
    struct tokens *tokens = use->tokens;
    pthread_mutex_lock(&tokens->lock);
    g_hash_table_remove(tokens->held, use->held);
    pthread_cond_broadcast(&tokens->given_back);
    pthread_mutex_unlock(&tokens->lock);
    g_free(use->scope);
    g_free(use->token);
    g_free(use->held);
    g_free(use->digest);
    g_free(use);
}

struct token_use *token_begin(struct tokens *tokens, const struct call *call, const char *member,
                              const json_t *request, json_t **answer, GError **error)
{
    struct token_use *use = g_new0(struct token_use, 1);
    use->tokens = tokens;
    use->scope = g_strdup_printf("%s.%s %s", call->service, call->operation, call->region);
    use->token = g_strdup(json_string_value(json_object_get(request, member)));
    use->held = g_strdup_printf("%s %s", use->scope, use->token);
    use->digest = request_digest(request, member);
    hold(use);

    GError *failure = NULL;
    g_autoptr(json_auto) first = store_token_get(tokens->store, use->scope, use->token, &failure);
    const char *digest = json_text_at(first, "Request");
    if (failure) {
        g_propagate_error(error, failure);
    } else if (first && g_strcmp0(digest, use->digest) != 0) {
        error_set(error, ERROR_VALIDATION,
                  "Idempotent parameters do not match: %s '%s' was used before with a different "
                  "%s request",
                  member, use->token, call->operation);
    } else {
        *answer = json_incref(json_object_get(first, "Answer"));
        return use;
    }
    give_back(use);
    return NULL;
}

static json_t *first_answer(const struct token_use *use, const json_t *answer)
{
    return json_pack("{s:s, s:O}", "Request", use->digest, "Answer", answer);
}

bool token_remember(struct token_use *use, struct store_connection *connection,
                    const json_t *answer, GError **error)
{
    g_autoptr(json_auto) first = first_answer(use, answer);
    use->remembered = store_token_put_within(connection, use->scope, use->token, first, error);
    return use->remembered;
}

bool token_end(struct token_use *use, const json_t *answer, GError **error)
{
    bool remembered = true;
    if (answer && !use->remembered) {
        g_autoptr(json_auto) first = first_answer(use, answer);
        remembered = store_token_put(use->tokens->store, use->scope, use->token, first, error);
    }
    give_back(use);
    return remembered;
}
