/* variables.h: the environment that brings a program's requests for AWS's hosts to a proxy here. */
#ifndef LATHE_PROXY_VARIABLES_H
#define LATHE_PROXY_VARIABLES_H

#include "base/json.h"

struct proxy_variables {
    const char *proxy; /* its URL */
    const char
        *direct; /* hosts that are reached without it, parted by commas; NULL: this machine's */
    const char *bundle; /* the system's roots and this home's authority: what is to be trusted */
    const char *own;    /* the authority alone */
};

#define PROXY_DIRECT "localhost,127.0.0.1,::1"

/* Texts by name. A new reference. */
json_t *proxy_variables(const struct proxy_variables *told);

#endif
