/* signature.h: who signed a request, and for which region and service. */
#ifndef LATHE_WIRE_SIGNATURE_H
#define LATHE_WIRE_SIGNATURE_H

#include <glib.h>
#include <stdbool.h>

#include "wire/request.h"

/* What the credential scope says; "" what it does not (SigV2 names the key only). */
struct credential {
    char access_key[129];
    char region[64];
    char service[64];
};

/* From the Authorization header, else from a presigned URL's query. False: unsigned. */
bool credential_read(const struct wire_request *request, struct credential *credential);

/* Whether the query is a presigned URL's and its time is over (AccessDenied), or its times cannot
 * be read (InvalidArgument): false and an error. `now` in seconds since 1970. */
bool presigned_is_valid(const GArray *query, double now, GError **error);

#endif
