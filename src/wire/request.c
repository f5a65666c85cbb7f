#include "wire/request.h"

#include <strings.h>

const char *wire_header(const struct wire_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        const char *given = request->headers[i].name;
        /* A first letter tells most names apart; bit 5 is the case. */
        if (((given[0] ^ name[0]) & ~0x20) == 0 && strcasecmp(given, name) == 0)
            return request->headers[i].value;
    }
    return NULL;
}
