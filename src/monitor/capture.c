#include "monitor/capture.h"

#include "base/clock.h"
#include "base/json.h"

static json_t *part_record(const struct capture_part *part, const char *mode)
{
    static const char *const names[] = {"CSV", "JSON", "BASE64"};
    bool text =
        part->encoding != CAPTURE_BASE64 && g_utf8_validate_len(part->bytes, part->size, NULL);
    g_autofree char *encoded = text ? NULL : g_base64_encode(part->bytes, part->size);
    json_t *data = text ? json_stringn(part->bytes, part->size) : json_string(encoded);
    return json_pack("{sssssoss}", "observedContentType", part->content_type, "mode", mode, "data",
                     data, "encoding", text ? names[part->encoding] : names[CAPTURE_BASE64]);
}

void capture_write(GString *lines, const struct capture_event *event)
{
    g_autoptr(json_auto) data = json_object();
    if (event->input.content_type)
        json_put(data, "endpointInput", part_record(&event->input, "INPUT"));
    if (event->output.content_type)
        json_put(data, "endpointOutput", part_record(&event->output, "OUTPUT"));
    g_autofree char *exact = clock_iso(event->time);
    g_autofree char *time = g_strdup_printf("%.19sZ", exact); /* whole seconds, as SageMaker's */
    g_autoptr(json_auto) record =
        json_pack("{sOs{ssss}ss}", "captureData", data, "eventMetadata", "eventId", event->id,
                  "inferenceTime", time, "eventVersion", "0");
    json_t *metadata = json_object_get(record, "eventMetadata");
    if (event->inference_id)
        json_put(metadata, "inferenceId", json_string(event->inference_id));
    if (event->custom_attributes) {
        json_t *attributes = json_array();
        json_array_append_new(attributes, json_string(event->custom_attributes));
        json_put(metadata, "customAttributes", attributes);
    }
    g_autofree char *text = json_text_of(record);
    g_string_append(lines, text);
    g_string_append_c(lines, '\n');
}
