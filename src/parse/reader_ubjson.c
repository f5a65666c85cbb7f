/* UBJSON (draft 12, ubjson.org): a marker byte, then a payload with big-endian numbers.
 * Containers may declare the type of all their elements ($) and their count (#), and then have
 * no end marker. */
#include "parse/reader_inside.h"
#include "parse/target.h"
#include "parse/word.h"

#include <string.h>

#if TARGET_X86
#include <immintrin.h>
#endif

/* Bytes of a number's payload by its marker; 0 where the marker is no number of fixed size. */
static size_t number_size(char type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static uint64_t big_endian(const unsigned char *at, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | at[i];
    return value;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Sets number, integer and is_integer from a payload of the type. */
static void take_number(struct reader *reader, char type)
{
    size_t size = number_size(type);
    uint64_t bits = big_endian(reader->next, size);
    reader->next += size;
    reader->event = READER_NUMBER;
    reader->is_integer = type != 'd' && type != 'D';
    switch (type) {
    case 'i':
        reader->integer = (int8_t)bits;
        break;
    case 'U':
        reader->integer = (int64_t)bits;
        break;
    case 'I':
        reader->integer = (int16_t)bits;
        break;
    case 'l':
        reader->integer = (int32_t)bits;
        break;
    case 'L':
        reader->integer = (int64_t)bits;
        break;
    case 'd':
        reader->number = (double)float_of((uint32_t)bits);
        return;
    default:
        memcpy(&reader->number, &bits, sizeof bits);
        return;
    }
    reader->number = (double)reader->integer;
}

static bool cut(struct reader *reader)
{
    return reader_fail(reader, "the bytes end too early");
}

/* A count or length: an integer with its marker. */
static bool take_size(struct reader *reader, size_t *size)
{
    char type = reader_left(reader) ? (char)*reader->next : '\0';
    size_t bytes = number_size(type);
    if (!bytes || type == 'd' || type == 'D')
        return reader_fail(reader, "a length was expected");
    if (reader_left(reader) < bytes + 1)
        return cut(reader);
    reader->next++;
    take_number(reader, type);
    /* every element and every byte of text takes at least one of the bytes left */
    if (reader->integer < 0 || (uint64_t)reader->integer > reader_left(reader))
        return reader_fail(reader, "a length of %lld where %zu bytes are left",
                           (long long)reader->integer, reader_left(reader));
    *size = (size_t)reader->integer;
    return true;
}

static bool take_text(struct reader *reader, size_t size)
{
    reader->text = (const char *)reader->next;
    reader->size = size;
    reader->escaped = false;
    if (!reader_utf8(reader->next, size))
        return reader_fail(reader, "a string that is not UTF-8");
    reader->next += size;
    return true;
}

/* After '[' or '{': the optional type and count. */
static bool take_header(struct reader *reader, bool object)
{
    if (!reader_push(reader, object))
        return false;
    struct reader_frame *top = reader_top(reader);
    if (reader_left(reader) && *reader->next == '$') {
        if (reader_left(reader) < 3 || reader->next[2] != '#')
            return reader_fail(reader, "a container with a type needs a count");
        top->type = (char)reader->next[1];
        /* types without a payload would let a few bytes stand for billions of elements */
        if (!number_size(top->type) && !strchr("SHC[{", top->type))
            return reader_fail(reader, "a container of type 0x%02x", (unsigned char)top->type);
        reader->next += 2;
    }
    if (reader_left(reader) && *reader->next == '#') {
        reader->next++;
        top->counted = true;
        if (!take_size(reader, &top->left))
            return false;
        size_t size = number_size(top->type);
        if (!object && size && top->left > reader_left(reader) / size)
            return reader_fail(reader, "%zu numbers where %zu bytes are left", top->left,
                               reader_left(reader));
    }
    reader->event = object ? READER_OBJECT : READER_ARRAY;
    return true;
}

static bool take_value(struct reader *reader, char type)
{
    size_t size = number_size(type);
    reader->value_due = false;
    if (size) {
        if (reader_left(reader) < size)
            return cut(reader);
        take_number(reader, type);
        return true;
    }
    switch (type) {
    case '[':
    case '{':
        return take_header(reader, type == '{');
    case 'T':
    case 'F':
        reader->event = READER_BOOL;
        reader->truth = type == 'T';
        return true;
    case 'Z':
        reader->event = READER_NULL;
        return true;
    case 'C':
        size = 1;
        break;
    case 'S':
    case 'H':
        if (!take_size(reader, &size))
            return false;
        break;
    default:
        return reader_fail(reader, "an unknown marker (0x%02x)", (unsigned char)type);
    }
    if (reader_left(reader) < size)
        return cut(reader);
    if (type == 'H') {
        const unsigned char *end = reader->next + size;
        return reader_decimal(reader, end) &&
               (reader->next == end || reader_fail(reader, "a malformed number"));
    }
    reader->event = READER_STRING;
    return take_text(reader, size);
}

static void skip_no_ops(struct reader *reader)
{
    while (reader->next < reader->end && *reader->next == 'N')
        reader->next++;
}

/* A value with its marker, or, in a container of one type, without. */
static bool take_element(struct reader *reader)
{
    struct reader_frame *top = reader_top(reader);
    if (top && top->type)
        return take_value(reader, top->type);
    skip_no_ops(reader);
    if (reader->next == reader->end)
        return cut(reader);
    return take_value(reader, (char)*reader->next++);
}

bool ubjson_next(struct reader *reader)
{
    struct reader_frame *top = reader_top(reader);
    if (!top && !reader->value_due) {
        skip_no_ops(reader);
        reader->event = READER_END;
        return reader->next == reader->end || reader_fail(reader, "bytes after the document");
    }
    if (reader->value_due)
        return take_element(reader);
    if (top->counted) {
        if (top->left == 0) {
            reader_pop(reader);
            return true;
        }
        top->left--;
    } else {
        skip_no_ops(reader);
        if (reader->next == reader->end)
            return cut(reader);
        if (*reader->next == (top->object ? '}' : ']')) {
            reader->next++;
            reader_pop(reader);
            return true;
        }
    }
    if (!top->object)
        return take_element(reader);
    size_t size;
    if (!take_size(reader, &size) || !take_text(reader, size))
        return false;
    reader->value_due = true;
    reader->event = READER_KEY;
    return true;
}

bool ubjson_skip(struct reader *reader)
{
    size_t outside = reader->depth - 1;
    while (reader->depth > outside) {
        struct reader_frame *top = reader_top(reader);
        size_t size = number_size(top->type);
        /* the count was held against the bytes left when the header was read */
        if (!top->object && size) {
            reader->next += top->left * size;
            top->left = 0;
        }
        if (!ubjson_next(reader))
            return false;
    }
    return true;
}

#if TARGET_X86
/* Eight of them at a time; returns how many that were. */
TARGET_AVX2 static size_t take_eights(const unsigned char *at, unsigned char *to, size_t count)
{
    const __m256i turned = _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12,
                                           13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        __m256i words = _mm256_loadu_si256((const __m256i *)(at + 4 * i));
        _mm256_storeu_si256((__m256i *)(to + 4 * i), _mm256_shuffle_epi8(words, turned));
    }
    return i;
}
#endif

static size_t take_vectors(const struct reader *reader, unsigned char *to, size_t count)
{
#if TARGET_X86
    if (!reader->narrow && count >= 8 && target_has_avx2())
        return take_eights(reader->next, to, count);
#endif
    (void)reader, (void)to, (void)count;
    return 0;
}

/* Numbers of 4 bytes, two at a time: floats or integers, as the bits of either. */
static void take_words(struct reader *reader, void *out, size_t count)
{
    const unsigned char *at = reader->next;
    unsigned char *to = out;
    size_t i = take_vectors(reader, to, count);
    for (; i + 2 <= count; i += 2) {
        uint64_t both = __builtin_bswap64(word_load((const char *)at + 4 * i));
        uint32_t words[] = {(uint32_t)(both >> 32), (uint32_t)both};
        memcpy(to + 4 * i, words, sizeof words);
    }
    if (i < count) {
        uint32_t word = (uint32_t)big_endian(at + 4 * i, 4);
        memcpy(to + 4 * i, &word, sizeof word);
    }
    reader->next += 4 * count;
}

bool ubjson_floats(struct reader *reader, float *out, size_t count)
{
    struct reader_frame *top = reader_top(reader);
    if (!number_size(top->type))
        return reader_fail(reader, "a list of numbers was expected");
    top->left -= count;
    if (top->type == 'd') {
        take_words(reader, out, count);
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        take_number(reader, top->type);
        out[i] = reader->is_integer ? (float)reader->integer : (float)reader->number;
    }
    return true;
}

bool ubjson_integers(struct reader *reader, int32_t *out, size_t count)
{
    struct reader_frame *top = reader_top(reader);
    char type = top->type;
    if (!number_size(type) || type == 'd' || type == 'D')
        return reader_fail(reader, "a list of integers was expected");
    top->left -= count;
    if (type == 'l') {
        take_words(reader, out, count);
        return true;
    }
    if (type == 'U') {
        for (size_t i = 0; i < count; i++)
            out[i] = reader->next[i];
        reader->next += count;
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        take_number(reader, type);
        if (reader->integer < INT32_MIN || reader->integer > INT32_MAX)
            return reader_fail(reader, "an integer of 32 bits was expected, not %lld",
                               (long long)reader->integer);
        out[i] = (int32_t)reader->integer;
    }
    return true;
}
