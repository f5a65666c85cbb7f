/* Heads of requests to the proxy. What is taken names a host that a certificate may be made for,
 * and a port. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/aws_host.h"
#include "proxy/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct proxy_target target;
    struct aws_host host;
    const char *why = NULL;
    size_t length = proxy_head_length((const char *)bytes, size);
    if (!length)
        return 0;
    if (proxy_head_read((const char *)bytes, length, &target, &why) != 0)
        return why ? 0 : (abort(), 0);
    if (target.port < 1 || target.port > 65535 || strpbrk(target.host, ", \r\n") || !*target.host)
        abort();
    if (aws_host_is(target.host))
        aws_host_read(target.host, &host);
    return 0;
}
