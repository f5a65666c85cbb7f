/* JSON bodies into the largest shapes there are, through validation: what comes out in normal form
 * is valid again, and is its own normal form. */
#include <stdint.h>
#include <stdlib.h>

#include "operation/validate.h"

static const char *const names[] = {"CreateTrainingJob", "CreateEndpointConfig", "Search",
                                    "CreateProcessingJob", "CreateModelPackage"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct patterns *patterns;
    if (!patterns)
        patterns = patterns_new();
    if (size == 0)
        return 0;
    const struct shape_service *service = shape_service_find("sagemaker");
    const struct shape_operation *operation =
        shape_operation_find(service, names[data[0] % G_N_ELEMENTS(names)]);
    g_autoptr(json_auto) request = json_parse((const char *)data + 1, size - 1, "the body", NULL);
    if (!json_is_object(request))
        return 0;
    g_autoptr(json_auto) normal = validate_request(patterns, service, operation, request, NULL);
    if (!normal)
        return 0;
    g_autoptr(json_auto) again = validate_request(patterns, service, operation, normal, NULL);
    if (!again || !json_equal(normal, again))
        abort();
    return 0;
}
