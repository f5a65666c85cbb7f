/* The categories of the features in a model's document (XGBoost's src/data/cat_container.cc): of
 * texts the bytes of all and where each ends, of whole numbers the numbers and their type. */
#include "tree/model_document_inside.h"

#include <stdio.h>
#include <stdlib.h>

static bool read_offsets(struct document *document, const struct field *field)
{
    document->offsets_seen = true;
    return document_integers(document, field);
}

static bool read_category_type(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    if (!reader_expect(reader, READER_NUMBER, field->key))
        return false;
    document->category_type = reader->is_integer ? reader->integer : 0;
    return true;
}

static bool note_category_values(struct document *document, const struct field *field)
{
    (void)field;
    document->category_values = document->reader;
    document->values_seen = true;
    return reader_skip(&document->reader);
}

/* Texts: their bytes, as signed numbers, and where each begins and ends. */
static bool read_category_texts(struct document *document, struct kept_categories *kept)
{
    struct reader *reader = &document->reader;
    const int32_t *offsets = document->offsets.integers;
    struct column bytes = {0};
    size_t count = document->offsets.count;
    if (!count)
        return true;
    bool good = document_column(document, &bytes, true, "the categories' bytes");
    kept->text = malloc(bytes.count + 1);
    kept->starts = malloc(count * sizeof *kept->starts);
    if (!kept->text || !kept->starts) {
        free(bytes.data);
        fail_memory(document->error, "a feature's categories");
        return false;
    }
    for (size_t i = 0; good && i < bytes.count; i++)
        kept->text[i] = (char)bytes.integers[i];
    for (size_t i = 0; good && i < count; i++) {
        int32_t before = i ? offsets[i - 1] : 0;
        kept->starts[i] = (size_t)offsets[i];
        if (offsets[i] < before || (size_t)offsets[i] > bytes.count)
            good = reader_fail(reader, "the categories' offset %d behind %d, in %zu bytes",
                               offsets[i], before, bytes.count);
    }
    kept->count = count - 1;
    free(bytes.data);
    return good;
}

/* XGBoost's numbers of the types; UBJSON has no wide numbers without a sign. */
static bool put_category_number(struct document *document, struct kept_categories *kept,
                                size_t *room, size_t *used)
{
    enum { U16 = 12, U32 = 14, DIGITS = 24 };
    const struct reader *reader = &document->reader;
    if (!ensemble_grow((void **)&kept->text, room, *used + DIGITS, 1, document->error))
        return false;
    int64_t value = reader->integer, type = document->category_type;
    if (value < 0 && type == U16)
        value += INT64_C(1) << 16;
    if (value < 0 && type == U32)
        value += INT64_C(1) << 32;
    *used += (size_t)snprintf(kept->text + *used, DIGITS, "%lld", (long long)value);
    return true;
}

static bool read_category_numbers(struct document *document, struct kept_categories *kept)
{
    struct reader *reader = &document->reader;
    size_t text_room = 0, start_room = 0, used = 0;
    kept->numbers = true;
    if (!reader_expect(reader, READER_ARRAY, "a feature's categories"))
        return false;
    while (reader_next(reader) == READER_NUMBER && reader->is_integer) {
        if (!ensemble_grow((void **)&kept->starts, &start_room, kept->count + 2,
                           sizeof *kept->starts, document->error))
            return false;
        kept->starts[kept->count++] = used;
        if (!put_category_number(document, kept, &text_room, &used))
            return false;
        kept->starts[kept->count] = used;
    }
    return reader->event == READER_ARRAY_END ||
           (reader->event != READER_FAILED &&
            reader_fail(reader, "a feature's categories: whole numbers expected"));
}

/* The values, whose kind is known by now. */
static bool read_category_values(struct document *document, struct kept_categories *kept)
{
    if (!document->values_seen)
        return !document->offsets.count ||
               reader_fail(&document->reader, "a feature's categories have no values");
    struct reader here = document->reader;
    document->reader = document->category_values;
    bool good = document->offsets_seen ? read_category_texts(document, kept)
                                       : read_category_numbers(document, kept);
    if (good)
        document->reader = here;
    return good;
}

static bool read_feature_categories(struct document *document)
{
    static const struct field fields[] = {
        {"offsets", read_offsets, offsetof(struct document, offsets)},
        {"type", read_category_type, 0},
        {"values", note_category_values, 0},
    };
    if (!ensemble_grow((void **)&document->kept, &document->kept_room, document->kept_count + 1,
                       sizeof *document->kept, document->error))
        return false;
    struct kept_categories *kept = &document->kept[document->kept_count++];
    *kept = (struct kept_categories){0};
    document->offsets.count = 0;
    document->offsets_seen = document->values_seen = false;
    document->category_type = 0;
    return document_fields(document, fields, sizeof fields / sizeof *fields) &&
           read_category_values(document, kept);
}

static bool read_encodings(struct document *document, const struct field *field)
{
    struct reader *reader = &document->reader;
    if (document->kept_count)
        return reader_fail(reader, "%s: a second list", field->key);
    if (!reader_expect(reader, READER_ARRAY, field->key))
        return false;
    while (reader_next(reader) == READER_OBJECT)
        if (!read_feature_categories(document))
            return false;
    return reader->event == READER_ARRAY_END ||
           (reader->event != READER_FAILED &&
            reader_fail(reader, "%s: a feature's categories expected", field->key));
}

bool document_categories(struct document *document, const struct field *field)
{
    static const struct field fields[] = {{"enc", read_encodings, 0}};
    return READ_OBJECT(document, fields, field->key);
}

/* Before 3.4 XGBoost counted the offsets in characters, and cut the bytes there: only where these
 * are the same are the texts what they were. */
static bool is_whole(const struct kept_categories *kept, bool counts_bytes)
{
    for (size_t i = 0; i < kept->count; i++) {
        const unsigned char *text = (const unsigned char *)kept->text + kept->starts[i];
        size_t size = kept->starts[i + 1] - kept->starts[i];
        if (!reader_utf8(text, size))
            return false;
        for (size_t k = 0; !counts_bytes && k < size; k++)
            if (text[k] >= 0x80)
                return false;
    }
    return true;
}

/* They are kept where any feature has some. */
bool document_keep_categories(struct document *document)
{
    struct ensemble *ensemble = document->ensemble;
    const int32_t *version = document->version.integers;
    bool counts_bytes =
        document->version.count > 1 && (version[0] > 3 || (version[0] == 3 && version[1] >= 4));
    size_t some = 0;
    for (size_t i = 0; i < document->kept_count; i++) {
        if (!is_whole(&document->kept[i], counts_bytes))
            document->kept[i].count = 0;
        some += document->kept[i].count;
    }
    if (!some)
        return true;
    if (document->kept_count != ensemble->features)
        return fail(document->error, LATHE_INVALID_MODEL, "categories of %zu features, of %zu",
                    document->kept_count, ensemble->features);
    ensemble->kept_categories = document->kept;
    document->kept = NULL;
    return true;
}
