/* Tokenizer and HashingTF. The first computes nothing: a text is its list of words, and the words
 * are found as they are counted. */
#include "feature/kind.h"
#include "feature/words.h"

static bool read_tokenizer(struct bundle_node *node)
{
    return node_shape(node, 1, 1);
}

static void write_tokenizer(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)json;
    (void)stage;
    (void)column;
}

static struct feature_column words_column(const struct feature_stage *stage, size_t i)
{
    (void)stage;
    (void)i;
    return (struct feature_column){NULL, FEATURE_WORDS, false, 1};
}

static struct feature_column make_words(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)total;
    return words_column(stage, i);
}

/* Bundles of MLeap before 0.18 do not say how they hash, and hash in another way. */
static bool read_hashing(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    double version = 1;
    if (!node_shape(node, 1, 1) || !node_number(node, "hashUnsafeBytesVersion", &version))
        return false;
    if (version != 2)
        return fail(node->error, LATHE_UNSUPPORTED,
                    "it hashes as Spark 2 did (hashUnsafeBytesVersion is %g), and only "
                    "version 2 is known",
                    version);
    return node_whole(node, "num_features", 1, BUILD_WIDTH, &stage->of.hashing.width) &&
           node_bool(node, "binary", &stage->of.hashing.binary);
}

static void write_hashing(struct json_out *json, const struct feature_stage *stage, size_t column)
{
    (void)column;
    put_whole(json, "num_features", "long", stage->of.hashing.width);
    put_bool(json, "binary", stage->of.hashing.binary);
    put_whole(json, "hashUnsafeBytesVersion", "int", 2);
}

static struct feature_column make_hashed(const struct feature_stage *stage, size_t i, size_t total)
{
    (void)i;
    (void)total;
    return (struct feature_column){NULL, FEATURE_NUMBER, true, stage->of.hashing.width};
}

/* Where the words of a row are counted. */
struct counting {
    const struct work *work;
    const struct step *step;
    size_t row;
};

static void count_word(void *context, int32_t hash)
{
    const struct counting *counting = context;
    const struct feature_stage *stage = counting->step->stage;
    int64_t width = (int64_t)stage->of.hashing.width, index = hash % width;
    size_t slot = counting->step->out[index < 0 ? index + width : index];
    if (!is_asked(counting->work, slot))
        return;
    double *out = numbers_out(counting->work, slot) + counting->row;
    *out = stage->of.hashing.binary ? 1 : *out + 1;
}

static bool step_hashing(const struct work *work, const struct step *step)
{
    const struct csv_text *in = work->slots[step->in[0]].texts;
    for (size_t e = 0; e < step->out_count; e++)
        if (is_asked(work, step->out[e]))
            memset(numbers_out(work, step->out[e]), 0, work->rows * sizeof(double));
    struct counting counting = {work, step, 0};
    for (size_t row = 0; row < work->rows; row++) {
        counting.row = row;
        if (in[row].bytes)
            words_of(in[row], count_word, &counting);
        else if (!is_skipped(work, row))
            return step_fail(work, step, row, step->stage->inputs[0],
                             "the text is missing, and a missing text has no words");
    }
    return true;
}

static bool refuses_missing(const struct feature_stage *stage)
{
    (void)stage;
    return true;
}

static enum kind_form form_hashed(const struct feature_stage *stage)
{
    (void)stage;
    return FORM_SPARSE;
}

const struct kind KIND_TOKENIZER = {
    .name = "Tokenizer",
    .op = "tokenizer",
    .read = read_tokenizer,
    .write = write_tokenizer,
    .ask = ask_text,
    .make = make_words,
};

const struct kind KIND_HASHING = {
    .name = "HashingTF",
    .op = "hashing_term_frequency",
    .read = read_hashing,
    .write = write_hashing,
    .ask = words_column,
    .make = make_hashed,
    .form = form_hashed,
    .apply = step_hashing,
    .refuses = refuses_missing,
    .plain = true,
};
