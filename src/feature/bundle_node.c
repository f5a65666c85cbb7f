/* What the nodes of a MLeap bundle say of their transformers. */
#include "feature/bundle_node.h"

#include "parse/fail.h"

#include <math.h>
#include <stdio.h>

/* ---- attributes ----
 *
 * A scalar is {"double": 1.0}; MLeap leaves the member out where it is 0, false or "", and writes
 * null for NaN and infinities. A list is {"type": "list", "double": [...]}, without the member
 * where it is empty. A tensor is {"type": "tensor", "double": [...], "shape": ...}. */

static bool needs(const struct bundle_node *node, const char *name, const char *what)
{
    return fail(node->error, LATHE_INVALID_MODEL, "its attribute \"%s\" must be %s", name, what);
}

static bool number_of(const struct json *json, double *number)
{
    if (json->kind == JSON_NUMBER)
        *number = json->number;
    else if (json->kind == JSON_NULL)
        *number = NAN;
    else
        return false;
    return true;
}

/* The scalar's number of whatever type. *number stays where there is no such attribute. */
static bool take_number(const struct bundle_node *node, const char *name, double *number)
{
    static const char *const TYPES[] = {"double", "float", "long", "int"};
    const struct json *attribute = json_member(node->attributes, name);
    if (!attribute)
        return true;
    *number = 0;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        const struct json *value = json_member(attribute, TYPES[i]);
        if (value)
            return number_of(value, number) || needs(node, name, "a number");
    }
    return attribute->kind == JSON_OBJECT || needs(node, name, "a number");
}

static bool take_bool(const struct bundle_node *node, const char *name, bool *truth)
{
    const struct json *attribute = json_member(node->attributes, name);
    if (!attribute)
        return true;
    const struct json *value = json_member(attribute, "boolean");
    if (attribute->kind != JSON_OBJECT || (value && value->kind != JSON_BOOL))
        return needs(node, name, "true or false");
    *truth = value && value->truth;
    return true;
}

/* "" where there is no such attribute. */
static bool take_string(const struct bundle_node *node, const char *name, const char **text)
{
    *text = "";
    const struct json *value = json_member(json_member(node->attributes, name), "string");
    if (value && value->kind != JSON_STRING)
        return needs(node, name, "a text");
    if (value)
        *text = value->string;
    return true;
}

/* The elements of a list or tensor; *list is NULL where it is empty. */
bool node_list(const struct bundle_node *node, const char *name, const char *type,
               const struct json **list)
{
    const struct json *attribute = json_member(node->attributes, name);
    if (!attribute)
        return fail(node->error, LATHE_INVALID_MODEL, "it has no attribute \"%s\"", name);
    *list = json_member(attribute, type);
    if (*list && (*list)->kind != JSON_ARRAY)
        return needs(node, name, "a list");
    return true;
}

static bool take_numbers(const struct bundle_node *node, const char *name, const double **numbers,
                         size_t *count)
{
    const struct json *list;
    if (!node_list(node, name, "double", &list))
        return false;
    double *values = arena_take(node->arena, list ? list->size : 0, sizeof *values);
    if (!values)
        return fail_memory(node->error, "a bundle");
    *count = 0;
    for (const struct json *value = list ? list->first : NULL; value; value = value->next)
        if (!number_of(value, &values[(*count)++]))
            return needs(node, name, "a list of numbers");
    *numbers = values;
    return true;
}

/* A dense vector as a tensor; NULL where there is no such attribute. */
static bool take_vector(const struct bundle_node *node, const char *name, const double **numbers,
                        size_t *count)
{
    *numbers = NULL;
    const struct json *attribute = json_member(node->attributes, name);
    return !attribute || take_numbers(node, name, numbers, count);
}

static bool take_labels(const struct bundle_node *node, const char *name,
                        const struct labels **labels)
{
    const struct json *list;
    if (!node_list(node, name, "string", &list))
        return false;
    struct labels *table = pipeline_labels(node->pipeline);
    if (!table)
        return fail_memory(node->error, "a bundle");
    for (const struct json *label = list ? list->first : NULL; label; label = label->next) {
        if (label->kind != JSON_STRING)
            return needs(node, name, "a list of texts");
        size_t before = labels_count(table);
        if (labels_add(table, text_of(label->string, label->size)) < 0)
            return fail_memory(node->error, "a bundle");
        if (labels_count(table) == before)
            return fail(node->error, LATHE_INVALID_MODEL,
                        "its attribute \"%s\" has the label \"%.60s\" twice", name, label->string);
    }
    *labels = table;
    return true;
}

static bool take_invalid(struct bundle_node *node, enum feature_invalid otherwise)
{
    static const char *const WORDS[] = {
        [FEATURE_ERROR] = "error", [FEATURE_SKIP] = "skip", [FEATURE_KEEP] = "keep"};
    const char *found;
    if (!take_string(node, "handle_invalid", &found))
        return false;
    node->stage.invalid = otherwise;
    bool known = !*found;
    for (int i = FEATURE_ERROR; i <= FEATURE_KEEP && !known; i++)
        if ((known = strcmp(WORDS[i], found) == 0))
            node->stage.invalid = (enum feature_invalid)i;
    return known || needs(node, "handle_invalid", "\"error\", \"skip\" or \"keep\"");
}

/* ---- ports ---- */

/* The column at a port such as "input", or "input" and a number; NULL: none. */
static const char *column_at(const struct json *sockets, const char *port, size_t number,
                             bool numbered)
{
    char wanted[64];
    snprintf(wanted, sizeof wanted, numbered ? "%s%zu" : "%s", port, number);
    for (const struct json *socket = sockets->first; socket; socket = socket->next) {
        const struct json *found = json_member(socket, "port"), *name = json_member(socket, "name");
        if (found && found->kind == JSON_STRING && strcmp(found->string, wanted) == 0 && name &&
            name->kind == JSON_STRING && name->size && strlen(name->string) == name->size)
            return name->string;
    }
    return NULL;
}

/* The columns of "input" or of "input0", "input1" ... in their order. */
static bool take_ports(struct bundle_node *node, const struct json *sockets, const char *port,
                       const char *const **columns, size_t *count)
{
    const char **names = arena_take(node->arena, sockets->size, sizeof *names);
    if (!names)
        return fail_memory(node->error, "a bundle");
    *columns = names;
    *count = sockets->size;
    if (sockets->size == 1 && (names[0] = column_at(sockets, port, 0, false)))
        return true;
    /* Written in order: then each is found at its place. */
    size_t at = 0;
    char wanted[64];
    for (const struct json *socket = sockets->first; socket; socket = socket->next, at++) {
        const struct json *found = json_member(socket, "port"), *name = json_member(socket, "name");
        snprintf(wanted, sizeof wanted, "%s%zu", port, at);
        if (found && found->kind == JSON_STRING && strcmp(found->string, wanted) == 0 && name &&
            name->kind == JSON_STRING && name->size && strlen(name->string) == name->size)
            names[at] = name->string;
        else if (sockets->size > 1000 || !(names[at] = column_at(sockets, port, at, true)))
            return fail(node->error, LATHE_INVALID_MODEL,
                        "it has %zu columns, but none at the port \"%s\"", sockets->size, wanted);
    }
    return true;
}

static bool take_shape(struct bundle_node *node, size_t inputs, size_t outputs)
{
    struct feature_stage *stage = &node->stage;
    if (!take_ports(node, node->inputs, "input", &stage->inputs, &stage->input_count) ||
        !take_ports(node, node->outputs, "output", &stage->outputs, &stage->output_count))
        return false;
    if ((inputs && stage->input_count != inputs) || stage->output_count != outputs ||
        !stage->input_count)
        return fail(node->error, LATHE_INVALID_MODEL,
                    "it has %zu input and %zu output columns, and must have %zu and %zu",
                    stage->input_count, stage->output_count, inputs ? inputs : stage->input_count,
                    outputs);
    return true;
}

/* ---- models ---- */

static bool read_indexer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t columns = node->inputs->size;
    if (!take_shape(node, 0, columns) || !take_invalid(node, FEATURE_ERROR))
        return false;
    const struct labels **labels = arena_take(node->arena, columns, sizeof *labels);
    if (!labels)
        return fail_memory(node->error, "a bundle");
    stage->of.indexer.labels = labels;
    /* Spark 2 and MLeap before 0.18 have one list. MLeap's runtime writes a labels_length of 1
     * however many there are, so the columns are counted. */
    if (json_member(node->attributes, "labels"))
        return columns == 1 ? take_labels(node, "labels", labels)
                            : needs(node, "labels", "one list a column");
    for (size_t i = 0; i < columns; i++) {
        char name[40];
        snprintf(name, sizeof name, "labels_array_%zu", i);
        if (!take_labels(node, name, &labels[i]))
            return false;
    }
    return true;
}

static bool read_one_hot(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t columns = node->inputs->size;
    if (!take_shape(node, 0, columns) ||
        !take_bool(node, "drop_last", &stage->of.one_hot.drop_last))
        return false;
    int32_t *categories = arena_take(node->arena, columns, sizeof *categories);
    if (!categories)
        return fail_memory(node->error, "a bundle");
    stage->of.one_hot.categories = categories;
    if (json_member(node->attributes, "size")) {
        /* One column, of MLeap before 0.12: there, dropLast keeps what is invalid as the last. */
        double size = 0;
        if (!take_number(node, "size", &size) ||
            !take_invalid(node, stage->of.one_hot.drop_last ? FEATURE_KEEP : FEATURE_ERROR))
            return false;
        if (columns != 1 || !(size >= 0 && size <= BUILD_CATEGORIES))
            return needs(node, "size", "the number of one column's categories");
        categories[0] = (int32_t)size;
        return true;
    }
    const struct json *sizes;
    if (!node_list(node, "category_sizes", "int", &sizes) || !take_invalid(node, FEATURE_ERROR))
        return false;
    if (!sizes || sizes->size != columns)
        return needs(node, "category_sizes", "one number a column");
    size_t i = 0;
    for (const struct json *size = sizes->first; size; size = size->next) {
        if (size->kind != JSON_NUMBER || !(size->number >= 0 && size->number <= BUILD_CATEGORIES))
            return needs(node, "category_sizes", "a list of numbers of categories");
        categories[i++] = (int32_t)size->number;
    }
    return stage->invalid != FEATURE_SKIP || needs(node, "handle_invalid", "\"error\" or \"keep\"");
}

static bool read_to_string(struct bundle_node *node)
{
    const struct json *shape =
        json_member(json_member(node->attributes, "input_shape"), "data_shape");
    const struct json *base = json_member(shape, "base");
    if (base && base->kind == JSON_STRING && strcmp(base->string, "scalar") != 0)
        return fail(node->error, LATHE_UNSUPPORTED,
                    "its input is a %.20s, and only single indices are decoded", base->string);
    return take_shape(node, 1, 1) && take_labels(node, "labels", &node->stage.of.to_string.labels);
}

/* {"base": "scalar"} or {"base": "tensor", "tensorShape": {"dimensions": [{"size": 3}]}} */
static bool read_shape(const struct bundle_node *node, const struct json *json,
                       struct feature_shape *shape)
{
    const struct json *base = json_member(json, "base");
    *shape = (struct feature_shape){false, 1};
    if (base && base->kind == JSON_STRING && strcmp(base->string, "scalar") == 0)
        return true;
    const struct json *dimensions = json_member(json_member(json, "tensorShape"), "dimensions");
    const struct json *size = dimensions && dimensions->kind == JSON_ARRAY && dimensions->size == 1
                                  ? json_member(dimensions->first, "size")
                                  : NULL;
    if (!size || size->kind != JSON_NUMBER || !(size->number >= 0 && size->number <= BUILD_WIDTH))
        return needs(node, "input_shapes", "scalars and vectors of known size");
    *shape = (struct feature_shape){true, (size_t)size->number};
    return true;
}

static bool read_assembler(struct bundle_node *node)
{
    const struct json *list;
    if (!take_shape(node, 0, 1) || !take_invalid(node, FEATURE_KEEP) ||
        !take_bool(node, "exact", &node->stage.of.assembler.exact) ||
        !node_list(node, "input_shapes", "data_shape", &list))
        return false;
    if (!list || list->size != node->stage.input_count)
        return needs(node, "input_shapes", "one shape a column");
    struct feature_shape *shapes = arena_take(node->arena, list->size, sizeof *shapes);
    if (!shapes)
        return fail_memory(node->error, "a bundle");
    size_t i = 0;
    for (const struct json *shape = list->first; shape; shape = shape->next)
        if (!read_shape(node, shape, &shapes[i++]))
            return false;
    node->stage.of.assembler.shapes = shapes;
    return true;
}

static bool read_standard(struct bundle_node *node)
{
    size_t means = 0, deviations = 0;
    const double *mean, *std;
    if (!take_shape(node, 1, 1) || !take_vector(node, "mean", &mean, &means) ||
        !take_vector(node, "std", &std, &deviations))
        return false;
    if (!mean && !std)
        return fail(node->error, LATHE_INVALID_MODEL,
                    "it has neither a \"mean\" nor a \"std\", and needs one of them");
    if (mean && std && means != deviations)
        return needs(node, "std", "as long as \"mean\"");
    node->stage.of.standard.width = mean ? means : deviations;
    node->stage.of.standard.mean = mean;
    node->stage.of.standard.std = std;
    return true;
}

static bool read_min_max(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t count;
    stage->of.min_max.upper = 1;
    if (!take_shape(node, 1, 1) ||
        !take_numbers(node, "min", &stage->of.min_max.min, &stage->of.min_max.width) ||
        !take_numbers(node, "max", &stage->of.min_max.max, &count) ||
        !take_number(node, "minValue", &stage->of.min_max.lower) ||
        !take_number(node, "maxValue", &stage->of.min_max.upper))
        return false;
    return count == stage->of.min_max.width || needs(node, "max", "as long as \"min\"");
}

static bool read_imputer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    const char *strategy;
    stage->of.imputer.missing = NAN;
    if (!json_member(node->attributes, "surrogate_value"))
        return fail(node->error, LATHE_INVALID_MODEL, "it has no attribute \"surrogate_value\"");
    if (!take_shape(node, 1, 1) || !take_string(node, "strategy", &strategy) ||
        !take_number(node, "surrogate_value", &stage->of.imputer.surrogate) ||
        !take_number(node, "missing_value", &stage->of.imputer.missing))
        return false;
    stage->of.imputer.strategy = strcmp(strategy, "median") == 0 ? STRATEGY_MEDIAN
                                 : strcmp(strategy, "mode") == 0 ? STRATEGY_MODE
                                                                 : STRATEGY_MEAN;
    return true;
}

static bool read_bucketizer(struct bundle_node *node)
{
    const double *splits;
    size_t count;
    if (!take_shape(node, 1, 1) || !take_invalid(node, FEATURE_ERROR) ||
        !take_numbers(node, "splits", &splits, &count))
        return false;
    double *whole = arena_take(node->arena, count, sizeof *whole);
    if (!whole)
        return fail_memory(node->error, "a bundle");
    memcpy(whole, splits, count * sizeof *whole);
    /* JSON has no infinities: at the ends null stands for them. */
    if (count && isnan(whole[0]))
        whole[0] = -INFINITY;
    if (count && isnan(whole[count - 1]))
        whole[count - 1] = INFINITY;
    node->stage.of.bucketizer.splits = whole;
    node->stage.of.bucketizer.count = count;
    return true;
}

static bool take_operation(const struct bundle_node *node, int first, int end,
                           enum feature_operation *operation)
{
    const char *name;
    if (!take_string(node, "operation", &name))
        return false;
    for (int i = first; i < end; i++)
        if (strcmp(feature_operation_name((enum feature_operation)i), name) == 0) {
            *operation = (enum feature_operation)i;
            return true;
        }
    return fail(node->error, LATHE_UNSUPPORTED, "its operation is \"%.40s\", which is not known",
                name);
}

static bool read_unary(struct bundle_node *node)
{
    return take_shape(node, 1, 1) &&
           take_operation(node, MATH_LOG, MATH_ADD, &node->stage.of.unary.operation);
}

static bool read_binary(struct bundle_node *node)
{
    static const char *const PORTS[] = {"input_a", "input_b"}, *const NUMBERS[] = {"da", "db"};
    struct feature_stage *stage = &node->stage;
    const char **names = arena_take(node->arena, 2, sizeof *names);
    if (!names)
        return fail_memory(node->error, "a bundle");
    bool is_column[2];
    double numbers[2] = {0, 0};
    for (size_t side = 0; side < 2; side++) {
        const char *column = column_at(node->inputs, PORTS[side], 0, false);
        is_column[side] = column != NULL;
        if (column)
            names[stage->input_count++] = column;
        else if (!json_member(node->attributes, NUMBERS[side]))
            return fail(node->error, LATHE_INVALID_MODEL,
                        "it has neither a column at the port \"%s\" nor a number \"%s\"",
                        PORTS[side], NUMBERS[side]);
        if (!take_number(node, NUMBERS[side], &numbers[side]))
            return false;
    }
    if (!stage->input_count)
        return fail(node->error, LATHE_UNSUPPORTED, "both its sides are constants");
    stage->inputs = names;
    stage->of.binary.column_a = is_column[0];
    stage->of.binary.column_b = is_column[1];
    stage->of.binary.a = numbers[0];
    stage->of.binary.b = numbers[1];
    return take_ports(node, node->outputs, "output", &stage->outputs, &stage->output_count) &&
           (stage->output_count == 1 ||
            fail(node->error, LATHE_INVALID_MODEL, "it must have one output column")) &&
           take_operation(node, MATH_ADD, MATH_OPERATIONS, &stage->of.binary.operation);
}

/* What a map has besides its labels or keys, of which there are stage.of.map.count. */
static bool take_map(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t values;
    stage->of.map.takes_missing = json_member(node->attributes, "missing_value") != NULL;
    if (!take_shape(node, 1, 1) || !take_invalid(node, FEATURE_ERROR) ||
        !take_numbers(node, "values", &stage->of.map.values, &values) ||
        !take_number(node, "missing_value", &stage->of.map.missing) ||
        !take_number(node, "default_value", &stage->of.map.otherwise))
        return false;
    if (values != stage->of.map.count)
        return needs(node, "values", "one number a label or key");
    return stage->invalid != FEATURE_SKIP || needs(node, "handle_invalid", "\"error\" or \"keep\"");
}

static bool read_string_map(struct bundle_node *node)
{
    if (!take_labels(node, "labels", &node->stage.of.map.labels))
        return false;
    node->stage.of.map.count = labels_count(node->stage.of.map.labels);
    return take_map(node);
}

static bool read_number_map(struct bundle_node *node)
{
    return take_numbers(node, "keys", &node->stage.of.map.keys, &node->stage.of.map.count) &&
           take_map(node);
}

static bool (*const READERS[FEATURE_KINDS])(struct bundle_node *) = {
    [FEATURE_STRING_INDEXER] = read_indexer,    [FEATURE_ONE_HOT_ENCODER] = read_one_hot,
    [FEATURE_INDEX_TO_STRING] = read_to_string, [FEATURE_VECTOR_ASSEMBLER] = read_assembler,
    [FEATURE_STANDARD_SCALER] = read_standard,  [FEATURE_MIN_MAX_SCALER] = read_min_max,
    [FEATURE_IMPUTER] = read_imputer,           [FEATURE_BUCKETIZER] = read_bucketizer,
    [FEATURE_MATH_UNARY] = read_unary,          [FEATURE_MATH_BINARY] = read_binary,
    [FEATURE_STRING_MAP] = read_string_map,     [FEATURE_NUMBER_MAP] = read_number_map,
};

bool node_read(struct bundle_node *node)
{
    return READERS[node->stage.kind](node);
}
