/* Digests against published check values (the CRC catalogue's "123456789", RFC 1321, FIPS 180-4),
 * and every way to compute a CRC against the plainest one, bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/checksum.h"

static void assert_hex(enum checksum_kind kind, const char *text, const char *expected)
{
    g_autofree char *hex = checksum_hex_of(kind, text, strlen(text));
    assert_string_equal(hex, expected);
}

static void published_values(void **state)
{
    (void)state;
    assert_hex(CHECKSUM_CRC32, "123456789", "cbf43926");
    assert_hex(CHECKSUM_CRC32C, "123456789", "e3069283");
    assert_hex(CHECKSUM_CRC64NVME, "123456789", "ae8b14860a799888");
    assert_hex(CHECKSUM_MD5, "abc", "900150983cd24fb0d6963f7d28e17f72");
    assert_hex(CHECKSUM_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_hex(CHECKSUM_SHA256, "abc",
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_hex(CHECKSUM_CRC32, "", "00000000");
    assert_hex(CHECKSUM_CRC64NVME, "", "0000000000000000");
    g_autofree char *base64 = checksum_base64_of(CHECKSUM_CRC32, "123456789", 9);
    assert_string_equal(base64, "y/Q5Jg==");
}

static uint64_t crc_bit_by_bit(uint64_t polynomial, unsigned bits, const unsigned char *bytes,
                               size_t size)
{
    uint64_t ones = ~(uint64_t)0 >> (64 - bits), crc = ones;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return ~crc & ones;
}

static void fill(unsigned char *bytes, size_t size)
{
    uint32_t seed = 12345;
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(seed >> 24);
    }
}

static void every_length_and_split(void **state)
{
    (void)state;
    static const struct {
        enum checksum_kind kind;
        unsigned bits;
        uint64_t polynomial;
    } crcs[] = {{CHECKSUM_CRC32, 32, 0xEDB88320},
                {CHECKSUM_CRC32C, 32, 0x82F63B78},
                {CHECKSUM_CRC64NVME, 64, 0x9A6C9329AC4BC9B5}};
    unsigned char bytes[700];
    fill(bytes, sizeof bytes);
    for (size_t c = 0; c < G_N_ELEMENTS(crcs); c++)
        for (size_t size = 0; size <= sizeof bytes; size++) {
            size_t cut = size * 5 / 7;
            g_autoptr(checksum_auto) checksum = checksum_new(crcs[c].kind);
            checksum_update(checksum, bytes, cut);
            checksum_update(checksum, bytes + cut, size - cut);
            g_autofree char *hex = checksum_hex(checksum);
            uint64_t expected = crc_bit_by_bit(crcs[c].polynomial, crcs[c].bits, bytes, size);
            assert_int_equal(strtoull(hex, NULL, 16), expected);
        }
}

static void agrees_with_zlib(void **state)
{
    (void)state;
    size_t size = 1 << 20;
    g_autofree unsigned char *bytes = g_malloc(size);
    fill(bytes, size);
    g_autofree char *hex = checksum_hex_of(CHECKSUM_CRC32, bytes, size);
    assert_int_equal(strtoul(hex, NULL, 16), crc32(0, bytes, (uInt)size));
}

static void joins(void **state)
{
    (void)state;
    unsigned char bytes[5000];
    fill(bytes, sizeof bytes);
    for (enum checksum_kind kind = CHECKSUM_CRC32; kind <= CHECKSUM_CRC64NVME; kind++)
        for (size_t cut = 0; cut <= sizeof bytes; cut += 250) {
            unsigned char first[CHECKSUM_LONGEST], second[CHECKSUM_LONGEST];
            g_autoptr(checksum_auto) a = checksum_new(kind);
            g_autoptr(checksum_auto) b = checksum_new(kind);
            checksum_update(a, bytes, cut);
            checksum_update(b, bytes + cut, sizeof bytes - cut);
            checksum_finish(a, first);
            checksum_finish(b, second);
            checksum_join(kind, first, second, sizeof bytes - cut);
            g_autofree char *joined = checksum_hex_text(first, checksum_size(kind));
            g_autofree char *whole = checksum_hex_of(kind, bytes, sizeof bytes);
            assert_string_equal(joined, whole);
        }
}

static void names(void **state)
{
    (void)state;
    enum checksum_kind kind;
    assert_true(checksum_from_name("crc64nvme", &kind));
    assert_int_equal(kind, CHECKSUM_CRC64NVME);
    assert_string_equal(checksum_name(CHECKSUM_SHA256), "SHA256");
    assert_false(checksum_from_name("CRC", &kind));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(every_length_and_split),
        cmocka_unit_test(agrees_with_zlib),
        cmocka_unit_test(joins),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
