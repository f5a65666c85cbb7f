/* checksum.h: digests of bytes as they pass, under the names that S3 gives them. */
#ifndef LATHE_BASE_CHECKSUM_H
#define LATHE_BASE_CHECKSUM_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

enum checksum_kind {
    CHECKSUM_CRC32,
    CHECKSUM_CRC32C,
    CHECKSUM_CRC64NVME,
    CHECKSUM_MD5,
    CHECKSUM_SHA1,
    CHECKSUM_SHA256,
    CHECKSUM_SHA512,
    CHECKSUM_KINDS,
};

#define CHECKSUM_LONGEST 64 /* bytes of the longest digest */

/* S3's spelling ("CRC32C", "SHA256"); reading it back ignores case. */
const char *checksum_name(enum checksum_kind kind);
bool checksum_from_name(const char *name, enum checksum_kind *kind);
size_t checksum_size(enum checksum_kind kind); /* of its digest, in bytes */

struct checksum;

struct checksum *checksum_new(enum checksum_kind kind);
void checksum_free(struct checksum *checksum);
void checksum_update(struct checksum *checksum, const void *bytes, size_t size);
/* Writes checksum_size bytes (CRCs big-endian, as S3 does). Nothing may be added afterwards. */
void checksum_finish(struct checksum *checksum, unsigned char digest[CHECKSUM_LONGEST]);
/* finish, as text; g_free. */
char *checksum_hex(struct checksum *checksum);
char *checksum_base64(struct checksum *checksum);

typedef struct checksum checksum_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(checksum_auto, checksum_free)

/* The CRC-32 of bytes behind others of that CRC-32 (0: none), as zlib's crc32. */
guint32 checksum_crc32(guint32 crc, const void *bytes, size_t size);

/* A digest of bytes that are all there. */
char *checksum_hex_of(enum checksum_kind kind, const void *bytes, size_t size);
char *checksum_base64_of(enum checksum_kind kind, const void *bytes, size_t size);
char *checksum_hex_text(const unsigned char *digest, size_t size);

/* The CRC of two stretches end to end, from the CRC of each and the second's length, without
 * their bytes; digests as checksum_finish gives them. CRC kinds only. */
void checksum_join(enum checksum_kind kind, unsigned char *first, const unsigned char *second,
                   guint64 second_size);

#endif
