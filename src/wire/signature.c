#include "wire/signature.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "wire/url.h"

#define LONGEST_PRESIGNED (7 * 24 * 3600) /* seconds, of SigV4 */

static void copy_part(char *into, size_t size, const char *from, size_t length)
{
    if (length < size) {
        memcpy(into, from, length);
        into[length] = '\0';
    }
}

/* "<access key>/<date>/<region>/<service>/aws4_request"; SigV4A has no region. */
static void read_scope(const char *scope, size_t length, struct credential *credential)
{
    const char *part[5] = {scope};
    size_t parts = 1;
    const char *end = scope + length;
    for (const char *at = scope; at < end && parts < 5; at++)
        if (*at == '/')
            part[parts++] = at + 1;
    copy_part(credential->access_key, sizeof credential->access_key, scope,
              parts > 1 ? (size_t)(part[1] - scope - 1) : length);
    if (parts < 4)
        return;
    size_t service = parts - 2; /* the last but one */
    copy_part(credential->service, sizeof credential->service, part[service],
              (size_t)(part[service + 1] - part[service] - 1));
    if (parts == 5)
        copy_part(credential->region, sizeof credential->region, part[2],
                  (size_t)(part[3] - part[2] - 1));
}

static bool read_query(const char *query, struct credential *credential)
{
    static const char v4[] = "X-Amz-Credential=", v2[] = "AWSAccessKeyId=";
    for (const char *at = query; at && *at;) {
        at += *at == '&';
        size_t length = strcspn(at, "&");
        bool is_v4 = strncmp(at, v4, sizeof v4 - 1) == 0;
        if (is_v4 || strncmp(at, v2, sizeof v2 - 1) == 0) {
            size_t name = is_v4 ? sizeof v4 - 1 : sizeof v2 - 1;
            g_autofree char *scope = url_decode(at + name, length - name, true, NULL);
            if (scope)
                read_scope(scope, strlen(scope), credential);
            return scope != NULL;
        }
        at = at[length] ? at + length : NULL;
    }
    return false;
}

bool credential_read(const struct wire_request *request, struct credential *credential)
{
    *credential = (struct credential){0};
    const char *authorization = wire_header(request, "authorization");
    if (!authorization)
        return *request->query && read_query(request->query, credential);
    const char *scope = strstr(authorization, "Credential=");
    if (scope) {
        scope += strlen("Credential=");
        read_scope(scope, strcspn(scope, ", "), credential);
    } else if (g_str_has_prefix(authorization, "AWS ")) {
        read_scope(authorization + 4, strcspn(authorization + 4, ":"), credential);
    }
    return credential->access_key[0] != '\0';
}

bool presigned_is_valid(const GArray *query, double now, GError **error)
{
    const char *v4_expires = url_pair_value(query, "X-Amz-Expires");
    const char *v2_expires =
        url_pair_value(query, "Signature") ? url_pair_value(query, "Expires") : NULL;
    double until = now;
    if (v4_expires) {
        const char *date = url_pair_value(query, "X-Amz-Date");
        double signed_at;
        char *end;
        double seconds = strtod(v4_expires, &end);
        if (!date || !clock_parse(date, &signed_at) || *end || !(seconds >= 0) ||
            seconds > LONGEST_PRESIGNED)
            return error_set(error, ERROR_AUTHORIZATION_QUERY,
                             "a presigned URL needs X-Amz-Date, such as 20260131T102030Z, and "
                             "X-Amz-Expires, seconds up to %d",
                             LONGEST_PRESIGNED);
        until = signed_at + seconds;
    } else if (v2_expires && !clock_parse(v2_expires, &until)) {
        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "Expires of a presigned URL is '%s', not seconds since 1970", v2_expires);
    }
    if (now > until)
        return error_set(error, ERROR_ACCESS_DENIED, "Request has expired");
    return true;
}
