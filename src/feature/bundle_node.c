/* What the nodes of a MLeap bundle say of their transformers. */
#include "feature/kind.h"

#include "parse/fail.h"

#include <math.h>
#include <stdio.h>

/* ---- attributes ----
 *
 * A scalar is {"double": 1.0}; MLeap leaves the member out where it is 0, false or "", and writes
 * null for NaN and infinities. A list is {"type": "list", "double": [...]}, without the member
 * where it is empty. A tensor is {"type": "tensor", "double": [...], "shape": ...}. */

bool node_needs(const struct bundle_node *node, const char *name, const char *what)
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
bool node_number(const struct bundle_node *node, const char *name, double *number)
{
    static const char *const TYPES[] = {"double", "float", "long", "int"};
    const struct json *attribute = json_member(node->attributes, name);
    if (!attribute)
        return true;
    *number = 0;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        const struct json *value = json_member(attribute, TYPES[i]);
        if (value)
            return number_of(value, number) || node_needs(node, name, "a number");
    }
    return attribute->kind == JSON_OBJECT || node_needs(node, name, "a number");
}

bool node_bool(const struct bundle_node *node, const char *name, bool *truth)
{
    const struct json *attribute = json_member(node->attributes, name);
    if (!attribute)
        return true;
    const struct json *value = json_member(attribute, "boolean");
    if (attribute->kind != JSON_OBJECT || (value && value->kind != JSON_BOOL))
        return node_needs(node, name, "true or false");
    *truth = value && value->truth;
    return true;
}

/* "" where there is no such attribute. */
bool node_string(const struct bundle_node *node, const char *name, const char **text)
{
    *text = "";
    const struct json *value = json_member(json_member(node->attributes, name), "string");
    if (value && value->kind != JSON_STRING)
        return node_needs(node, name, "a text");
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
        return node_needs(node, name, "a list");
    return true;
}

bool node_numbers(const struct bundle_node *node, const char *name, const double **numbers,
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
            return node_needs(node, name, "a list of numbers");
    *numbers = values;
    return true;
}

bool node_whole(const struct bundle_node *node, const char *name, size_t least, size_t most,
                size_t *number)
{
    double found = -1;
    char what[80];
    snprintf(what, sizeof what, "a whole number from %zu to %zu", least, most);
    if (!node_number(node, name, &found))
        return false;
    if (!(found >= (double)least && found <= (double)most) || found != floor(found))
        return node_needs(node, name, what);
    *number = (size_t)found;
    return true;
}

bool node_matrix(const struct bundle_node *node, const char *name, size_t *rows, size_t *columns)
{
    const struct json *shape = json_member(json_member(node->attributes, name), "shape");
    const struct json *dimensions = json_member(shape, "dimensions");
    size_t *sizes[] = {rows, columns}, count = 0;
    bool matrix = dimensions && dimensions->kind == JSON_ARRAY && dimensions->size == 2;
    for (const struct json *at = matrix ? dimensions->first : NULL; at; at = at->next) {
        const struct json *size = json_member(at, "size");
        if (!size || size->kind != JSON_NUMBER ||
            !(size->number >= 1 && size->number <= BUILD_WIDTH))
            return node_needs(node, name, "a matrix");
        *sizes[count++] = (size_t)size->number;
    }
    return count == 2 || node_needs(node, name, "a matrix");
}

bool node_indices(const struct bundle_node *node, const char *name, size_t end,
                  const size_t **indices, size_t *count)
{
    const struct json *list, *ints;
    if (!node_list(node, name, "long", &list) || !node_list(node, name, "int", &ints))
        return false;
    list = list ? list : ints;
    size_t *values = arena_take(node->arena, list ? list->size : 0, sizeof *values);
    if (!values)
        return fail_memory(node->error, "a bundle");
    *count = 0;
    for (const struct json *value = list ? list->first : NULL; value; value = value->next) {
        if (value->kind != JSON_NUMBER || !(value->number >= 0 && value->number < (double)end))
            return node_needs(node, name, "a list of elements of its input");
        values[(*count)++] = (size_t)value->number;
    }
    *indices = values;
    return true;
}

/* A dense vector as a tensor; NULL where there is no such attribute. */
bool node_vector(const struct bundle_node *node, const char *name, const double **numbers,
                 size_t *count)
{
    *numbers = NULL;
    const struct json *attribute = json_member(node->attributes, name);
    return !attribute || node_numbers(node, name, numbers, count);
}

bool node_labels(const struct bundle_node *node, const char *name, const struct labels **labels)
{
    const struct json *list;
    if (!node_list(node, name, "string", &list))
        return false;
    struct labels *table = pipeline_labels(node->pipeline);
    if (!table)
        return fail_memory(node->error, "a bundle");
    for (const struct json *label = list ? list->first : NULL; label; label = label->next) {
        if (label->kind != JSON_STRING)
            return node_needs(node, name, "a list of texts");
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

bool node_invalid(struct bundle_node *node, enum feature_invalid otherwise)
{
    static const char *const WORDS[] = {
        [FEATURE_ERROR] = "error", [FEATURE_SKIP] = "skip", [FEATURE_KEEP] = "keep"};
    const char *found;
    if (!node_string(node, "handle_invalid", &found))
        return false;
    node->stage.invalid = otherwise;
    bool known = !*found;
    for (int i = FEATURE_ERROR; i <= FEATURE_KEEP && !known; i++)
        if ((known = strcmp(WORDS[i], found) == 0))
            node->stage.invalid = (enum feature_invalid)i;
    return known || node_needs(node, "handle_invalid", "\"error\", \"skip\" or \"keep\"");
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

bool node_shape(struct bundle_node *node, size_t inputs, size_t outputs)
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

/* The column at a port, which must be there. */
static bool take_port(struct bundle_node *node, const struct json *sockets, const char *port,
                      const char **column)
{
    *column = column_at(sockets, port, 0, false);
    return *column ||
           fail(node->error, LATHE_INVALID_MODEL, "it has no column at the port \"%s\"", port);
}

bool node_ports(struct bundle_node *node, const char *input, const char *const *outputs,
                size_t count)
{
    const char **names = arena_take(node->arena, count + 1, sizeof *names);
    if (!names)
        return fail_memory(node->error, "a bundle");
    if (!take_port(node, node->inputs, input, &names[0]))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!take_port(node, node->outputs, outputs[i], &names[i + 1]))
            return false;
    node->stage.inputs = names;
    node->stage.outputs = names + 1;
    node->stage.input_count = 1;
    node->stage.output_count = count;
    return true;
}

/* ---- models ---- */

bool bundle_read_indexer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t columns = node->inputs->size;
    if (!node_shape(node, 0, columns) || !node_invalid(node, FEATURE_ERROR))
        return false;
    const struct labels **labels = arena_take(node->arena, columns, sizeof *labels);
    if (!labels)
        return fail_memory(node->error, "a bundle");
    stage->of.indexer.labels = labels;
    /* Spark 2 and MLeap before 0.18 have one list. MLeap's runtime writes a labels_length of 1
     * however many there are, so the columns are counted. */
    if (json_member(node->attributes, "labels"))
        return columns == 1 ? node_labels(node, "labels", labels)
                            : node_needs(node, "labels", "one list a column");
    for (size_t i = 0; i < columns; i++) {
        char name[40];
        snprintf(name, sizeof name, "labels_array_%zu", i);
        if (!node_labels(node, name, &labels[i]))
            return false;
    }
    return true;
}

bool bundle_read_one_hot(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t columns = node->inputs->size;
    if (!node_shape(node, 0, columns) ||
        !node_bool(node, "drop_last", &stage->of.one_hot.drop_last))
        return false;
    int32_t *categories = arena_take(node->arena, columns, sizeof *categories);
    if (!categories)
        return fail_memory(node->error, "a bundle");
    stage->of.one_hot.categories = categories;
    if (json_member(node->attributes, "size")) {
        /* One column, of MLeap before 0.12: there, dropLast keeps what is invalid as the last. */
        double size = 0;
        if (!node_number(node, "size", &size) ||
            !node_invalid(node, stage->of.one_hot.drop_last ? FEATURE_KEEP : FEATURE_ERROR))
            return false;
        if (columns != 1 || !(size >= 0 && size <= BUILD_CATEGORIES))
            return node_needs(node, "size", "the number of one column's categories");
        categories[0] = (int32_t)size;
        return true;
    }
    const struct json *sizes;
    if (!node_list(node, "category_sizes", "int", &sizes) || !node_invalid(node, FEATURE_ERROR))
        return false;
    if (!sizes || sizes->size != columns)
        return node_needs(node, "category_sizes", "one number a column");
    size_t i = 0;
    for (const struct json *size = sizes->first; size; size = size->next) {
        if (size->kind != JSON_NUMBER || !(size->number >= 0 && size->number <= BUILD_CATEGORIES))
            return node_needs(node, "category_sizes", "a list of numbers of categories");
        categories[i++] = (int32_t)size->number;
    }
    return stage->invalid != FEATURE_SKIP ||
           node_needs(node, "handle_invalid", "\"error\" or \"keep\"");
}

bool bundle_read_to_string(struct bundle_node *node)
{
    const struct json *shape =
        json_member(json_member(node->attributes, "input_shape"), "data_shape");
    const struct json *base = json_member(shape, "base");
    if (base && base->kind == JSON_STRING && strcmp(base->string, "scalar") != 0)
        return fail(node->error, LATHE_UNSUPPORTED,
                    "its input is a %.20s, and only single indices are decoded", base->string);
    return node_shape(node, 1, 1) && node_labels(node, "labels", &node->stage.of.to_string.labels);
}

/* {"base": "scalar"} or {"base": "tensor", "tensorShape": {"dimensions": [{"size": 3}]}} */
bool node_data_shape(const struct bundle_node *node, const struct json *json,
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
        return node_needs(node, "input_shapes", "scalars and vectors of known size");
    *shape = (struct feature_shape){true, (size_t)size->number};
    return true;
}

bool node_shapes(const struct bundle_node *node, const char *name,
                 const struct feature_shape **shapes)
{
    const struct json *attribute = json_member(node->attributes, name);
    const struct json *one = attribute ? json_member(attribute, "data_shape") : NULL, *list = one;
    bool single = one && one->kind == JSON_OBJECT;
    if (!single && !node_list(node, name, "data_shape", &list))
        return false;
    if (!list || (single ? 1 : list->size) != node->stage.input_count)
        return node_needs(node, name, "one shape a column");
    struct feature_shape *all = arena_take(node->arena, node->stage.input_count, sizeof *all);
    if (!all)
        return fail_memory(node->error, "a bundle");
    size_t i = 0;
    for (const struct json *shape = single ? one : list->first; i < node->stage.input_count;
         shape = shape->next)
        if (!node_data_shape(node, shape, &all[i++]))
            return false;
    *shapes = all;
    return true;
}

bool bundle_read_assembler(struct bundle_node *node)
{
    return node_shape(node, 0, 1) && node_invalid(node, FEATURE_KEEP) &&
           node_bool(node, "exact", &node->stage.of.assembler.exact) &&
           node_shapes(node, "input_shapes", &node->stage.of.assembler.shapes);
}

bool bundle_read_standard(struct bundle_node *node)
{
    size_t means = 0, deviations = 0;
    const double *mean, *std;
    if (!node_shape(node, 1, 1) || !node_vector(node, "mean", &mean, &means) ||
        !node_vector(node, "std", &std, &deviations))
        return false;
    if (!mean && !std)
        return fail(node->error, LATHE_INVALID_MODEL,
                    "it has neither a \"mean\" nor a \"std\", and node_needs one of them");
    if (mean && std && means != deviations)
        return node_needs(node, "std", "as long as \"mean\"");
    node->stage.of.standard.width = mean ? means : deviations;
    node->stage.of.standard.mean = mean;
    node->stage.of.standard.std = std;
    return true;
}

bool bundle_read_min_max(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    size_t count;
    stage->of.min_max.upper = 1;
    if (!node_shape(node, 1, 1) ||
        !node_numbers(node, "min", &stage->of.min_max.min, &stage->of.min_max.width) ||
        !node_numbers(node, "max", &stage->of.min_max.max, &count) ||
        !node_number(node, "minValue", &stage->of.min_max.lower) ||
        !node_number(node, "maxValue", &stage->of.min_max.upper))
        return false;
    return count == stage->of.min_max.width || node_needs(node, "max", "as long as \"min\"");
}

bool bundle_read_imputer(struct bundle_node *node)
{
    struct feature_stage *stage = &node->stage;
    const char *strategy;
    stage->of.imputer.missing = NAN;
    if (!json_member(node->attributes, "surrogate_value"))
        return fail(node->error, LATHE_INVALID_MODEL, "it has no attribute \"surrogate_value\"");
    if (!node_shape(node, 1, 1) || !node_string(node, "strategy", &strategy) ||
        !node_number(node, "surrogate_value", &stage->of.imputer.surrogate) ||
        !node_number(node, "missing_value", &stage->of.imputer.missing))
        return false;
    stage->of.imputer.strategy = strcmp(strategy, "median") == 0 ? STRATEGY_MEDIAN
                                 : strcmp(strategy, "mode") == 0 ? STRATEGY_MODE
                                                                 : STRATEGY_MEAN;
    return true;
}

bool bundle_read_bucketizer(struct bundle_node *node)
{
    const double *splits;
    size_t count;
    if (!node_shape(node, 1, 1) || !node_invalid(node, FEATURE_ERROR) ||
        !node_numbers(node, "splits", &splits, &count))
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
    if (!count)
        return node_needs(node, "splits", "a list of numbers that grow");
    node->stage.of.bucketizer.splits = whole;
    node->stage.of.bucketizer.count = count;
    return true;
}

static bool take_operation(const struct bundle_node *node, int first, int end,
                           enum feature_operation *operation)
{
    const char *name;
    if (!node_string(node, "operation", &name))
        return false;
    for (int i = first; i < end; i++)
        if (strcmp(feature_operation_name((enum feature_operation)i), name) == 0) {
            *operation = (enum feature_operation)i;
            return true;
        }
    return fail(node->error, LATHE_UNSUPPORTED, "its operation is \"%.40s\", which is not known",
                name);
}

bool bundle_read_unary(struct bundle_node *node)
{
    return node_shape(node, 1, 1) &&
           take_operation(node, MATH_LOG, MATH_ADD, &node->stage.of.unary.operation);
}

bool bundle_read_binary(struct bundle_node *node)
{
    static const char *const PORTS[] = {"input_a", "input_b"}, *const CONSTANTS[] = {"da", "db"};
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
        else if (!json_member(node->attributes, CONSTANTS[side]))
            return fail(node->error, LATHE_INVALID_MODEL,
                        "it has neither a column at the port \"%s\" nor a number \"%s\"",
                        PORTS[side], CONSTANTS[side]);
        if (!node_number(node, CONSTANTS[side], &numbers[side]))
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
    if (!node_shape(node, 1, 1) || !node_invalid(node, FEATURE_ERROR) ||
        !node_numbers(node, "values", &stage->of.map.values, &values) ||
        !node_number(node, "missing_value", &stage->of.map.missing) ||
        !node_number(node, "default_value", &stage->of.map.otherwise))
        return false;
    if (values != stage->of.map.count)
        return node_needs(node, "values", "one number a label or key");
    return stage->invalid != FEATURE_SKIP ||
           node_needs(node, "handle_invalid", "\"error\" or \"keep\"");
}

bool bundle_read_string_map(struct bundle_node *node)
{
    if (!node_labels(node, "labels", &node->stage.of.map.labels))
        return false;
    node->stage.of.map.count = labels_count(node->stage.of.map.labels);
    return take_map(node);
}

bool bundle_read_number_map(struct bundle_node *node)
{
    return node_numbers(node, "keys", &node->stage.of.map.keys, &node->stage.of.map.count) &&
           take_map(node);
}

bool node_read(struct bundle_node *node)
{
    return kind_of(node->stage.kind)->read(node);
}
