/* fail.h: how floor 0 reports errors. Every function that can fail takes a struct lathe_error
 * and returns false or NULL; these two write it. */
#ifndef LATHE_PARSE_FAIL_H
#define LATHE_PARSE_FAIL_H

#include "lathe.h"

#if defined(__GNUC__)
#define LATHE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define LATHE_PRINTF(text, first)
#endif

/* Writes code and text (cut, never overrun) into error, which may be NULL; returns false, so that
 * a caller can say `return fail(error, ...)`. */
bool fail(struct lathe_error *error, enum lathe_code code, const char *format, ...)
    LATHE_PRINTF(3, 4);

/* LATHE_NO_MEMORY, "no memory for <what>". */
bool fail_memory(struct lathe_error *error, const char *what);

/* Puts context before the text of an error on its way up: fail_prefix(error, "%s: ", path).
 * Returns false. */
bool fail_prefix(struct lathe_error *error, const char *format, ...) LATHE_PRINTF(2, 3);

#endif
