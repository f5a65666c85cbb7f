/* Bytes: hashes, codings, and URLs. */
#include <string.h>
#include <zlib.h>

#include "table/functions.h"
#include "table/hive_hash.h"

/* ---- hashes ---- */

static bool checksum(struct function_call *call, GChecksumType type)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    guint8 digest[64];
    gsize length = sizeof digest;
    GChecksum *sum = g_checksum_new(type);
    g_checksum_update(sum, (const guchar *)bytes, (gssize)size);
    g_checksum_get_digest(sum, digest, &length);
    g_checksum_free(sum);
    return give_bytes(call, digest, length);
}

static bool hmac(struct function_call *call, GChecksumType type)
{
    size_t size, key_size;
    const char *bytes = call_text(call, 0, &size), *key = call_text(call, 1, &key_size);
    guint8 digest[64];
    gsize length = sizeof digest;
    GHmac *sum = g_hmac_new(type, (const guchar *)key, key_size);
    g_hmac_update(sum, (const guchar *)bytes, (gssize)size);
    g_hmac_get_digest(sum, digest, &length);
    g_hmac_unref(sum);
    return give_bytes(call, digest, length);
}

static bool md5(struct function_call *call)
{
    return checksum(call, G_CHECKSUM_MD5);
}

static bool sha1(struct function_call *call)
{
    return checksum(call, G_CHECKSUM_SHA1);
}

static bool sha256(struct function_call *call)
{
    return checksum(call, G_CHECKSUM_SHA256);
}

static bool sha512(struct function_call *call)
{
    return checksum(call, G_CHECKSUM_SHA512);
}

static bool hmac_md5(struct function_call *call)
{
    return hmac(call, G_CHECKSUM_MD5);
}

static bool hmac_sha1(struct function_call *call)
{
    return hmac(call, G_CHECKSUM_SHA1);
}

static bool hmac_sha256(struct function_call *call)
{
    return hmac(call, G_CHECKSUM_SHA256);
}

static bool hmac_sha512(struct function_call *call)
{
    return hmac(call, G_CHECKSUM_SHA512);
}

static bool crc_32(struct function_call *call)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    return give_integer(call, (int64_t)crc32(0, (const Bytef *)bytes, (uInt)size));
}

static uint64_t turn(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

static uint64_t load(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* Big endian, as Trino's hashes come. */
static void store(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (56 - 8 * i));
}

/* Y. Collet's XXH64 with the seed 0. */
#define XX_1 UINT64_C(0x9E3779B185EBCA87)
#define XX_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define XX_3 UINT64_C(0x165667B19E3779F9)
#define XX_4 UINT64_C(0x85EBCA77C2B2AE63)
#define XX_5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t xx_round(uint64_t sum, uint64_t input)
{
    return turn(sum + input * XX_2, 31) * XX_1;
}

static uint64_t xx_lanes(const unsigned char **at, size_t *left)
{
    uint64_t lanes[4] = {XX_1 + XX_2, XX_2, 0, 0 - XX_1};
    for (; *left >= 32; *left -= 32, *at += 32)
        for (int i = 0; i < 4; i++)
            lanes[i] = xx_round(lanes[i], load(*at + 8 * i, 8));
    uint64_t hash = turn(lanes[0], 1) + turn(lanes[1], 7) + turn(lanes[2], 12) + turn(lanes[3], 18);
    for (int i = 0; i < 4; i++)
        hash = (hash ^ xx_round(0, lanes[i])) * XX_1 + XX_4;
    return hash;
}

static uint64_t xx_hash(const unsigned char *at, size_t size)
{
    size_t left = size;
    uint64_t hash = (size >= 32 ? xx_lanes(&at, &left) : XX_5) + size;
    for (; left >= 8; left -= 8, at += 8)
        hash = turn(hash ^ xx_round(0, load(at, 8)), 27) * XX_1 + XX_4;
    for (; left >= 4; left -= 4, at += 4)
        hash = turn(hash ^ load(at, 4) * XX_1, 23) * XX_2 + XX_3;
    for (; left; left--, at++)
        hash = turn(hash ^ *at * XX_5, 11) * XX_1;
    hash = (hash ^ hash >> 33) * XX_2;
    hash = (hash ^ hash >> 29) * XX_3;
    return hash ^ hash >> 32;
}

static bool xxhash64(struct function_call *call)
{
    size_t size;
    unsigned char digest[8];
    const char *bytes = call_text(call, 0, &size);
    store(digest, xx_hash((const unsigned char *)bytes, size));
    return give_bytes(call, digest, sizeof digest);
}

/* A. Appleby's MurmurHash3_x64_128 with the seed 0. */
static uint64_t murmur_mix(uint64_t value)
{
    value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
    value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

#define MURMUR_1 UINT64_C(0x87c37b91114253d5)
#define MURMUR_2 UINT64_C(0x4cf5ad432745937f)

static void murmur(const unsigned char *at, size_t size, unsigned char digest[16])
{
    uint64_t a = 0, b = 0;
    size_t left = size;
    for (; left >= 16; left -= 16, at += 16) {
        a ^= turn(load(at, 8) * MURMUR_1, 31) * MURMUR_2;
        a = (turn(a, 27) + b) * 5 + 0x52dce729;
        b ^= turn(load(at + 8, 8) * MURMUR_2, 33) * MURMUR_1;
        b = (turn(b, 31) + a) * 5 + 0x38495ab5;
    }
    if (left > 8)
        b ^= turn(load(at + 8, left - 8) * MURMUR_2, 33) * MURMUR_1;
    if (left)
        a ^= turn(load(at, MIN(left, 8)) * MURMUR_1, 31) * MURMUR_2;
    a ^= size;
    b ^= size;
    a += b;
    b += a;
    a = murmur_mix(a);
    b = murmur_mix(b);
    a += b;
    b += a;
    for (int i = 0; i < 8; i++) { /* little endian, as it is */
        digest[i] = (unsigned char)(a >> (8 * i));
        digest[8 + i] = (unsigned char)(b >> (8 * i));
    }
}

static bool murmur3(struct function_call *call)
{
    size_t size;
    unsigned char digest[16];
    const char *bytes = call_text(call, 0, &size);
    murmur((const unsigned char *)bytes, size, digest);
    return give_bytes(call, digest, sizeof digest);
}

/* ---- codings ---- */

static bool to_hex(struct function_call *call)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    for (size_t i = 0; i < size; i++) {
        g_string_append_c(call->text, "0123456789ABCDEF"[(unsigned char)bytes[i] >> 4]);
        g_string_append_c(call->text, "0123456789ABCDEF"[bytes[i] & 15]);
    }
    return give_made(call);
}

static bool from_hex(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    if (size % 2)
        return call_fail(call, INVALID_ARGUMENT, "invalid input length %zu", size);
    for (size_t i = 0; i < size; i++)
        if (!g_ascii_isxdigit(text[i]))
            return call_fail(call, INVALID_ARGUMENT, "not a hexadecimal digit: \"%c\" = %d",
                             text[i], (unsigned char)text[i]);
    for (size_t i = 0; i < size; i += 2)
        g_string_append_c(call->text, (char)(g_ascii_xdigit_value(text[i]) * 16 +
                                             g_ascii_xdigit_value(text[i + 1])));
    return give_bytes(call, call->text->str, call->text->len);
}

static bool to_base64(struct function_call *call)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    g_autofree char *coded = g_base64_encode((const guchar *)bytes, size);
    return give_text(call, coded, strlen(coded));
}

static bool to_base64url(struct function_call *call)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    g_autofree char *coded = g_base64_encode((const guchar *)bytes, size);
    g_strdelimit(coded, "+", '-');
    g_strdelimit(coded, "/", '_');
    return give_text(call, coded, strlen(coded));
}

static int place_in(const char *alphabet, char c)
{
    const char *found = c ? strchr(alphabet, c) : NULL;
    return found ? (int)(found - alphabet) : -1;
}

/* Digits of so many bits; the last group may be short, and padded by =. */
static bool decode(struct function_call *call, const char *alphabet, unsigned bits, size_t group)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    size_t digits = size;
    while (digits && text[digits - 1] == '=')
        digits--;
    uint32_t buffer = 0;
    unsigned held = 0;
    for (size_t i = 0; i < digits; i++) {
        int value = place_in(alphabet, text[i]);
        if (value < 0)
            return call_fail(call, INVALID_ARGUMENT, "Illegal base64 character %x",
                             (unsigned char)text[i]);
        buffer = buffer << bits | (uint32_t)value;
        held += bits;
        if (held >= 8)
            g_string_append_c(call->text, (char)(buffer >> (held -= 8)));
    }
    if (digits % group == 1)
        return call_fail(call, INVALID_ARGUMENT, "Last unit does not have enough valid bits");
    return give_bytes(call, call->text->str, call->text->len);
}

static bool from_base64(struct function_call *call)
{
    return decode(call, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 6, 4);
}

static bool from_base64url(struct function_call *call)
{
    return decode(call, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", 6, 4);
}

static bool from_base32(struct function_call *call)
{
    return decode(call, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 5, 8);
}

static bool to_base32(struct function_call *call)
{
    size_t size;
    const unsigned char *bytes = (const unsigned char *)call_text(call, 0, &size);
    for (size_t bit = 0; bit < size * 8; bit += 5) {
        unsigned pair =
            (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < size ? bytes[bit / 8 + 1] : 0);
        g_string_append_c(call->text,
                          "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[pair >> (11 - bit % 8) & 31]);
    }
    while (call->text->len % 8)
        g_string_append_c(call->text, '=');
    return give_made(call);
}

static bool give_big_endian(struct function_call *call, uint64_t bits, int size)
{
    unsigned char bytes[8];
    store(bytes, bits << (64 - 8 * size));
    return give_bytes(call, bytes, (size_t)size);
}

static bool to_big_endian_64(struct function_call *call)
{
    return give_big_endian(call, (uint64_t)call_integer(call, 0), 8);
}

static bool to_big_endian_32(struct function_call *call)
{
    return give_big_endian(call, (uint64_t)call_integer(call, 0), 4);
}

static bool to_ieee754_64(struct function_call *call)
{
    double value = call_double(call, 0);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return give_big_endian(call, bits, 8);
}

static bool to_ieee754_32(struct function_call *call)
{
    float value = (float)call_double(call, 0);
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return give_big_endian(call, bits, 4);
}

static bool big_endian_of(struct function_call *call, size_t wanted, const char *what,
                          uint64_t *bits)
{
    size_t size;
    const unsigned char *bytes = (const unsigned char *)call_text(call, 0, &size);
    if (size != wanted)
        return call_fail(call, INVALID_ARGUMENT, "%s", what);
    *bits = 0;
    for (size_t i = 0; i < size; i++)
        *bits = *bits << 8 | bytes[i];
    return true;
}

static bool from_big_endian_64(struct function_call *call)
{
    uint64_t bits;
    return big_endian_of(call, 8, "expected 8-byte input", &bits) &&
           give_integer(call, (int64_t)bits);
}

static bool from_big_endian_32(struct function_call *call)
{
    uint64_t bits;
    return big_endian_of(call, 4, "expected 4-byte input", &bits) &&
           give_integer(call, (int32_t)(uint32_t)bits);
}

static bool from_ieee754_64(struct function_call *call)
{
    uint64_t bits;
    double value;
    if (!big_endian_of(call, 8, "Input must be a 8-byte input", &bits))
        return false;
    memcpy(&value, &bits, sizeof value);
    return give_double(call, value);
}

static bool from_ieee754_32(struct function_call *call)
{
    uint64_t bits;
    if (!big_endian_of(call, 4, "Input floating-point value must be exactly 4 bytes long", &bits))
        return false;
    uint32_t half = (uint32_t)bits;
    float value;
    memcpy(&value, &half, sizeof value);
    return give_double(call, (double)value);
}

static bool reverse_bytes(struct function_call *call)
{
    size_t size;
    const char *bytes = call_text(call, 0, &size);
    for (size_t i = size; i > 0; i--)
        g_string_append_c(call->text, bytes[i - 1]);
    return give_bytes(call, call->text->str, call->text->len);
}

/* ---- URLs ---- */

static bool url_encode(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    for (size_t i = 0; i < size; i++)
        if (g_ascii_isalnum(text[i]) || (text[i] && strchr("-_.*", text[i])))
            g_string_append_c(call->text, text[i]);
        else if (text[i] == ' ')
            g_string_append_c(call->text, '+');
        else
            g_string_append_printf(call->text, "%%%02X", (unsigned char)text[i]);
    return give_made(call);
}

/* Of a form: + is a blank. False where an escape is none. */
static bool unescape(struct function_call *call, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] != '%') {
            g_string_append_c(call->text, text[i] == '+' ? ' ' : text[i]);
            continue;
        }
        if (i + 2 >= size)
            return call_fail(call, INVALID_ARGUMENT,
                             "URLDecoder: Incomplete trailing escape (%%) pattern");
        for (size_t j = i + 1; j < i + 3; j++)
            if (!g_ascii_isxdigit(text[j]))
                return call_fail(call, INVALID_ARGUMENT,
                                 "URLDecoder: Illegal hex characters in escape (%%) pattern - not "
                                 "a hexadecimal digit: \"%c\" = %d",
                                 text[j], (unsigned char)text[j]);
        g_string_append_c(call->text, (char)(g_ascii_xdigit_value(text[i + 1]) * 16 +
                                             g_ascii_xdigit_value(text[i + 2])));
        i += 2;
    }
    return true;
}

static bool url_decode(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return unescape(call, text, size) && give_made(call);
}

struct part {
    const char *at;
    size_t size;
    bool there;
};

/* RFC 2396's parts of a URI. */
struct url {
    struct part protocol, host, port, path, query, fragment;
};

static struct part part_of(const char *at, size_t size)
{
    return (struct part){at, size, true};
}

static bool is_of_uri(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c))
            return false;
        if (c == '%' &&
            (i + 2 >= size || !g_ascii_isxdigit(text[i + 1]) || !g_ascii_isxdigit(text[i + 2])))
            return false;
    }
    return true;
}

static void cut_authority(struct url *url, const char *at, size_t size)
{
    const char *user = g_strrstr_len(at, (gssize)size, "@");
    if (user) {
        size -= (size_t)(user + 1 - at);
        at = user + 1;
    }
    const char *from = size && *at == '[' ? memchr(at, ']', size) : at;
    const char *colon = from ? memchr(from, ':', size - (size_t)(from - at)) : NULL;
    size_t host = colon ? (size_t)(colon - at) : size;
    url->host = part_of(at, host);
    if (colon && host + 1 < size)
        url->port = part_of(colon + 1, size - host - 1);
}

static bool cut_url(struct url *url, const char *text, size_t size)
{
    *url = (struct url){0};
    if (!is_of_uri(text, size))
        return false;
    const char *hash = memchr(text, '#', size);
    if (hash) {
        url->fragment = part_of(hash + 1, size - (size_t)(hash + 1 - text));
        size = (size_t)(hash - text);
    }
    size_t scheme = 0;
    while (scheme < size && (g_ascii_isalnum(text[scheme]) || strchr("+-.", text[scheme])))
        scheme++;
    bool has_scheme = scheme && scheme < size && text[scheme] == ':' && g_ascii_isalpha(*text);
    const char *at = text, *end = text + size;
    if (has_scheme) {
        url->protocol = part_of(text, scheme);
        at += scheme + 1;
        if (at == end)
            return false;
    }
    const char *mark = memchr(at, '?', (size_t)(end - at));
    if (has_scheme && *at != '/') /* an opaque one, as mailto:, has no parts */
        return true;
    if (mark) {
        url->query = part_of(mark + 1, (size_t)(end - mark - 1));
        end = mark;
    }
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        at += 2;
        const char *slash = memchr(at, '/', (size_t)(end - at));
        cut_authority(url, at, (size_t)((slash ? slash : end) - at));
        at = slash ? slash : end;
    }
    url->path = part_of(at, (size_t)(end - at));
    return true;
}

static bool url_of(struct function_call *call, struct url *url)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    return cut_url(url, text, size);
}

static bool give_part(struct function_call *call, const struct part *part)
{
    return give_text(call, part->there ? part->at : "", part->there ? part->size : 0);
}

/* Java's getHost, getPath ... give what is escaped as it is meant. */
static bool give_decoded(struct function_call *call, const struct part *part)
{
    for (size_t i = 0; part->there && i < part->size; i++) {
        bool escaped = part->at[i] == '%';
        g_string_append_c(call->text, escaped ? (char)(g_ascii_xdigit_value(part->at[i + 1]) * 16 +
                                                       g_ascii_xdigit_value(part->at[i + 2]))
                                              : part->at[i]);
        i += escaped ? 2 : 0;
    }
    return give_made(call);
}

static bool url_host(struct function_call *call)
{
    struct url url;
    return url_of(call, &url) ? give_part(call, &url.host) : give_null(call);
}

static bool url_path(struct function_call *call)
{
    struct url url;
    return url_of(call, &url) ? give_decoded(call, &url.path) : give_null(call);
}

static bool url_protocol(struct function_call *call)
{
    struct url url;
    return url_of(call, &url) ? give_part(call, &url.protocol) : give_null(call);
}

static bool url_query(struct function_call *call)
{
    struct url url;
    return url_of(call, &url) ? give_decoded(call, &url.query) : give_null(call);
}

static bool url_fragment(struct function_call *call)
{
    struct url url;
    return url_of(call, &url) ? give_decoded(call, &url.fragment) : give_null(call);
}

static bool url_port(struct function_call *call)
{
    struct url url;
    int64_t port;
    if (!url_of(call, &url) || !url.port.there || !read_integer(url.port.at, url.port.size, &port))
        return give_null(call);
    return give_integer(call, port);
}

static bool url_parameter(struct function_call *call)
{
    struct url url;
    size_t size;
    const char *name = call_text(call, 1, &size);
    if (!url_of(call, &url) || !url.query.there)
        return give_null(call);
    const char *at = url.query.at, *end = at + url.query.size;
    while (at <= end) {
        const char *and = memchr(at, '&', (size_t)(end - at));
        const char *stop = and? and : end;
        const char *equal = memchr(at, '=', (size_t)(stop - at));
        const char *key_end = equal ? equal : stop;
        if ((size_t)(key_end - at) == size && memcmp(at, name, size) == 0) {
            if (equal && !unescape(call, equal + 1, (size_t)(stop - equal - 1)))
                return false;
            return give_made(call);
        }
        at = stop + 1;
    }
    return give_null(call);
}

/* Argument 0 buckets, by the values behind it. */
static bool hive_bucket(struct function_call *call)
{
    uint32_t hash = 0;
    int64_t buckets = call_integer(call, 0);
    for (size_t i = 1; i < call->count; i++)
        hash = hash * 31 + (uint32_t)hive_hash(&call->arguments[i], call->row);
    return give_integer(call, (int64_t)(hash & INT32_MAX) % buckets);
}

const struct function functions_binary[] = {
    {"hive_bucket", "integer, any... -> integer", hive_bucket, FUNCTION_TAKES_NULL, NULL},
    {"md5", "varbinary -> varbinary", md5, 0, NULL},
    {"sha1", "varbinary -> varbinary", sha1, 0, NULL},
    {"sha256", "varbinary -> varbinary", sha256, 0, NULL},
    {"sha512", "varbinary -> varbinary", sha512, 0, NULL},
    {"hmac_md5", "varbinary, varbinary -> varbinary", hmac_md5, 0, NULL},
    {"hmac_sha1", "varbinary, varbinary -> varbinary", hmac_sha1, 0, NULL},
    {"hmac_sha256", "varbinary, varbinary -> varbinary", hmac_sha256, 0, NULL},
    {"hmac_sha512", "varbinary, varbinary -> varbinary", hmac_sha512, 0, NULL},
    {"crc32", "varbinary -> bigint", crc_32, 0, NULL},
    {"xxhash64", "varbinary -> varbinary", xxhash64, 0, NULL},
    {"murmur3", "varbinary -> varbinary", murmur3, 0, NULL},
    {"to_hex", "varbinary -> varchar", to_hex, 0, NULL},
    {"from_hex", "varchar -> varbinary", from_hex, 0, NULL},
    {"to_base64", "varbinary -> varchar", to_base64, 0, NULL},
    {"to_base64url", "varbinary -> varchar", to_base64url, 0, NULL},
    {"to_base32", "varbinary -> varchar", to_base32, 0, NULL},
    {"from_base64", "varchar -> varbinary", from_base64, 0, NULL},
    {"from_base64url", "varchar -> varbinary", from_base64url, 0, NULL},
    {"from_base32", "varchar -> varbinary", from_base32, 0, NULL},
    {"to_big_endian_64", "bigint -> varbinary", to_big_endian_64, 0, NULL},
    {"to_big_endian_32", "integer -> varbinary", to_big_endian_32, 0, NULL},
    {"from_big_endian_64", "varbinary -> bigint", from_big_endian_64, 0, NULL},
    {"from_big_endian_32", "varbinary -> integer", from_big_endian_32, 0, NULL},
    {"to_ieee754_64", "double -> varbinary", to_ieee754_64, 0, NULL},
    {"to_ieee754_32", "real -> varbinary", to_ieee754_32, 0, NULL},
    {"from_ieee754_64", "varbinary -> double", from_ieee754_64, 0, NULL},
    {"from_ieee754_32", "varbinary -> real", from_ieee754_32, 0, NULL},
    {"reverse_bytes", "varbinary -> varbinary", reverse_bytes, 0, NULL},
    {"url_encode", "varchar -> varchar", url_encode, 0, NULL},
    {"url_decode", "varchar -> varchar", url_decode, 0, NULL},
    {"url_extract_host", "varchar -> varchar", url_host, 0, NULL},
    {"url_extract_path", "varchar -> varchar", url_path, 0, NULL},
    {"url_extract_protocol", "varchar -> varchar", url_protocol, 0, NULL},
    {"url_extract_query", "varchar -> varchar", url_query, 0, NULL},
    {"url_extract_fragment", "varchar -> varchar", url_fragment, 0, NULL},
    {"url_extract_port", "varchar -> bigint", url_port, 0, NULL},
    {"url_extract_parameter", "varchar, varchar -> varchar", url_parameter, 0, NULL},
    {0},
};
