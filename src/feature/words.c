#include "feature/words.h"

#include "feature/lower.h"

#include <stdbool.h>

/* ---- A. Appleby's MurmurHash3 (x86, 32 bits), a byte at a time; Spark's seed ---- */

struct murmur {
    uint32_t hash, block;
    size_t size;
};

static const struct murmur MURMUR = {.hash = 42};

static uint32_t turned(uint32_t value, int by)
{
    return value << by | value >> (32 - by);
}

static uint32_t mixed(uint32_t block)
{
    return turned(block * 0xCC9E2D51u, 15) * 0x1B873593u;
}

static void murmur_add(struct murmur *murmur, unsigned char byte)
{
    murmur->block |= (uint32_t)byte << murmur->size++ % 4 * 8;
    if (murmur->size % 4 != 0)
        return;
    murmur->hash = turned(murmur->hash ^ mixed(murmur->block), 13) * 5 + 0xE6546B64u;
    murmur->block = 0;
}

static int32_t murmur_end(const struct murmur *murmur)
{
    uint32_t hash = murmur->hash ^ mixed(murmur->block) ^ (uint32_t)murmur->size;
    hash = (hash ^ hash >> 16) * 0x85EBCA6Bu;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35u;
    return (int32_t)(hash ^ hash >> 16);
}

/* ---- characters ---- */

/* The character at `at`, and its length; a byte that begins none is itself. */
static uint32_t character_at(struct csv_text text, size_t at, size_t *length)
{
    const unsigned char *bytes = (const unsigned char *)text.bytes + at;
    size_t more = bytes[0] >= 0xF0 ? 3 : bytes[0] >= 0xE0 ? 2 : bytes[0] >= 0xC0 ? 1 : 0;
    *length = 1;
    if (!more || more >= text.size - at)
        return bytes[0] < 0x80 ? bytes[0] : 0x110000 + bytes[0];
    uint32_t character = bytes[0] & (0x3Fu >> more);
    for (size_t i = 1; i <= more; i++)
        character = character << 6 | (bytes[i] & 0x3Fu);
    *length = more + 1;
    return character;
}

static void add_character(struct murmur *murmur, uint32_t character)
{
    if (character < 0x80) {
        murmur_add(murmur, (unsigned char)character);
        return;
    }
    int more = character >= 0x10000 ? 3 : character >= 0x800 ? 2 : 1;
    murmur_add(murmur, (unsigned char)(0xFF80u >> more | character >> 6 * more));
    while (more-- > 0)
        murmur_add(murmur, (unsigned char)(0x80 | (character >> 6 * more & 0x3F)));
}

/* Latin, Greek, Cyrillic and Georgian letters, of which a word with a sigma may consist. */
static bool is_letter(uint32_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= 0xC0 && c <= 0x24F) ||
           (c >= 0x370 && c <= 0x52F) || (c >= 0x1E00 && c <= 0x1FFF);
}

/* A capital sigma at the end of a word becomes another letter than inside it. */
static bool ends_word(struct csv_text text, size_t next, uint32_t before)
{
    size_t length;
    return is_letter(before) &&
           (next >= text.size || !is_letter(character_at(text, next, &length)));
}

static void add_lower(struct murmur *murmur, struct csv_text text, size_t next, uint32_t before,
                      uint32_t character)
{
    if (character == 0x130) { /* an i, and the dot that stays above it */
        add_character(murmur, 'i');
        add_character(murmur, 0x307);
    } else if (character == 0x3A3 && ends_word(text, next, before))
        add_character(murmur, 0x3C2);
    else if (character >= 0x110000) /* no character */
        murmur_add(murmur, (unsigned char)(character - 0x110000));
    else
        add_character(murmur, lower_of(character));
}

/* ---- words ---- */

static bool is_blank(unsigned char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The hash of the word at `at`, which ends at *end. */
static int32_t hash_word(struct csv_text text, size_t at, size_t *end)
{
    struct murmur murmur = MURMUR;
    uint32_t before = 0;
    size_t length;
    for (; at < text.size && !is_blank((unsigned char)text.bytes[at]); at += length) {
        uint32_t character = character_at(text, at, &length);
        add_lower(&murmur, text, at + length, before, character);
        before = character;
    }
    *end = at;
    return murmur_end(&murmur);
}

/* As Java splits: a blank ends a word, but the empty words at the end do not count, unless there is
 * no blank at all. */
void words_of(struct csv_text text, words_sink *sink, void *context)
{
    size_t last = text.size, at = 0;
    while (last > 0 && is_blank((unsigned char)text.bytes[last - 1]))
        last--;
    if (last == 0 && text.size)
        return;
    text.size = last;
    do {
        size_t end;
        int32_t hash = hash_word(text, at, &end);
        sink(context, hash);
        at = end + 1;
    } while (at < text.size);
}
