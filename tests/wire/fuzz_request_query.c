/* Forms into the shapes of query services, through validation, and the request as a reply back out
 * as XML. */
#include <stdint.h>

#include "operation/validate.h"
#include "wire/query.h"
#include "wire/url.h"

static const struct {
    const char *service, *operation;
} targets[] = {{"iam", "SimulatePrincipalPolicy"},
               {"sts", "AssumeRole"},
               {"cloudwatch", "PutMetricData"},
               {"cloudwatch", "GetMetricData"}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct patterns *patterns;
    if (!patterns)
        patterns = patterns_new();
    if (size == 0)
        return 0;
    size_t target = data[0] % G_N_ELEMENTS(targets);
    const struct shape_service *service = shape_service_find(targets[target].service);
    const struct shape_operation *operation =
        shape_operation_find(service, targets[target].operation);
    g_autoptr(GArray) pairs = url_pairs((const char *)data + 1, size - 1, 1000, NULL);
    if (!pairs)
        return 0;
    g_autoptr(json_auto) request = query_decode(operation, pairs);
    g_autoptr(json_auto) normal = validate_request(patterns, service, operation, request, NULL);
    struct shape_operation mirrored = *operation;
    mirrored.output = operation->input;
    if (normal)
        g_free(query_encode(service, &mirrored, normal, "id"));
    return 0;
}
