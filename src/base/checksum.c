/* SHA and MD5 are OpenSSL's. The CRCs are ours, one algorithm for all three polynomials: where the
 * CPU multiplies without carries, 64 bytes at a time are folded into an equivalent 16 (Gopal et
 * al., "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009), and what is
 * left goes through tables, eight bytes at a time.
 *
 * The CRCs are reflected: in a word, the bit of value 1 << i is the coefficient of x^(63 - i). */
#include "base/checksum.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#define HAVE_CARRYLESS_MULTIPLY 1
#endif

static const struct {
    const char *name;
    size_t size;
    guint64 polynomial; /* of a CRC: reflected, without its highest term */
} kinds[CHECKSUM_KINDS] = {
    [CHECKSUM_CRC32] = {"CRC32", 4, 0xEDB88320},
    [CHECKSUM_CRC32C] = {"CRC32C", 4, 0x82F63B78},
    [CHECKSUM_CRC64NVME] = {"CRC64NVME", 8, 0x9A6C9329AC4BC9B5},
    [CHECKSUM_MD5] = {"MD5", 16, 0},
    [CHECKSUM_SHA1] = {"SHA1", 20, 0},
    [CHECKSUM_SHA256] = {"SHA256", 32, 0},
    [CHECKSUM_SHA512] = {"SHA512", 64, 0},
};

#define CRC_KINDS (CHECKSUM_CRC64NVME + 1) /* they come first */

/* What a CRC is computed with; constant once made. */
struct crc_tables {
    guint64 by_byte[8][256]; /* [n][b]: byte b followed by n zero bytes */
    guint64 far[2], near[2]; /* x^575, x^511 and x^191, x^127: folding over 64 and over 16 bytes */
};

static struct crc_tables crc_tables[CRC_KINDS];
static pthread_once_t crc_tables_once = PTHREAD_ONCE_INIT;

/* x^n modulo the polynomial, as a reflected word of 64 bits. */
static guint64 power_of_x(enum checksum_kind kind, unsigned n)
{
    unsigned unused = 64 - 8 * (unsigned)kinds[kind].size;
    guint64 value = (guint64)1 << 63;
    for (; n; n--) {
        bool carry = value >> unused & 1;
        value = value >> 1 >> unused << unused;
        if (carry)
            value ^= kinds[kind].polynomial << unused;
    }
    return value;
}

static void make_crc_tables(void)
{
    for (int kind = 0; kind < CRC_KINDS; kind++) {
        struct crc_tables *tables = &crc_tables[kind];
        for (unsigned byte = 0; byte < 256; byte++) {
            guint64 crc = byte;
            for (int bit = 0; bit < 8; bit++)
                crc = crc & 1 ? crc >> 1 ^ kinds[kind].polynomial : crc >> 1;
            tables->by_byte[0][byte] = crc;
        }
        for (unsigned n = 1; n < 8; n++)
            for (unsigned byte = 0; byte < 256; byte++) {
                guint64 before = tables->by_byte[n - 1][byte];
                tables->by_byte[n][byte] = before >> 8 ^ tables->by_byte[0][before & 255];
            }
        /* A product of two reflected words is one x too high: hence 575 for 576, and so on. */
        tables->far[0] = power_of_x((enum checksum_kind)kind, 575);
        tables->far[1] = power_of_x((enum checksum_kind)kind, 511);
        tables->near[0] = power_of_x((enum checksum_kind)kind, 191);
        tables->near[1] = power_of_x((enum checksum_kind)kind, 127);
    }
}

static guint64 crc_by_tables(const struct crc_tables *tables, guint64 crc,
                             const unsigned char *bytes, size_t size)
{
    for (; size >= 8; bytes += 8, size -= 8) {
        guint64 word;
        memcpy(&word, bytes, 8);
        crc ^= GUINT64_FROM_LE(word);
        guint64 next = 0;
        for (int n = 0; n < 8; n++)
            next ^= tables->by_byte[7 - n][crc >> (8 * n) & 255];
        crc = next;
    }
    for (; size; bytes++, size--)
        crc = crc >> 8 ^ tables->by_byte[0][(crc ^ *bytes) & 255];
    return crc;
}

#ifdef HAVE_CARRYLESS_MULTIPLY
__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i lane, __m128i powers,
                                                             __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(lane, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, powers, 0x11);
    return _mm_xor_si128(next, _mm_xor_si128(low, high));
}

static __m128i load(const unsigned char *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

/* size is at least 64. */
__attribute__((target("pclmul,sse4.1"))) static guint64
crc_by_folding(const struct crc_tables *tables, guint64 crc, const unsigned char *bytes,
               size_t size)
{
    const __m128i far = load((const unsigned char *)tables->far);
    const __m128i near = load((const unsigned char *)tables->near);
    /* What came before is the same as the crc added to the first bytes. */
    __m128i lane[4];
    for (int i = 0; i < 4; i++)
        lane[i] = load(bytes + 16 * i);
    lane[0] = _mm_xor_si128(lane[0], _mm_set_epi64x(0, (long long)crc));
    for (bytes += 64, size -= 64; size >= 64; bytes += 64, size -= 64)
        for (int i = 0; i < 4; i++)
            lane[i] = fold(lane[i], far, load(bytes + 16 * i));
    __m128i one = lane[0];
    for (int i = 1; i < 4; i++)
        one = fold(one, near, lane[i]);
    for (; size >= 16; bytes += 16, size -= 16)
        one = fold(one, near, load(bytes));
    unsigned char rest[16];
    _mm_storeu_si128((__m128i *)(void *)rest, one);
    crc = crc_by_tables(tables, 0, rest, sizeof rest);
    return crc_by_tables(tables, crc, bytes, size);
}
#endif

static guint64 crc_update(enum checksum_kind kind, guint64 crc, const void *bytes, size_t size)
{
    const struct crc_tables *tables = &crc_tables[kind];
#ifdef HAVE_CARRYLESS_MULTIPLY
    if (size >= 64 && __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"))
        return crc_by_folding(tables, crc, bytes, size);
#endif
    return crc_by_tables(tables, crc, bytes, size);
}

const char *checksum_name(enum checksum_kind kind)
{
    return kinds[kind].name;
}

bool checksum_from_name(const char *name, enum checksum_kind *kind)
{
    for (int i = 0; i < CHECKSUM_KINDS; i++)
        if (g_ascii_strcasecmp(name, kinds[i].name) == 0) {
            *kind = (enum checksum_kind)i;
            return true;
        }
    return false;
}

size_t checksum_size(enum checksum_kind kind)
{
    return kinds[kind].size;
}

struct checksum {
    enum checksum_kind kind;
    guint64 crc;
    EVP_MD_CTX *digest; /* NULL for a CRC */
};

static const EVP_MD *openssl_digest(enum checksum_kind kind)
{
    switch (kind) {
    case CHECKSUM_MD5:
        return EVP_md5();
    case CHECKSUM_SHA1:
        return EVP_sha1();
    case CHECKSUM_SHA256:
        return EVP_sha256();
    default:
        return EVP_sha512();
    }
}

struct checksum *checksum_new(enum checksum_kind kind)
{
    struct checksum *checksum = g_new0(struct checksum, 1);
    checksum->kind = kind;
    if (kind < CRC_KINDS) {
        pthread_once(&crc_tables_once, make_crc_tables);
        checksum->crc = ~(guint64)0 >> (64 - 8 * kinds[kind].size);
        return checksum;
    }
    checksum->digest = EVP_MD_CTX_new();
    /* Fails only where memory does, as g_new would, or where OpenSSL was built without it. */
    if (!checksum->digest || EVP_DigestInit_ex(checksum->digest, openssl_digest(kind), NULL) != 1)
        g_error("OpenSSL gives no %s", kinds[kind].name);
    return checksum;
}

void checksum_free(struct checksum *checksum)
{
    if (!checksum)
        return;
    EVP_MD_CTX_free(checksum->digest);
    g_free(checksum);
}

void checksum_update(struct checksum *checksum, const void *bytes, size_t size)
{
    if (checksum->digest)
        EVP_DigestUpdate(checksum->digest, bytes, size);
    else
        checksum->crc = crc_update(checksum->kind, checksum->crc, bytes, size);
}

guint32 checksum_crc32(guint32 crc, const void *bytes, size_t size)
{
    pthread_once(&crc_tables_once, make_crc_tables);
    return ~(guint32)crc_update(CHECKSUM_CRC32, (guint32)~crc, bytes, size);
}

static void put_crc(enum checksum_kind kind, guint64 crc, unsigned char *digest)
{
    size_t size = kinds[kind].size;
    for (size_t i = 0; i < size; i++)
        digest[i] = (unsigned char)(crc >> (8 * (size - 1 - i)));
}

static guint64 get_crc(enum checksum_kind kind, const unsigned char *digest)
{
    guint64 crc = 0;
    for (size_t i = 0; i < kinds[kind].size; i++)
        crc = crc << 8 | digest[i];
    return crc;
}

void checksum_finish(struct checksum *checksum, unsigned char digest[CHECKSUM_LONGEST])
{
    if (checksum->digest)
        EVP_DigestFinal_ex(checksum->digest, digest, NULL);
    else
        put_crc(checksum->kind, ~checksum->crc, digest);
}

char *checksum_hex_text(const unsigned char *digest, size_t size)
{
    char *text = g_malloc(2 * size + 1);
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

char *checksum_hex(struct checksum *checksum)
{
    unsigned char digest[CHECKSUM_LONGEST];
    checksum_finish(checksum, digest);
    return checksum_hex_text(digest, kinds[checksum->kind].size);
}

char *checksum_base64(struct checksum *checksum)
{
    unsigned char digest[CHECKSUM_LONGEST];
    checksum_finish(checksum, digest);
    return g_base64_encode(digest, kinds[checksum->kind].size);
}

char *checksum_hex_of(enum checksum_kind kind, const void *bytes, size_t size)
{
    g_autoptr(checksum_auto) checksum = checksum_new(kind);
    checksum_update(checksum, bytes, size);
    return checksum_hex(checksum);
}

char *checksum_base64_of(enum checksum_kind kind, const void *bytes, size_t size)
{
    g_autoptr(checksum_auto) checksum = checksum_new(kind);
    checksum_update(checksum, bytes, size);
    return checksum_base64(checksum);
}

/* a * b modulo the polynomial, both as power_of_x spells them. */
static guint64 multiply(enum checksum_kind kind, guint64 a, guint64 b)
{
    unsigned unused = 64 - 8 * (unsigned)kinds[kind].size;
    guint64 product = 0;
    for (guint64 term = (guint64)1 << 63; term >> unused; term >>= 1) {
        if (a & term)
            product ^= b;
        bool carry = b >> unused & 1;
        b = b >> 1 >> unused << unused;
        if (carry)
            b ^= kinds[kind].polynomial << unused;
    }
    return product;
}

/* The first stretch's CRC moves up by the second's bits: times x^(8 * size). The inversions before
 * and after cancel out, since both CRCs have them. */
void checksum_join(enum checksum_kind kind, unsigned char *first, const unsigned char *second,
                   guint64 second_size)
{
    unsigned unused = 64 - 8 * (unsigned)kinds[kind].size;
    guint64 moved = get_crc(kind, first) << unused;
    guint64 power = power_of_x(kind, 8);
    for (; second_size; second_size >>= 1) {
        if (second_size & 1)
            moved = multiply(kind, moved, power);
        power = multiply(kind, power, power);
    }
    put_crc(kind, moved >> unused ^ get_crc(kind, second), first);
}
