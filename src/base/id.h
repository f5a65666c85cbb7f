/* id.h: names nobody can guess and nothing repeats. */
#ifndef LATHE_BASE_ID_H
#define LATHE_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

void id_random(void *bytes, size_t size); /* from the kernel */
char *id_uuid(void);                      /* 8-4-4-4-12, version 4; g_free */
char *id_hex(size_t digits);              /* lower case; g_free */
char *id_word(size_t characters);         /* lower-case letters and digits; g_free */

#endif
