#include "sample/row.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static void append(struct row *row, const char *text, size_t size)
{
    assert(row->used + size + 2 < sizeof row->text);
    memcpy(row->text + row->used, text, size);
    row->used += size;
}

static void delimit(struct row *row)
{
    if (row->used)
        append(row, &row->delimiter, 1);
}

void row_text(struct row *row, const char *text)
{
    delimit(row);
    append(row, text, strlen(text));
}

static void write_decimal(struct row *row, int64_t scaled, unsigned decimals, bool shortest)
{
    delimit(row);
    char digits[32], *at = digits + sizeof digits;
    uint64_t left = scaled < 0 ? -(uint64_t)scaled : (uint64_t)scaled;
    bool written = !shortest; /* shortest: nothing is before a digit that is not 0 */
    for (unsigned i = 0; i < decimals; i++, left /= 10) {
        written = written || left % 10;
        if (written)
            *--at = (char)('0' + left % 10);
    }
    if (decimals && written)
        *--at = '.';
    do
        *--at = (char)('0' + left % 10);
    while (left /= 10);
    if (scaled < 0)
        *--at = '-';
    append(row, at, (size_t)(digits + sizeof digits - at));
}

void row_integer(struct row *row, int64_t value)
{
    write_decimal(row, value, 0, false);
}

void row_decimal(struct row *row, int64_t scaled, unsigned decimals)
{
    write_decimal(row, scaled, decimals, false);
}

void row_shortest(struct row *row, int64_t scaled, unsigned decimals)
{
    write_decimal(row, scaled, decimals, true);
}

int64_t nearest_integer(double value)
{
    return (int64_t)floor(value + 0.5);
}

bool row_end(struct row *row, const char *line_end)
{
    append(row, line_end, strlen(line_end));
    bool written = fwrite(row->text, 1, row->used, row->out) == row->used;
    row->used = 0;
    return written;
}
