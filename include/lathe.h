/* lathe.h: predict with trained pipelines, from any language.
 *
 * One library, liblathe, and this one header. Plain C; nothing here allocates per row, nothing
 * is global, and everything is safe to use from several threads once it is open. */
#ifndef LATHE_H
#define LATHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What went wrong. The caller owns the struct; functions that fail fill it in and never read it.
 * The text says what was attempted, where (file, row, column or key), what was found there and
 * what would be right. */
enum lathe_code {
    LATHE_OK = 0,
    LATHE_INVALID_DATA,     /* rows that do not fit: a word in a number, too few fields */
    LATHE_INVALID_MODEL,    /* an artifact that is cut, corrupt, hostile or of an unknown kind */
    LATHE_UNSUPPORTED,      /* well-formed, but nothing lathe does */
    LATHE_LIMIT,            /* larger than a limit that the text names */
    LATHE_NO_MEMORY,
    LATHE_IO,               /* a file could not be opened or read */
};

struct lathe_error {
    enum lathe_code code;
    char message[496];
};

#ifdef __cplusplus
}
#endif

#endif
