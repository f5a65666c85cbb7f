/* Metadata in headers' values. What a value says is UTF-8, and written and read again it is the
 * same, in a header that is ASCII. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/encoded_word.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *value = g_strndup((const char *)data, size);
    g_autofree char *text = encoded_word_read(value);
    g_autofree char *written = encoded_word_write(text);
    g_autofree char *again = encoded_word_read(written);
    bool plain = g_str_is_ascii(text); /* which may look like an encoded word once it is decoded */
    if (!g_utf8_validate(text, -1, NULL) || !g_str_is_ascii(written) ||
        (!plain && strcmp(text, again) != 0))
        abort();
    return 0;
}
