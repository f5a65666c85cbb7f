/* encoded_word.h: texts that are not ASCII in headers' values, by RFC 2047, as S3 takes and gives
 * metadata. */
#ifndef LATHE_WIRE_ENCODED_WORD_H
#define LATHE_WIRE_ENCODED_WORD_H

/* What a value says, in UTF-8: encoded words ("=?UTF-8?B?w4Q=?=", "=?UTF-8?Q?=C3=84?=") decoded,
 * and bytes that are not ASCII read as ISO-8859-1, which is what HTTP's values are. g_free. */
char *encoded_word_read(const char *value);

/* A text as a value: as it is where it is ASCII, else one encoded word. g_free. */
char *encoded_word_write(const char *text);

#endif
