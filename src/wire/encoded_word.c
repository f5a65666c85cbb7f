#include "wire/encoded_word.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define BLANKS " \t"

static void append_latin1(GString *text, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        g_string_append_unichar(text, (unsigned char)bytes[i]);
}

/* RFC 2047's Q: "_" is a blank, "=C3" a byte. */
static char *decode_q(const char *encoded)
{
    GString *bytes = g_string_new(NULL);
    for (const char *at = encoded; *at; at++) {
        bool hex = *at == '=' && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2]);
        g_string_append_c(
            bytes, hex ? (char)(g_ascii_xdigit_value(at[1]) << 4 | g_ascii_xdigit_value(at[2]))
                   : *at == '_' ? ' '
                                : *at);
        at += hex ? 2 : 0;
    }
    return g_string_free(bytes, FALSE);
}

static char *decode_b(const char *encoded)
{
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(encoded, &size);
    return g_strndup((const char *)bytes, size);
}

/* The text of the encoded word that `at` begins with, *end behind it; NULL where there is none that
 * can be read. */
static char *read_word(const char *at, const char **end)
{
    if (!g_str_has_prefix(at, "=?"))
        return NULL;
    const char *charset = at + 2, *kind = strchr(charset, '?');
    const char *encoded = kind && kind[1] && kind[2] == '?' ? kind + 3 : NULL;
    const char *behind = encoded ? strstr(encoded, "?=") : NULL;
    if (!behind || strcspn(at, BLANKS) < (size_t)(behind - at))
        return NULL;
    static const char *const charsets[] = {"UTF-8", "US-ASCII", "ISO-8859-1", NULL};
    g_autofree char *body = g_strndup(encoded, (gsize)(behind - encoded));
    g_autofree char *given = g_strndup(charset, (gsize)(kind - charset));
    g_autofree char *name = g_ascii_strup(given, -1);
    char how = g_ascii_toupper(kind[1]);
    g_autofree char *bytes = how == 'B' ? decode_b(body) : how == 'Q' ? decode_q(body) : NULL;
    *end = behind + 2;
    return bytes && g_strv_contains(charsets, name)
               ? g_convert(bytes, -1, "UTF-8", name, NULL, NULL, NULL)
               : NULL;
}

char *encoded_word_read(const char *value)
{
    GString *text = g_string_new(NULL);
    bool after_word = false;
    for (const char *at = value; *at;) {
        size_t blanks = strspn(at, BLANKS);
        const char *end;
        g_autofree char *word = read_word(at + blanks, &end);
        /* Blanks between two encoded words are there for the words' length alone. */
        if (!(word && after_word))
            append_latin1(text, at, blanks);
        size_t plain = strcspn(at + blanks, BLANKS);
        if (word)
            g_string_append(text, word);
        else
            append_latin1(text, at + blanks, plain);
        at = word ? end : at + blanks + plain;
        after_word = word != NULL;
    }
    return g_string_free(text, FALSE);
}

char *encoded_word_write(const char *text)
{
    if (g_str_is_ascii(text))
        return g_strdup(text);
    g_autofree char *encoded = g_base64_encode((const guchar *)text, strlen(text));
    return g_strdup_printf("=?UTF-8?B?%s?=", encoded);
}
