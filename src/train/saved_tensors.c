#include "train/saved_tensors.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "parse/protobuf.h"
#include "train/tensors.h"

/* Of an event's file: a step of ten million predictions has a tenth of it. */
#define MOST_BYTES ((gsize)1 << 30)

enum { RECORD_HEAD = 12, RECORD_END = 4 };
/* The fields on the way to a tensor, and its own. */
enum { EVENT_SUMMARY = 5, SUMMARY_VALUE = 1, VALUE_NAME = 1, VALUE_TENSOR = 8 };
enum { TENSOR_TYPE = 1, TENSOR_SHAPE = 2, TENSOR_BYTES = 4, TENSOR_TEXT = 8 };
enum { SHAPE_SIZE = 2, SIZE_NUMBER = 1 };

static void free_tensor(void *of)
{
    struct saved_tensor *tensor = of;
    g_bytes_unref(tensor->events);
    g_free(tensor->text);
    g_free(tensor);
}

GHashTable *saved_tensors_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_tensor);
}

/* ---- files ---- */

static GBytes *read_file(const char *root, const char *folder, const char *name, GError **error)
{
    g_autofree char *below = g_build_filename(folder, name, NULL);
    return file_read_below(root, below, MOST_BYTES, error);
}

/* ---- a tensor ---- */

/* The first field of that number, where it is bytes. */
static bool find_field(struct protobuf message, unsigned number, struct protobuf *found)
{
    struct protobuf_field field;
    while (message.at < message.end && protobuf_next(&message, &field)) {
        if (field.number == number && field.bytes.at) {
            *found = field.bytes;
            return true;
        }
    }
    return false;
}

static guint64 size_of(struct protobuf dimension)
{
    struct protobuf_field field;
    while (dimension.at < dimension.end && protobuf_next(&dimension, &field))
        if (field.number == SIZE_NUMBER)
            return field.value;
    return 0;
}

/* The first dimension and the last. */
static void read_shape(struct protobuf shape, struct saved_tensor *tensor)
{
    struct protobuf_field field;
    size_t count = 0;
    tensor->columns = 1;
    while (shape.at < shape.end && protobuf_next(&shape, &field)) {
        if (field.number != SHAPE_SIZE || !field.bytes.at)
            continue;
        if (count++ == 0)
            tensor->rows = size_of(field.bytes);
        else
            tensor->columns = size_of(field.bytes);
    }
}

static bool read_tensor(struct protobuf message, struct saved_tensor *tensor)
{
    struct protobuf_field field;
    while (message.at < message.end) {
        if (!protobuf_next(&message, &field))
            return false;
        if (field.number == TENSOR_TYPE)
            tensor->type = (unsigned)field.value;
        else if (field.number == TENSOR_SHAPE && field.bytes.at)
            read_shape(field.bytes, tensor);
        else if (field.number == TENSOR_BYTES && field.bytes.at) {
            tensor->values = field.bytes.at;
            tensor->size = protobuf_size(field.bytes);
        } else if (field.number == TENSOR_TEXT && field.bytes.at && !tensor->text) {
            tensor->text =
                g_utf8_make_valid((const char *)field.bytes.at, (gssize)protobuf_size(field.bytes));
        }
    }
    return true;
}

static struct saved_tensor *tensor_of(GBytes *events, struct protobuf event, char **name)
{
    struct protobuf summary, value, called, tensor;
    if (!find_field(event, EVENT_SUMMARY, &summary) ||
        !find_field(summary, SUMMARY_VALUE, &value) || !find_field(value, VALUE_NAME, &called) ||
        !find_field(value, VALUE_TENSOR, &tensor))
        return NULL;
    struct saved_tensor *made = g_new0(struct saved_tensor, 1);
    made->events = g_bytes_ref(events);
    if (!read_tensor(tensor, made)) {
        free_tensor(made);
        return NULL;
    }
    *name = g_utf8_make_valid((const char *)called.at, (gssize)protobuf_size(called));
    return made;
}

/* ---- a step ---- */

/* The record at an index's place: its head says how long what it holds is. */
static bool find_record(GBytes *events, const json_t *place, struct protobuf *record)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(events, &size);
    json_int_t start = json_integer_at(place, "start_idx", -1);
    guint64 length;
    if (start < 0 || (guint64)start > size || size - (guint64)start < RECORD_HEAD + RECORD_END)
        return false;
    memcpy(&length, bytes + start, sizeof length);
    length = GUINT64_FROM_LE(length);
    if (length > size - (guint64)start - RECORD_HEAD - RECORD_END)
        return false;
    const guint8 *at = bytes + start + RECORD_HEAD;
    *record = (struct protobuf){at, at + length};
    return true;
}

static bool add_tensors(GBytes *events, const json_t *places, GHashTable *tensors)
{
    size_t i;
    const json_t *place;
    json_array_foreach((json_t *)places, i, place)
    {
        struct protobuf record;
        char *name = NULL;
        struct saved_tensor *tensor =
            find_record(events, place, &record) ? tensor_of(events, record, &name) : NULL;
        if (!tensor)
            return false;
        g_hash_table_replace(tensors, name, tensor);
    }
    return true;
}

bool saved_tensors_read(const char *root, const char *folder, const char *index,
                        GHashTable *tensors, int *step, GError **error)
{
    g_autoptr(GBytes) text = read_file(root, folder, index, error);
    gsize size = 0;
    const char *bytes = !text ? NULL : g_bytes_get_data(text, &size);
    g_autoptr(json_auto) whole = !text ? NULL : json_parse(bytes, size, index, error);
    if (!whole)
        return false;
    const char *name = json_text_at(whole, "meta.event_file_name");
    json_int_t number = json_integer_at(whole, "meta.mode_step", -1);
    if (!name || number < 0 || number > G_MAXINT)
        return error_set(error, ERROR_VALIDATION, "%s is no index of smdebug's", index);
    *step = (int)number;
    g_autoptr(GBytes) events = read_file(root, folder, name, error);
    return events && (add_tensors(events, json_object_get(whole, "tensor_payload"), tensors) ||
                      error_set(error, ERROR_VALIDATION,
                                "%s has no tensors where %s says that they are", name, index));
}

/* ---- numbers ---- */

#define READ(type)                                                                \
    do {                                                                          \
        type value;                                                               \
        for (size_t i = 0; i + sizeof value <= tensor->size; i += sizeof value) { \
            memcpy(&value, tensor->values + i, sizeof value);                     \
            double number = (double)value;                                        \
            g_array_append_val(numbers, number);                                  \
        }                                                                         \
        return true;                                                              \
    } while (0)

/* Adds double. */
static bool read_numbers(const struct saved_tensor *tensor, GArray *numbers)
{
    switch (tensor->type) {
    case TENSOR_FLOAT:
        READ(float);
    case TENSOR_DOUBLE:
        READ(double);
    case TENSOR_INT32:
        READ(gint32);
    case TENSOR_UINT8:
    case TENSOR_BOOL:
        READ(guint8);
    case TENSOR_INT16:
        READ(gint16);
    case TENSOR_INT8:
        READ(gint8);
    case TENSOR_INT64:
        READ(gint64);
    case TENSOR_UINT32:
        READ(guint32);
    case TENSOR_UINT64:
        READ(guint64);
    default:
        return false;
    }
}

GArray *saved_tensor_numbers(const struct saved_tensor *tensor)
{
    g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(double));
    return read_numbers(tensor, numbers) ? g_steal_pointer(&numbers) : NULL;
}

double saved_tensor_number(const struct saved_tensor *tensor)
{
    g_autoptr(GArray) numbers = saved_tensor_numbers(tensor);
    return numbers && numbers->len ? g_array_index(numbers, double, 0) : (double)NAN;
}
