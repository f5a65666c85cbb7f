/* What many of S3's requests carry: owners, checksums, conditions, sources of copies. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/page.h"
#include "service/home.h"
#include "service/s3/acl.h"

#define METADATA_LIMIT 2048 /* bytes of all names and values */

struct lake *s3_lake(const struct call *call)
{
    return call->lathe->lake;
}

const char *s3_text(const json_t *request, const char *member)
{
    const char *text = json_string_value(json_object_get(request, member));
    return text && *text ? text : NULL;
}

/* ---- what is refused ---- */

static bool check_owner(const struct call *call, const json_t *request, const char *member,
                        GError **error)
{
    const char *owner = s3_text(request, member);
    return !owner || strcmp(owner, call->account) == 0 ||
           error_set(error, ERROR_ACCESS_DENIED,
                     "Access Denied: %s is %s, and the bucket belongs to account %s", member, owner,
                     call->account);
}

/* What clients ask for by default (the SageMaker SDK sends aws:kms with its source) is recorded and
 * told back, as the README says: the lake's disk is what is to be encrypted. */
static bool check_encryption(const json_t *request, GError **error)
{
    static const char *const known[] = {"AES256", "aws:kms", "aws:kms:dsse", NULL};
    const char *encryption = s3_text(request, "ServerSideEncryption");
    bool kms = encryption && g_str_has_prefix(encryption, "aws:kms");
    if (!kms && (s3_text(request, "SSEKMSKeyId") || s3_text(request, "SSEKMSEncryptionContext")))
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Server Side Encryption with AWS KMS managed key requires HTTP header "
                         "x-amz-server-side-encryption : aws:kms");
    return !encryption || g_strv_contains(known, encryption) ||
           error_set(
               error, ERROR_INVALID_ARGUMENT,
               "The encryption method specified is not supported: \"%s\"; AES256, aws:kms and "
               "aws:kms:dsse are",
               encryption);
}

bool s3_check(const struct call *call, const json_t *request, GError **error)
{
    return check_owner(call, request, "ExpectedBucketOwner", error) &&
           check_owner(call, request, "ExpectedSourceBucketOwner", error) &&
           check_encryption(request, error);
}

/* ---- what comes back with an object ---- */

static json_t *lower_case_names(const json_t *metadata, size_t *size)
{
    json_t *lower = json_object();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)metadata, name, value)
    {
        g_autofree char *key = g_ascii_strdown(name, -1);
        *size += strlen(name) + json_string_length(value);
        json_object_set(lower, key, value);
    }
    return lower;
}

static const char *const encryption_members[] = {
    "ServerSideEncryption", "SSEKMSKeyId", "SSEKMSEncryptionContext", "BucketKeyEnabled", NULL};

/* The encryption that a request says, or that its bucket was told to have by default. */
static void add_encryption(json_t *headers, const json_t *request, const json_t *settings)
{
    const json_t *rules = json_at(settings, "ServerSideEncryptionConfiguration."
                                            "ServerSideEncryptionConfiguration.Rules");
    const json_t *rule = json_array_get(rules, 0);
    const json_t *by_default = json_object_get(rule, "ApplyServerSideEncryptionByDefault");
    json_copy_members(headers, request, encryption_members);
    if (s3_text(request, "ServerSideEncryption") || !by_default)
        return;
    json_put(headers, "ServerSideEncryption",
             json_incref(json_object_get(by_default, "SSEAlgorithm")));
    json_put(headers, "SSEKMSKeyId", json_incref(json_object_get(by_default, "KMSMasterKeyID")));
    if (json_true_at(rule, "BucketKeyEnabled"))
        json_object_set_new(headers, "BucketKeyEnabled", json_true());
}

void s3_put_encryption(json_t *output, const json_t *headers)
{
    json_copy_members(output, headers, encryption_members);
}

/* What depends on the bucket's settings. */
static bool add_settled(json_t *headers, const struct call *call, const json_t *request,
                        GError **error)
{
    g_autoptr(json_auto) settings = lake_settings(s3_lake(call), s3_text(request, "Bucket"), error);
    if (!settings)
        return false;
    add_encryption(headers, request, settings);
    GError *failure = NULL;
    json_put(headers, "Grants", s3_grants_of(call, request, settings, &failure));
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

static bool check_redirect(const json_t *request, GError **error)
{
    const char *to = s3_text(request, "WebsiteRedirectLocation");
    return !to || *to == '/' || g_str_has_prefix(to, "http://") ||
           g_str_has_prefix(to, "https://") ||
           error_set(error, ERROR_INVALID_REDIRECT,
                     "The website redirect location must have a prefix of 'http://' or 'https://' "
                     "or '/'; it is \"%s\"",
                     to);
}

json_t *s3_headers(const struct call *call, const json_t *request, GError **error)
{
    static const char *const members[] = {
        "CacheControl", "ContentDisposition", "ContentEncoding",         "ContentLanguage",
        "Expires",      "StorageClass",       "WebsiteRedirectLocation", NULL};
    g_autoptr(json_auto) headers = json_object();
    json_copy_members(headers, request, members);
    if (!check_redirect(request, error) || !add_settled(headers, call, request, error))
        return NULL;
    const json_t *metadata = json_object_get(request, "Metadata");
    if (json_object_size(metadata)) {
        size_t size = 0;
        json_object_set_new(headers, "Metadata", lower_case_names(metadata, &size));
        if (size > METADATA_LIMIT) {
            error_set(error, ERROR_METADATA_TOO_LARGE,
                      "Your metadata headers exceed the maximum allowed metadata size: %zu of %d "
                      "bytes",
                      size, METADATA_LIMIT);
            return NULL;
        }
    }
    return g_steal_pointer(&headers);
}

void s3_put_headers(json_t *output, const struct lake_object *object, bool with_checksum)
{
    static const char *const kept[] = {"Grants", "SSEKMSEncryptionContext", NULL};
    const char *name;
    json_t *value;
    json_object_foreach(object->headers, name, value)
    {
        bool standard =
            strcmp(name, "StorageClass") == 0 && strcmp(json_string_value(value), "STANDARD") == 0;
        if (json_is_number(value)) { /* an Expires, which was kept as a time at first */
            g_autofree char *date = clock_http(json_number_value(value));
            json_object_set_new(output, name, json_string(date));
        } else if (!standard && !g_strv_contains(kept, name) &&
                   (with_checksum || !g_str_has_prefix(name, "Checksum")))
            json_object_set(output, name, value);
    }
}

json_t *s3_etag(const char *etag)
{
    return json_sprintf("\"%s\"", etag);
}

/* ---- checksums ---- */

char *s3_checksum_member(enum checksum_kind kind)
{
    return g_strconcat("Checksum", checksum_name(kind), NULL);
}

bool s3_algorithm(const json_t *request, const char *member, enum checksum_kind *kind, bool *given,
                  GError **error)
{
    const char *name = s3_text(request, member);
    *given = name != NULL;
    return !name || checksum_from_name(name, kind) ||
           error_set(error, ERROR_NOT_IMPLEMENTED,
                     "the checksum algorithm %s is not built; CRC32, CRC32C, CRC64NVME, MD5, SHA1, "
                     "SHA256 and SHA512 are",
                     name);
}

void s3_digests_clear(struct s3_digests *digests)
{
    g_clear_pointer(&digests->md5, g_free);
}

static bool read_md5(const json_t *request, struct s3_digests *digests, GError **error)
{
    const char *text = s3_text(request, "ContentMD5");
    if (!text)
        return true;
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    if (size != checksum_size(CHECKSUM_MD5))
        return error_set(error, ERROR_INVALID_DIGEST,
                         "The Content-MD5 you specified was invalid: \"%s\" is not 16 bytes in "
                         "base64",
                         text);
    digests->md5 = checksum_hex_text(bytes, size);
    return true;
}

static bool check_form(enum checksum_kind kind, const char *text, GError **error)
{
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(text, &size);
    g_autofree char *again = g_base64_encode(bytes, size);
    return (size == checksum_size(kind) && strcmp(again, text) == 0) ||
           error_set(error, ERROR_INVALID_REQUEST,
                     "Value for the %s checksum header is invalid: \"%s\" is not %zu bytes in "
                     "base64",
                     checksum_name(kind), text, checksum_size(kind));
}

bool s3_digests_read(const json_t *request, struct s3_digests *digests, GError **error)
{
    *digests = (struct s3_digests){.kind = CHECKSUM_CRC64NVME};
    if (!s3_algorithm(request, "ChecksumAlgorithm", &digests->kind, &digests->asked, error))
        return false;
    for (int kind = 0; kind < CHECKSUM_KINDS; kind++) {
        g_autofree char *member = s3_checksum_member((enum checksum_kind)kind);
        const char *expected = s3_text(request, member);
        if (!expected)
            continue;
        if (digests->expected)
            return error_set(error, ERROR_INVALID_REQUEST,
                             "Expecting a single x-amz-checksum- header. Multiple checksum Types "
                             "are not allowed.");
        if (!check_form((enum checksum_kind)kind, expected, error))
            return false;
        if (digests->asked && digests->kind != (enum checksum_kind)kind)
            return error_set(error, ERROR_INVALID_REQUEST,
                             "Value for x-amz-sdk-checksum-algorithm header is invalid: %s, where "
                             "the checksum is of %s",
                             checksum_name(digests->kind), checksum_name((enum checksum_kind)kind));
        digests->kind = (enum checksum_kind)kind;
        digests->asked = true;
        digests->expected = expected;
    }
    return read_md5(request, digests, error);
}

bool s3_digests_check(const struct s3_digests *digests, const struct lake_draft *draft,
                      GError **error)
{
    g_autofree char *md5 = lake_draft_md5(draft);
    if (digests->md5 && strcmp(digests->md5, md5) != 0)
        return error_set(error, ERROR_BAD_DIGEST,
                         "The Content-MD5 you specified did not match what we received: %s, not %s",
                         md5, digests->md5);
    if (!digests->expected)
        return true;
    g_autofree char *found = lake_draft_checksum(draft, digests->kind);
    return strcmp(found, digests->expected) == 0 ||
           error_set(error, ERROR_BAD_DIGEST,
                     "The %s you specified did not match the calculated checksum: %s, not %s",
                     checksum_name(digests->kind), found, digests->expected);
}

/* ---- conditions ---- */

static const json_t *condition(const json_t *request, const char *prefix, const char *name)
{
    g_autofree char *member = g_strconcat(prefix, name, NULL);
    return json_object_get(request, member);
}

static bool failed(GError **error, const char *name)
{
    return error_set(error, ERROR_PRECONDITION_FAILED,
                     "At least one of the pre-conditions you specified did not hold: %s", name);
}

/* RFC 9110, section 13.2.2: an ETag's condition goes before that of a date, which then counts for
 * nothing. */
bool s3_check_conditions(const json_t *request, const char *prefix,
                         const struct lake_object *object, GError **error)
{
    const char *if_match = json_string_value(condition(request, prefix, "IfMatch"));
    const json_t *unmodified = condition(request, prefix, "IfUnmodifiedSince");
    if (if_match && !lake_etag_matches(if_match, object->etag))
        return failed(error, "If-Match");
    if (!if_match && unmodified && object->modified > json_number_value(unmodified))
        return failed(error, "If-Unmodified-Since");

    const char *if_none_match = json_string_value(condition(request, prefix, "IfNoneMatch"));
    const json_t *modified = condition(request, prefix, "IfModifiedSince");
    bool unchanged = if_none_match ? lake_etag_matches(if_none_match, object->etag)
                                   : modified && object->modified <= json_number_value(modified);
    if (!unchanged)
        return true;
    return *prefix ? failed(error, if_none_match ? "If-None-Match" : "If-Modified-Since")
                   : error_set(error, ERROR_NOT_MODIFIED, "Not Modified");
}

/* ---- copies ---- */

char *s3_decode(const char *text)
{
    g_autofree char *spaced = g_strdelimit(g_strdup(text), "+", ' ');
    char *decoded = g_uri_unescape_string(spaced, NULL);
    if (decoded && g_utf8_validate(decoded, -1, NULL))
        return decoded;
    g_free(decoded);
    return NULL;
}

/* "bucket/key", percent-encoded in part or as a whole, maybe with a slash before and a version
 * behind. Clients in PHP and Ruby write a space as '+', and S3 reads it so. */
static bool parse_source(const char *source, char **bucket, char **key, char **version,
                         GError **error)
{
    const char *query = strstr(source, "?versionId=");
    g_autofree char *encoded = g_strndup(source, query ? (gsize)(query - source) : strlen(source));
    *version = query ? g_uri_unescape_string(query + strlen("?versionId="), NULL) : NULL;
    g_autofree char *decoded = s3_decode(encoded);
    const char *at = decoded && *decoded == '/' ? decoded + 1 : decoded;
    const char *slash = at ? strchr(at, '/') : NULL;
    if (!slash || slash == at || !slash[1])
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Copy Source must mention the source bucket and key: "
                         "sourcebucket/sourcekey; found \"%s\"",
                         source);
    *bucket = g_strndup(at, (gsize)(slash - at));
    *key = g_strdup(slash + 1);
    return true;
}

struct lake_object *s3_copy_source(const struct call *call, const json_t *request,
                                   struct stream **body, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    g_autofree char *version = NULL;
    if (!parse_source(json_text_at(request, "CopySource"), &bucket, &key, &version, error))
        return NULL;
    g_autoptr(lake_object_auto) source =
        lake_find_version(s3_lake(call), bucket, key, version, body, NULL, error);
    if (!source)
        return NULL;
    if (s3_check_conditions(request, "CopySource", source, error))
        return g_steal_pointer(&source);
    if (body)
        g_clear_pointer(body, stream_free);
    return NULL;
}

/* ---- texts of listings ---- */

char *s3_token_key(const struct call *call, const char *token, GError **error)
{
    char *key = page_place(call->operation, token, ERROR_INVALID_ARGUMENT, error);
    if (!key)
        g_prefix_error(error, "The continuation token provided is incorrect. ");
    return key;
}

json_t *s3_key_text(const json_t *request, const char *key)
{
    const char *encoding = s3_text(request, "EncodingType");
    if (!encoding)
        return json_string(key);
    g_autofree char *encoded = g_uri_escape_string(key, "/", FALSE);
    return json_string(encoded);
}

json_t *s3_owner(const struct call *call)
{
    return json_pack("{ssss}", "ID", call->account, "DisplayName", "lathe");
}
