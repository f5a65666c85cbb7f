/* The reader's lists of numbers. Nearly all of a model's text is in them, so JSON's are taken a
 * block of 64 characters at a time: where its commas are is found at once, and as no number then
 * waits for the end of the one before it, several are converted at the same time; with AVX-512 8 or
 * 16 in the same instructions (reader_avx512.c). What is not written in the usual way (blanks, true
 * and false, many digits, errors) is left to reader_next. */
#include "parse/block.h"
#include "parse/reader_inside.h"

size_t reader_count(const struct reader *reader)
{
    const struct reader_frame *top = reader->depth ? &reader->stack[reader->depth - 1] : NULL;
    return top && reader->event == READER_ARRAY && top->counted ? top->left : 0;
}

/* Whether the list goes on: the next number is then in the reader. */
static bool next_number(struct reader *reader, bool *over)
{
    enum reader_event event = reader_next(reader);
    *over = event == READER_ARRAY_END;
    return *over || event == READER_NUMBER || event == READER_BOOL ||
           (event != READER_FAILED && reader_fail(reader, "a number was expected in this list"));
}

/* How many numbers, up to `capacity`, a UBJSON list has side by side, all of its one type. */
static size_t typed_numbers(struct reader *reader, size_t capacity)
{
    const struct reader_frame *top = reader_top(reader);
    if (reader->event == READER_FAILED || !top || !top->type)
        return 0;
    return top->left < capacity ? top->left : capacity;
}

/* ---- blocks of JSON ---- */

/* Where a block begins with a number of a list, or NULL: then it is not to be taken so. Behind the
 * block what may be looked at of its last number can be read: a sign, a digit, a point, eight
 * digits, the exponent. */
static inline const unsigned char *block_begin(struct reader *reader)
{
    const struct reader_frame *top = reader_top(reader);
    if (reader->form != READER_JSON || reader->event == READER_FAILED || !top || top->object ||
        reader_left(reader) < 1 + BLOCK_SIZE + 16)
        return NULL;
    if (top->first)
        return reader->next;
    return *reader->next == ',' ? reader->next + 1 : NULL;
}

/* Leaves the reader as if the numbers before `at`, each with a comma behind it, had been taken one
 * by one. */
static inline void block_end(struct reader *reader, const unsigned char *at)
{
    reader->next = at - 1;
    reader_top(reader)->first = false;
}

/* The first `count` (0 to 8) characters as eight digits, behind zeros; *wrong is set where one is
 * none. */
static inline uint64_t block_digits(const unsigned char *at, unsigned count, bool *wrong)
{
    /* two shifts, for one by 64 is not defined */
    unsigned half = 4 * (8 - count);
    uint64_t digits = (word_load((const char *)at) ^ word_of('0')) << half << half;
    *wrong |= ((digits | (digits + word_of(0x06))) & word_of((char)0xf0)) != 0;
    return digits;
}

/* A float as XGBoost writes it: a digit, up to eight behind a point, then at `e` an exponent, up to
 * the comma at `end`. Without branches that depend on the numbers, except on the second digit of
 * an exponent. */
static inline bool block_float(const unsigned char *at, const unsigned char *e,
                               const unsigned char *end, float *out)
{
    static const int32_t shifts[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    static const float signs[] = {1.0f, -1.0f};
    size_t negative = *at == '-', lowered = e[1] == '-';
    at += negative;
    unsigned first = (unsigned)*at - '0', power = (unsigned)end[-1] - '0';
    size_t point = at[1] == '.';
    size_t places = (size_t)(e - at) - 1 - point;
    size_t figures = (size_t)(end - e) - 1 - lowered;
    if (places > 8 || figures - 1 > 1)
        return false;
    bool wrong = (first > 9) | (power > 9) | (point != (places > 0));
    uint64_t fraction = block_digits(e - places, (unsigned)places, &wrong);
    if (figures > 1) {
        unsigned tens = (unsigned)end[-2] - '0';
        wrong |= tens > 9;
        power += 10 * tens;
    }
    int scale = (lowered ? -(int)power : (int)power) - (int)places;
    if (wrong || scale < -NUMBER_EXACT_POWER || scale > READER_WHOLE)
        return false;
    int64_t digits = (int64_t)first * shifts[places] + word_digits(fraction);
    double number = number_scaled((double)digits, scale);
    *out = (float)number * signs[negative];
    return scale >= -READER_ROUNDED_ONCE || !reader_rounds_twice(number);
}

/* As many as are written so, of the block's; *size is set to how many characters they are. */
static size_t block_floats(const unsigned char *block, float *out, size_t capacity, size_t *size)
{
    uint64_t commas = block_equal(block, 0, ','), exponents = block_equal(block, 0x20, 'e');
    const unsigned char *at = block;
    size_t count = 0;
    while (commas && exponents && count < capacity) {
        const unsigned char *end = block + block_first(commas);
        if (!block_float(at, block + block_first(exponents), end, &out[count]))
            break;
        at = end + 1;
        count++;
        commas &= commas - 1;
        exponents &= exponents - 1;
    }
    *size = (size_t)(at - block);
    return count;
}

static size_t usual_floats(struct reader *reader, float *out, size_t capacity)
{
    bool wide = reader_wide(reader);
    size_t count = 0, taken = 1, size;
    const unsigned char *block;
    while (taken && (block = block_begin(reader))) {
        taken = wide ? reader_eight_floats(block, out + count, capacity - count, &size) : 0;
        if (!taken)
            taken = block_floats(block, out + count, capacity - count, &size);
        if (taken)
            block_end(reader, block + size);
        count += taken;
    }
    return count;
}

bool reader_floats(struct reader *reader, float *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (reader->event == READER_ARRAY_END)
        return true;
    size_t typed = typed_numbers(reader, capacity);
    if (typed && !ubjson_floats(reader, out, typed))
        return false;
    *count = typed;
    for (;; (*count)++) {
        bool over;
        *count += usual_floats(reader, out + *count, capacity - *count);
        if (*count == capacity)
            return true;
        if (!next_number(reader, &over))
            return false;
        if (over)
            return true;
        if (reader->event == READER_BOOL)
            return reader_fail(reader, "a number was expected in this list");
        out[*count] = reader_float(reader);
    }
}

/* An integer of at most eight digits up to the comma at `end`. */
static inline bool block_integer(const unsigned char *at, const unsigned char *end, int32_t *out)
{
    bool negative = *at == '-';
    at += negative;
    size_t size = (size_t)(end - at);
    if (size < 1 || size > 8)
        return false;
    bool wrong = (*at == '0') & (size > 1);
    int32_t value = (int32_t)word_digits(block_digits(at, (unsigned)size, &wrong));
    *out = negative ? -value : value;
    return !wrong;
}

/* Lists of yes and no: a whole block of 0 and 1. */
static inline size_t block_flags(const unsigned char *block, int32_t *out, size_t capacity,
                                 size_t *size)
{
    const uint64_t odd = 0xAAAAAAAAAAAAAAAA;
    if (capacity < BLOCK_SIZE / 2 || block_equal(block, 0, ',') != odd ||
        block_equal(block, 1, '1') != ~odd)
        return 0;
    for (size_t i = 0; i < BLOCK_SIZE / 2; i++)
        out[i] = block[2 * i] & 1;
    *size = BLOCK_SIZE;
    return BLOCK_SIZE / 2;
}

static size_t block_integers(const unsigned char *block, int32_t *out, size_t capacity,
                             size_t *size)
{
    uint64_t commas = block_equal(block, 0, ',');
    const unsigned char *at = block;
    size_t count = 0;
    while (commas && count < capacity) {
        const unsigned char *end = block + block_first(commas);
        if (!block_integer(at, end, &out[count]))
            break;
        at = end + 1;
        count++;
        commas &= commas - 1;
    }
    *size = (size_t)(at - block);
    return count;
}

static size_t usual_integers(struct reader *reader, int32_t *out, size_t capacity)
{
    bool wide = reader_wide(reader);
    size_t count = 0, taken = 1, size;
    const unsigned char *block;
    while (taken && (block = block_begin(reader))) {
        taken = block_flags(block, out + count, capacity - count, &size);
        if (!taken && wide)
            taken = reader_sixteen_integers(block, out + count, capacity - count, &size);
        if (!taken)
            taken = block_integers(block, out + count, capacity - count, &size);
        if (taken)
            block_end(reader, block + size);
        count += taken;
    }
    return count;
}

bool reader_integers(struct reader *reader, int32_t *out, size_t capacity, size_t *count)
{
    *count = 0;
    if (reader->event == READER_ARRAY_END)
        return true;
    size_t typed = typed_numbers(reader, capacity);
    if (typed && !ubjson_integers(reader, out, typed))
        return false;
    *count = typed;
    for (;; (*count)++) {
        bool over;
        *count += usual_integers(reader, out + *count, capacity - *count);
        if (*count == capacity)
            return true;
        if (!next_number(reader, &over))
            return false;
        if (over)
            return true;
        bool number = reader->event == READER_NUMBER;
        int64_t value = number ? reader->integer : reader->truth;
        if (number && (!reader->is_integer || value < INT32_MIN || value > INT32_MAX))
            return reader_fail(reader, "an integer of 32 bits was expected, not %g",
                               reader->number);
        out[*count] = (int32_t)value;
    }
}
