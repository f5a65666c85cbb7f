/* Local files of a workflow, on their way to the lake before it starts. */
#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "wire/local.h"

#define SCHEME "file://"
/* What one request of the local door carries. */
#define LARGEST_FILE (48 << 20)

char *run_default_bucket(const char *pipeline)
{
    g_autofree char *lower = g_ascii_strdown(pipeline, 50);
    g_strcanon(lower, "abcdefghijklmnopqrstuvwxyz0123456789-", '-');
    g_autofree char *bucket = g_strconcat("lathe-", lower, NULL);
    size_t length = strlen(bucket);
    while (length > strlen("lathe") && bucket[length - 1] == '-')
        bucket[--length] = '\0';
    return g_steal_pointer(&bucket);
}

static bool is_there(const char *bucket, const char *key)
{
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", bucket, "Key", key);
    g_autoptr(json_auto) head = cli_ask("s3", "HeadObject", request, NULL);
    return head != NULL;
}

void run_make_bucket(const char *bucket)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "Bucket", bucket);
    g_autoptr(json_auto) present = cli_ask("s3", "HeadBucket", request, NULL);
    g_autoptr(json_auto) created = present ? NULL : cli_ask("s3", "CreateBucket", request, NULL);
}

static bool put(const char *bucket, const char *key, GBytes *bytes, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ssss}", "Bucket", bucket, "Key", key);
    run_make_bucket(bucket);
    g_autoptr(json_auto) reply =
        local_call(cli_home(), "s3", "PutObject", request, bytes, NULL, error);
    return reply != NULL;
}

/* The URI of the uploaded file, g_free. Equal bytes are uploaded once. */
static char *upload(const char *path, const char *bucket, GError **error)
{
    char *text;
    gsize size;
    if (!g_file_get_contents(path, &text, &size, error))
        return NULL;
    g_autoptr(GBytes) bytes = g_bytes_new_take(text, size);
    if (size > LARGEST_FILE) {
        error_set(error, ERROR_ENTITY_TOO_LARGE,
                  "%s has %zu bytes; files of a workflow may have %d: put it into a bucket and "
                  "name it by its s3:// URI",
                  path, size, LARGEST_FILE);
        return NULL;
    }
    g_autofree char *digest = checksum_hex_of(CHECKSUM_SHA256, text, size);
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *key = g_strdup_printf("files/%s/%s", digest, name);
    if (!is_there(bucket, key) && !put(bucket, key, bytes, error))
        return NULL;
    return g_strdup_printf("s3://%s/%s", bucket, key);
}

static bool replace_text(json_t **value, const char *folder, const char *bucket, GError **error)
{
    const char *text = json_string_value(*value);
    if (!g_str_has_prefix(text, SCHEME))
        return true;
    /* The next one wants it whole. */
    g_autofree char *base = folder ? g_canonicalize_filename(folder, NULL) : NULL;
    g_autofree char *path = g_canonicalize_filename(text + strlen(SCHEME), base);
    g_autofree char *uri = upload(path, bucket, error);
    if (!uri) {
        g_prefix_error(error, "%s: ", text);
        return false;
    }
    json_decref(*value);
    *value = json_string(uri);
    return true;
}

bool run_upload_files(json_t **value, const char *folder, const char *bucket, GError **error)
{
    if (json_is_string(*value))
        return replace_text(value, folder, bucket, error);
    const char *name;
    void *next;
    json_t *member;
    json_object_foreach_safe(*value, next, name, member)
    {
        json_t *replaced = json_incref(member);
        bool done = run_upload_files(&replaced, folder, bucket, error);
        json_object_set_new(*value, name, replaced);
        if (!done)
            return false;
    }
    for (size_t i = 0; i < json_array_size(*value); i++) {
        json_t *replaced = json_incref(json_array_get(*value, i));
        bool done = run_upload_files(&replaced, folder, bucket, error);
        json_array_set_new(*value, i, replaced);
        if (!done)
            return false;
    }
    return true;
}
