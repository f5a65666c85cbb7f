#include "train/tensors.h"

#include <string.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define WORKER "worker_0"
#define MODE_GLOBAL "4"
enum { STEPS_A_FOLDER = 1000 };

struct tensor_step {
    char *folder;
    int step;
    GByteArray *events;
    json_t *index;
};

struct tensor_step *tensor_step_new(const char *folder, int step)
{
    struct tensor_step *made = g_new(struct tensor_step, 1);
    *made = (struct tensor_step){g_strdup(folder), step, g_byte_array_new(), json_array()};
    return made;
}

void tensor_step_free(struct tensor_step *step)
{
    if (!step)
        return;
    g_byte_array_unref(step->events);
    json_decref(step->index);
    g_free(step->folder);
    g_free(step);
}

/* ---- protocol buffers ---- */

static void add_varint(GByteArray *to, guint64 value)
{
    for (;; value >>= 7) {
        guint8 byte = (guint8)((value & 127) | (value > 127 ? 128 : 0));
        g_byte_array_append(to, &byte, 1);
        if (value <= 127)
            return;
    }
}

static void add_number(GByteArray *to, unsigned field, guint64 value)
{
    add_varint(to, field << 3);
    add_varint(to, value);
}

static void add_bytes(GByteArray *to, unsigned field, const void *bytes, size_t size)
{
    add_varint(to, field << 3 | 2);
    add_varint(to, size);
    if (size)
        g_byte_array_append(to, bytes, (guint)size);
}

static void add_text(GByteArray *to, unsigned field, const char *text)
{
    add_bytes(to, field, text, strlen(text));
}

static void add_part(GByteArray *to, unsigned field, const GByteArray *part)
{
    add_bytes(to, field, part->data, part->len);
}

/* ---- records ---- */

static guint32 masked_crc(const void *bytes, size_t size)
{
    unsigned char digest[CHECKSUM_LONGEST];
    struct checksum *checksum = checksum_new(CHECKSUM_CRC32C);
    checksum_update(checksum, bytes, size);
    checksum_finish(checksum, digest);
    checksum_free(checksum);
    guint32 crc =
        (guint32)digest[0] << 24 | (guint32)digest[1] << 16 | (guint32)digest[2] << 8 | digest[3];
    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

static void append_word(GByteArray *to, guint32 word)
{
    guint32 little = GUINT32_TO_LE(word);
    g_byte_array_append(to, (const guint8 *)&little, sizeof little);
}

/* smdebug does not sum up the payload: each record ends with the sum of these words. */
static void append_record(GByteArray *to, const GByteArray *payload)
{
    static const char words[] = "0x12345678";
    guint64 size = GUINT64_TO_LE((guint64)payload->len);
    g_byte_array_append(to, (const guint8 *)&size, sizeof size);
    append_word(to, masked_crc(&size, sizeof size));
    g_byte_array_append(to, payload->data, payload->len);
    append_word(to, masked_crc(words, sizeof words - 1));
}

/* ---- tensors ---- */

static void add_plugin(GByteArray *to, const char *name, const char *value)
{
    g_autoptr(GByteArray) plugin = g_byte_array_new(), whole = g_byte_array_new();
    add_text(plugin, 1, name);
    add_text(plugin, 2, value);
    add_part(whole, 1, plugin);
    g_byte_array_append(to, whole->data, whole->len);
}

static void add_plugins(GByteArray *to, int step)
{
    g_autofree char *number = g_strdup_printf("%d", step);
    g_autoptr(GByteArray) plugins = g_byte_array_new();
    add_plugin(plugins, "mode_step", number);
    add_plugin(plugins, "mode", MODE_GLOBAL);
    add_part(to, 9, plugins);
}

static void add_event(struct tensor_step *step, const char *name, const GByteArray *tensor)
{
    g_autoptr(GByteArray) value = g_byte_array_new(), summary = g_byte_array_new(),
                          event = g_byte_array_new();
    double now = clock_now();
    add_text(value, 1, name);
    add_part(value, 8, tensor);
    add_plugins(value, step->step);
    add_part(summary, 1, value);
    add_varint(event, 1 << 3 | 1);
    g_byte_array_append(event, (const guint8 *)&now, sizeof now);
    if (step->step)
        add_number(event, 2, (guint64)step->step);
    add_part(event, 5, summary);
    guint start = step->events->len;
    append_record(step->events, event);
    json_array_append_new(step->index,
                          json_pack("{sssisi}", "tensorname", name, "start_idx", (int)start,
                                    "length", (int)(step->events->len - start)));
}

static void add_shape(GByteArray *to, const char *name, struct tensor_shape shape)
{
    g_autoptr(GByteArray) sizes = g_byte_array_new();
    for (unsigned i = 0; i < shape.count; i++) {
        g_autofree char *called = g_strdup_printf("%s_%zu", name, shape.dimensions[i]);
        g_autoptr(GByteArray) one = g_byte_array_new();
        if (shape.dimensions[i])
            add_number(one, 1, shape.dimensions[i]);
        add_text(one, 2, called);
        add_part(sizes, 2, one);
    }
    add_part(to, 2, sizes);
}

void tensor_add(struct tensor_step *step, const char *name, enum tensor_type type,
                const void *values, struct tensor_shape shape)
{
    size_t bytes = type == TENSOR_FLOAT ? 4 : 8;
    for (unsigned i = 0; i < shape.count; i++)
        bytes *= shape.dimensions[i];
    if (!bytes)
        return;
    g_autoptr(GByteArray) tensor = g_byte_array_new();
    add_number(tensor, 1, type);
    add_shape(tensor, name, shape);
    add_bytes(tensor, 4, values, bytes);
    add_event(step, name, tensor);
}

void tensor_add_double(struct tensor_step *step, const char *name, double value)
{
    tensor_add(step, name, TENSOR_DOUBLE, &value, (struct tensor_shape){{1}, 1});
}

void tensor_add_texts(struct tensor_step *step, const char *name, const char *const *texts)
{
    g_autoptr(GByteArray) tensor = g_byte_array_new();
    struct tensor_shape shape = {{0}, 1};
    while (texts[shape.dimensions[0]])
        shape.dimensions[0]++;
    add_shape(tensor, name, shape);
    for (size_t i = 0; texts[i]; i++)
        add_text(tensor, 8, texts[i]);
    if (texts[0])
        add_event(step, name, tensor);
}

/* ---- files ---- */

/* As a whole or not at all: files are stored, and read, while the training goes on. */
static bool write_file(const char *folder, const char *name, const void *bytes, size_t size,
                       GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    return file_make_folders(above, error) && file_put(path, bytes, size, error);
}

static bool write_json(const char *folder, const char *name, const json_t *value, GError **error)
{
    g_autofree char *text = json_text_of(value);
    return write_file(folder, name, text, strlen(text), error);
}

bool tensor_step_write(const struct tensor_step *step, GError **error)
{
    g_autofree char *events =
        g_strdup_printf("events/%012d/%012d_" WORKER ".tfevents", step->step, step->step);
    g_autofree char *index = g_strdup_printf("index/%09d/%012d_" WORKER ".json",
                                             step->step / STEPS_A_FOLDER, step->step);
    g_autoptr(json_auto) whole =
        json_pack("{s{sssiss}sOs[]}", "meta", "mode", "GLOBAL", "mode_step", step->step,
                  "event_file_name", events, "tensor_payload", step->index, "shape_payload");
    return !json_array_size(step->index) ||
           (write_file(step->folder, events, step->events->data, step->events->len, error) &&
            write_json(step->folder, index, whole, error));
}

bool tensor_write_collections(const char *folder, const json_t *collections, GError **error)
{
    g_autoptr(json_auto) whole =
        json_pack("{sOs{si}}", "collections", collections, "_meta", "num_workers", 1);
    return write_json(folder, "collections/000000000/" WORKER "_collections.json", whole, error);
}

bool tensor_write_end(const char *folder, GError **error)
{
    return write_file(folder, "training_job_end.ts", "", 0, error);
}
