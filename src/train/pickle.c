#include "train/pickle.h"

#include <string.h>

#include "base/error.h"
#include "tree/objective.h"

/* The binary form: "binf", LearnerModelParam, the objective's and the booster's names (a length of
 * eight bytes, then letters), then the booster's own parameters. */
#define MAGIC "binf"
#define HEADER_BYTES 136
#define BOOSTER_BYTES 32 /* those of the booster's that matter here */

/* Words (four bytes) of LearnerModelParam. */
enum { BASE_SCORE, FEATURES, CLASSES, HAS_ATTRIBUTES, HAS_METRICS, MAJOR_VERSION, MINOR_VERSION };
/* Words of GBTreeModelParam and GBLinearModelParam, which releases since 1.0 leave empty and 0.90
 * needs. */
enum { TREE_FEATURES = 2, TREE_GROUPS = 6, LINEAR_FEATURES = 0, LINEAR_GROUPS = 1 };

static guint32 word_at(const guint8 *bytes, int index)
{
    guint32 word;
    memcpy(&word, bytes + 4 * index, sizeof word);
    return GUINT32_FROM_LE(word);
}

static void put_word(guint8 *bytes, int index, guint32 word)
{
    guint32 little = GUINT32_TO_LE(word);
    memcpy(bytes + 4 * index, &little, sizeof little);
}

/* The name at an offset, which moves behind it; NULL where it is cut. */
static char *take_name(const GByteArray *model, size_t *offset)
{
    guint64 length = 0;
    if (*offset + sizeof length <= model->len) {
        memcpy(&length, model->data + *offset, sizeof length);
        *offset += sizeof length;
    }
    length = GUINT64_FROM_LE(length);
    if (length == 0 || length > model->len - *offset)
        return NULL;
    char *name = g_strndup((const char *)model->data + *offset, length);
    *offset += length;
    return name;
}

/* Before 1.0 the base score was written as a margin, without a version. Where the two are the same
 * number the version may stay: later releases would turn a margin without one into a prediction and
 * back, which for binary:hinge is another number. */
static void make_base_score_a_margin(guint8 *header, const char *objective)
{
    guint32 word = word_at(header, BASE_SCORE);
    float score;
    float margin;
    memcpy(&score, &word, sizeof score);
    const struct objective *known = objective_find(objective);
    if (!known || known->link == LINK_IDENTITY || !objective_base_margin(known, score, &margin))
        return;
    memcpy(&word, &margin, sizeof word);
    put_word(header, BASE_SCORE, word);
    put_word(header, MAJOR_VERSION, 0);
    put_word(header, MINOR_VERSION, 0);
}

/* 0.90 reads this behind the attributes of a Poisson model; later releases read no further. */
static void append_poisson_step(GByteArray *model)
{
    static const char step[] = "\3\0\0\0\0\0\0\0"
                               "0.7";
    g_byte_array_append(model, (const guint8 *)step, sizeof step - 1);
}

/* Makes of the binary form of 1.7 the one that 0.90 reads as well. */
static bool age(GByteArray *model, GError **error)
{
    size_t offset = strlen(MAGIC) + HEADER_BYTES;
    if (model->len < offset || memcmp(model->data, MAGIC, strlen(MAGIC)) != 0)
        return error_set(error, ERROR_INTERNAL, "XGBoost's binary model does not begin as such");
    g_autofree char *objective = take_name(model, &offset);
    g_autofree char *booster = !objective ? NULL : take_name(model, &offset);
    if (!booster || model->len - offset < BOOSTER_BYTES)
        return error_set(error, ERROR_INTERNAL, "XGBoost's binary model is cut off");
    guint8 *header = model->data + strlen(MAGIC);
    make_base_score_a_margin(header, objective);
    /* Since 1.0 the metrics are an attribute; 0.90 would look for them behind these. */
    put_word(header, HAS_METRICS, 0);
    bool linear = strcmp(booster, "gblinear") == 0;
    guint8 *own = model->data + offset;
    put_word(own, linear ? LINEAR_FEATURES : TREE_FEATURES, word_at(header, FEATURES));
    put_word(own, linear ? LINEAR_GROUPS : TREE_GROUPS, MAX(word_at(header, CLASSES), 1));
    if (strcmp(objective, "count:poisson") == 0)
        append_poisson_step(model);
    return true;
}

/* Pickle's opcodes: protocol 4; Booster; a tuple of None, () and bytearray(bytes), whose length
 * follows in eight bytes. */
static const char before[] = "\x80\4"
                             "cxgboost.core\nBooster\n"
                             "(N)"
                             "cbuiltins\nbytearray\n"
                             "\x8e";
/* A tuple of one and the call of bytearray; the tuple and the call of Booster; the end. */
static const char after[] = "\x85R"
                            "tR.";

GByteArray *pickle_booster(const char *bytes, size_t size, GError **error)
{
    g_autoptr(GByteArray) model = g_byte_array_sized_new((guint)size + 16);
    g_byte_array_append(model, (const guint8 *)bytes, (guint)size);
    if (*bytes != '{' && !age(model, error))
        return NULL;
    g_autoptr(GByteArray) pickle = g_byte_array_sized_new(model->len + 128);
    guint64 length = GUINT64_TO_LE((guint64)model->len);
    g_byte_array_append(pickle, (const guint8 *)before, sizeof before - 1);
    g_byte_array_append(pickle, (const guint8 *)&length, sizeof length);
    g_byte_array_append(pickle, model->data, model->len);
    g_byte_array_append(pickle, (const guint8 *)after, sizeof after - 1);
    return g_steal_pointer(&pickle);
}
