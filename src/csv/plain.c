#include "csv/plain.h"

#include "parse/block.h"

#include <stdlib.h>
#include <string.h>

#if TARGET_X86
#include <immintrin.h>
#endif

enum {
    FIELDS_ABOUT = 4096, /* of a run: their places and text stay in the first cache, nearly */
    TEXT_MOST = 1 << 30, /* places fit 32 bits */
};

/* Which of 64 characters, by bit, are: */
struct marks {
    uint64_t stops; /* delimiters and line feeds */
    uint64_t feeds; /* line feeds */
    uint64_t odd;   /* what a plain record does not have; carriage returns among them */
    uint64_t returns;
};

struct kinds {
    char delimiter, quote, escape;
    bool quotes, escapes, high; /* whether quotes, escapes and bytes beyond ASCII are odd */
};

static ALWAYS_INLINE struct marks mark(const char *text, const struct kinds *kinds)
{
    const unsigned char *at = (const unsigned char *)text;
    struct marks marks = {.feeds = block_equal(at, 0, '\n'), .returns = block_equal(at, 0, '\r')};
    marks.stops = block_equal(at, 0, kinds->delimiter) | marks.feeds;
    if (kinds->quotes)
        marks.odd |= block_equal(at, 0, kinds->quote);
    if (kinds->escapes)
        marks.odd |= block_equal(at, 0, kinds->escape);
    if (kinds->high)
        marks.odd |= block_equal(at, 0x7f, (char)0xff);
    return marks;
}

#if TARGET_X86

TARGET_AVX512 static ALWAYS_INLINE uint64_t equal_64(__m512i bytes, char c)
{
    return _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(c));
}

TARGET_AVX512 static ALWAYS_INLINE struct marks mark_avx512(const char *at,
                                                            const struct kinds *kinds)
{
    __m512i bytes = _mm512_loadu_si512(at);
    struct marks marks = {.feeds = equal_64(bytes, '\n'), .returns = equal_64(bytes, '\r')};
    marks.stops = equal_64(bytes, kinds->delimiter) | marks.feeds;
    if (kinds->quotes)
        marks.odd |= equal_64(bytes, kinds->quote);
    if (kinds->escapes)
        marks.odd |= equal_64(bytes, kinds->escape);
    if (kinds->high)
        marks.odd |= _mm512_movepi8_mask(bytes);
    return marks;
}

#endif

void csv_plain_close(struct csv_plain *plain)
{
    free(plain->stops);
    free(plain->nexts);
    *plain = (struct csv_plain){0};
}

bool csv_plain_open(struct csv_plain *plain, size_t width, size_t size)
{
    *plain = (struct csv_plain){.width = width};
#if TARGET_X86
    plain->way = target_has_avx512() ? CSV_AVX512 : target_has_avx2() ? CSV_AVX2 : CSV_ANY_CPU;
#endif
    /* A field takes a byte at least, its delimiter. */
    plain->room = (size < FIELDS_ABOUT ? size : FIELDS_ABOUT) / width + 1;
    /* A block may bring its stops before it is known that they are too many. */
    plain->stops = malloc((plain->room * width + 2 * BLOCK_SIZE) * sizeof *plain->stops);
    plain->nexts = malloc((plain->room + BLOCK_SIZE) * sizeof *plain->nexts);
    for (size_t stop = 0; stop < BLOCK_SIZE; stop += width)
        plain->lasts |= (uint64_t)1 << stop;
    if (plain->stops && plain->nexts)
        return true;
    csv_plain_close(plain);
    return false;
}

/* With one field a record, a line to be skipped and an empty field look alike. */
static bool can_be_plain(const struct csv_plain *plain, const struct csv_dialect *dialect)
{
    char delimiter = dialect->delimiter;
    return plain->width > 1 && !csv_is_line_end(delimiter) && delimiter != dialect->quote &&
           delimiter != dialect->escape;
}

/* Writes the places of the bits behind those that are there; eight at a time, for most blocks have
 * a few and a branch a bit would be mispredicted. Returns how many there are now. */
static ALWAYS_INLINE size_t add_stops(uint32_t *stops, size_t count, uint64_t bits, uint32_t place)
{
    size_t more = (size_t)__builtin_popcountll(bits);
    uint32_t *out = stops + count;
    for (size_t i = 0; i < more; i += 8)
        for (size_t k = 0; k < 8; k++) {
            /* without bits left what is written is not looked at */
            out[i + k] = place + (uint32_t)__builtin_ctzll(bits | (uint64_t)1 << 63);
            bits &= bits - 1;
        }
    return count + more;
}

/* Ends a record at each of the feeds, as long as that is its last field's stop. False where the run
 * ends: with an odd record, or at its room. */
static ALWAYS_INLINE bool end_rows(struct csv_plain *plain, size_t count, const struct marks *marks,
                                   uint32_t place, size_t rows)
{
    for (uint64_t feeds = marks->feeds; feeds; feeds &= feeds - 1) {
        uint64_t before = (feeds & (~feeds + 1)) - 1;
        size_t number = count + (size_t)__builtin_popcountll(marks->stops & before);
        if (number + 1 != (plain->rows + 1) * plain->width)
            return false;
        plain->nexts[plain->rows++] = place + (uint32_t)__builtin_ctzll(feeds) + 1;
        if (plain->rows == rows)
            return false;
    }
    return true;
}

/* What becomes of a block's marks; *count is how many stops there are. False where the run ends. */
static ALWAYS_INLINE bool take(struct csv_plain *plain, size_t *count, const struct marks *marks,
                               uint32_t place, size_t rows)
{
    size_t more = add_stops(plain->stops, *count, marks->stops, place);
    bool going = end_rows(plain, *count, marks, place, rows);
    *count = more;
    return going;
}

#if TARGET_X86

/* Writes the places of the bits, sixteen at a time; where there are no more than `most`, as there
 * nearly always are, no branch depends on how many. */
TARGET_AVX512 static ALWAYS_INLINE void put_places(uint32_t *out, uint64_t bits, uint32_t place,
                                                   size_t most)
{
    __m512i numbers = _mm512_set_epi64(0x3f3e3d3c3b3a3938, 0x3736353433323130, 0x2f2e2d2c2b2a2928,
                                       0x2726252423222120, 0x1f1e1d1c1b1a1918, 0x1716151413121110,
                                       0x0f0e0d0c0b0a0908, 0x0706050403020100);
    numbers = _mm512_maskz_compress_epi8(bits, numbers);
    __m512i first = _mm512_set1_epi32((int)place);
    size_t count = (size_t)_mm_popcnt_u64(bits);
    for (size_t i = 0; i < most || i < count; i += 16) {
        __m512i sixteen = _mm512_cvtepu8_epi32(_mm512_castsi512_si128(numbers));
        _mm512_storeu_si512(out + i, _mm512_add_epi32(sixteen, first));
        numbers = _mm512_shuffle_i64x2(numbers, numbers, 0x39);
    }
}

/* The same without a branch a record: whether each record's last stop is a feed, and no other, is
 * one comparison. */
TARGET_AVX512 static ALWAYS_INLINE bool take_avx512(struct csv_plain *plain, size_t *count,
                                                    const struct marks *marks, uint32_t place,
                                                    size_t rows)
{
    size_t stops = (size_t)_mm_popcnt_u64(marks->stops);
    size_t feeds = (size_t)_mm_popcnt_u64(marks->feeds);
    size_t next = (plain->rows + 1) * plain->width - 1 - *count; /* the stop that is to be a feed */
    uint64_t expected = next < stops ? _bzhi_u64(plain->lasts << next, (unsigned)stops) : 0;
    put_places(plain->stops + *count, marks->stops, place, 32);
    bool going = false;
    if (_pext_u64(marks->feeds, marks->stops) == expected && plain->rows + feeds < rows) {
        put_places(plain->nexts + plain->rows, marks->feeds, place + 1, 16);
        plain->rows += feeds;
        going = true;
    } else {
        going = end_rows(plain, *count, marks, place, rows);
    }
    *count += stops;
    return going;
}

#endif

typedef struct marks mark_function(const char *at, const struct kinds *kinds);
typedef bool take_function(struct csv_plain *plain, size_t *count, const struct marks *marks,
                           uint32_t place, size_t rows);

/* The marks of the block at `place`, with only those carriage returns odd that no feed follows. */
static ALWAYS_INLINE struct marks mark_block(const char *text, size_t place, size_t size,
                                             const struct kinds *kinds, mark_function *mark_64)
{
    char rest[BLOCK_SIZE] = {0};
    const char *at = text + place;
    size_t left = size - place;
    if (left < BLOCK_SIZE)
        at = memcpy(rest, at, left);
    struct marks marks = mark_64(at, kinds);
    if (marks.returns) {
        bool next = left > BLOCK_SIZE && at[BLOCK_SIZE] == '\n';
        marks.odd |= marks.returns & ~(marks.feeds >> 1 | (uint64_t)next << 63);
    }
    return marks;
}

/* Lines that end with CRLF: their last fields end one earlier. */
static void cut_returns(struct csv_plain *plain)
{
    for (size_t row = 0; row < plain->rows; row++) {
        uint32_t *stop = &plain->stops[(row + 1) * plain->width - 1];
        *stop -= *stop && plain->text[*stop - 1] == '\r';
    }
}

/* Finds up to `rows` records in `size` bytes. Returns whether there are carriage returns in them.
 */
static ALWAYS_INLINE bool find(struct csv_plain *plain, size_t size, const struct kinds *kinds,
                               size_t rows, mark_function *mark_64, take_function *take_64)
{
    uint64_t returns = 0;
    size_t count = 0;
    bool going = true;
    for (size_t place = 0; going && place < size && count <= rows * plain->width;
         place += BLOCK_SIZE) {
        struct marks marks = mark_block(plain->text, place, size, kinds, mark_64);
        if (marks.odd) {
            uint64_t before = (marks.odd & (~marks.odd + 1)) - 1;
            marks.stops &= before;
            marks.feeds &= before;
        }
        returns |= marks.returns;
        going = take_64(plain, &count, &marks, (uint32_t)place, rows) && !marks.odd;
    }
    return returns != 0;
}

/* The same loop for every instruction set: what differs is the marks, and what is done with them.
 */
#if TARGET_X86
TARGET_AVX512 static bool find_avx512(struct csv_plain *plain, size_t size,
                                      const struct kinds *kinds, size_t rows)
{
    return find(plain, size, kinds, rows, mark_avx512, take_avx512);
}

TARGET_AVX2 static bool find_avx2(struct csv_plain *plain, size_t size, const struct kinds *kinds,
                                  size_t rows)
{
    return find(plain, size, kinds, rows, mark, take);
}
#endif

static bool find_any(struct csv_plain *plain, size_t size, const struct kinds *kinds, size_t rows)
{
#if TARGET_X86
    if (plain->way == CSV_AVX512)
        return find_avx512(plain, size, kinds, rows);
    if (plain->way == CSV_AVX2)
        return find_avx2(plain, size, kinds, rows);
#endif
    return find(plain, size, kinds, rows, mark, take);
}

void csv_plain_find(struct csv_plain *plain, const struct csv_reader *reader, size_t rows)
{
    const struct csv_dialect *dialect = &reader->dialect;
    plain->text = reader->at;
    plain->rows = 0;
    if (!can_be_plain(plain, dialect))
        return;
    const struct kinds kinds = {dialect->delimiter,  dialect->quote,       dialect->escape,
                                !dialect->no_quotes, dialect->escape != 0, dialect->utf8};
    size_t size = (size_t)(reader->end - reader->at);
    if (find_any(plain, size < TEXT_MOST ? size : TEXT_MOST, &kinds,
                 rows < plain->room ? rows : plain->room))
        cut_returns(plain);
}

void csv_plain_finish(const struct csv_plain *plain, struct csv_reader *reader)
{
    if (!plain->rows)
        return;
    reader->line += plain->rows;
    reader->at = plain->text + plain->nexts[plain->rows - 1];
}
