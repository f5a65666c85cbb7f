/* XML documents into a few of S3's shapes, through validation; what is accepted is written and read
 * again to the same value. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "operation/validate.h"
#include "wire/xml.h"

static const char *const names[] = {"DeleteObjects", "CompleteMultipartUpload", "PutObjectTagging",
                                    "CreateBucket"};

static void read_and_write(const struct shape *shape, const char *text, size_t size)
{
    g_autoptr(json_auto) value = xml_read(shape, text, size, NULL);
    if (!value)
        return;
    /* Held against the shape, so that what is written again is only what the shape knows. */
    const struct shape_operation as_reply = {.name = "fuzz", .output = shape};
    if (!validate_reply(NULL, &as_reply, value, NULL))
        return;
    g_autoptr(GString) out = g_string_new("<r>");
    xml_append_members(out, shape, value);
    g_string_append(out, "</r>");
    g_autoptr(json_auto) again = xml_read(shape, out->str, out->len, NULL);
    if (!again || json_object_size(again) > json_object_size(value))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const struct shape_operation *operation =
        shape_operation_find(shape_service_find("s3"), names[data[0] % G_N_ELEMENTS(names)]);
    const struct shape_member *payload = shape_payload(operation->input);
    read_and_write(payload->shape, (const char *)data + 1, size - 1);
    return 0;
}
