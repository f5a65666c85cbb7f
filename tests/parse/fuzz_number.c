/* number_scan against strtod: same end, same bits. */
#include "parse/number.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    char *stop;
    double expected = strtod(text, &stop), value = 0;
    /* Blanks before, hexadecimal and nan(...) are strtod's alone. */
    const char *digits = text + (*text == '-' || *text == '+');
    bool ours =
        strchr("-+.0123456789nNiI", *text) && !(digits[0] == '0' && (digits[1] | 0x20) == 'x');
    const char *after = number_scan(text, text + size, &value);
    if (ours && (digits[0] | 0x20) != 'n') {
        if ((after ? after : text) != stop)
            abort();
        if (after && memcmp(&value, &expected, sizeof value) != 0)
            abort();
    }
    free(text);
    return 0;
}
