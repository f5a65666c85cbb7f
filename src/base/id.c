#include "base/id.h"

#include <glib.h>
#include <sys/random.h>

void id_random(void *bytes, size_t size)
{
    unsigned char *at = bytes;
    while (size) {
        /* Up to 256 bytes come whole and without EINTR, once the kernel has any entropy. */
        ssize_t n = getrandom(at, MIN(size, 256), 0);
        if (n < 0)
            continue;
        at += n;
        size -= (size_t)n;
    }
}

static char *spelled(const char *alphabet, size_t letters, size_t length)
{
    char *text = g_malloc(length + 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte;
        /* Bytes past the last whole multiple would favour the first letters. */
        do
            id_random(&byte, 1);
        while (byte >= 256 / letters * letters);
        text[i] = alphabet[byte % letters];
    }
    text[length] = '\0';
    return text;
}

char *id_uuid(void)
{
    return g_uuid_string_random();
}

char *id_hex(size_t digits)
{
    return spelled("0123456789abcdef", 16, digits);
}

char *id_word(size_t characters)
{
    return spelled("abcdefghijklmnopqrstuvwxyz0123456789", 36, characters);
}
