/* Reading MLeap bundles. */
#include "feature/bundle.h"

#include "feature/bundle_node.h"
#include "parse/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    DEEPEST = 8, /* pipelines in pipelines */
    LONGEST_PATH = 2048,
    LARGEST = 64 << 20 /* bytes of all its files that are read */
};

/* A bundle being read into a pipeline. */
struct reading {
    const char *folder;     /* where it is, in the file system or (with its slash) in: */
    struct unpack *archive; /* or NULL */
    struct pipeline *pipeline;
    struct labels *nodes; /* the paths of those read */
    size_t bytes;         /* of the files read */
    struct lathe_error *error;
};

/* ---- files ---- */

/* A file of a folder; *bytes is the caller's to free. */
static bool load_file(const struct reading *reading, const char *path, char **bytes, size_t *size)
{
    char whole[2 * LONGEST_PATH];
    FILE *file = NULL;
    if (snprintf(whole, sizeof whole, "%s/%s", reading->folder, path) < (int)sizeof whole)
        file = fopen(whole, "rb");
    if (!file)
        return fail(reading->error, LATHE_INVALID_MODEL, "it has no file '%.200s'", path);
    struct stat status;
    bool loaded = false;
    if (fstat(fileno(file), &status) != 0 || !S_ISREG(status.st_mode))
        fail(reading->error, LATHE_INVALID_MODEL, "'%.200s' is not a file", path);
    else if (status.st_size > JSON_LARGEST)
        fail(reading->error, LATHE_LIMIT, "'%.200s' has more than %d bytes", path, JSON_LARGEST);
    else if (!(*bytes = malloc((size_t)status.st_size + 1)))
        fail_memory(reading->error, "a bundle");
    else if ((*size = fread(*bytes, 1, (size_t)status.st_size, file)) != (size_t)status.st_size)
        fail(reading->error, LATHE_IO, "'%.200s' cannot be read", path);
    else
        loaded = true;
    fclose(file);
    return loaded;
}

static bool find_file(const struct reading *reading, const char *path, const char **bytes,
                      size_t *size)
{
    char whole[2 * LONGEST_PATH];
    snprintf(whole, sizeof whole, "%s%s", reading->folder, path);
    size_t index = unpack_find(reading->archive, whole);
    if (index == unpack_count(reading->archive))
        return fail(reading->error, LATHE_INVALID_MODEL, "it has no file '%.200s'", path);
    *bytes = unpack_bytes(reading->archive, index, size, reading->error);
    return *bytes != NULL;
}

bool node_file(const struct bundle_node *node, const char *file, const char **bytes, size_t *size,
               char **loaded)
{
    struct reading *reading = node->reading;
    char path[LONGEST_PATH];
    *loaded = NULL;
    if (snprintf(path, sizeof path, "%s/%s", node->path, file) >= (int)sizeof path)
        return fail(reading->error, LATHE_LIMIT, "a file's path has more than %d characters",
                    LONGEST_PATH);
    bool there = reading->archive ? find_file(reading, path, bytes, size)
                                  : load_file(reading, path, loaded, size);
    if (!there)
        return false;
    reading->bytes += *size;
    if (*loaded)
        *bytes = *loaded;
    if (reading->bytes <= LARGEST)
        return true;
    free(*loaded);
    return fail(reading->error, LATHE_LIMIT, "its files have more than %d bytes", LARGEST);
}

/* An object; its memory is the pipeline's. */
static const struct json *read_json(struct reading *reading, const char *path)
{
    char *loaded = NULL;
    const char *bytes = NULL;
    size_t size = 0;
    struct json *json = NULL;
    bool there = reading->archive ? find_file(reading, path, &bytes, &size)
                                  : load_file(reading, path, &loaded, &size);
    reading->bytes += size;
    if (there && reading->bytes > LARGEST)
        fail(reading->error, LATHE_LIMIT, "its files have more than %d bytes", LARGEST);
    else if (there)
        json = json_read(pipeline_arena(reading->pipeline), loaded ? loaded : bytes, size,
                         reading->error);
    if (there && !json)
        fail_prefix(reading->error, "%.200s: ", path);
    free(loaded);
    if (!json || json->kind == JSON_OBJECT)
        return json;
    fail(reading->error, LATHE_INVALID_MODEL, "%.200s: it is %s, and must be an object", path,
         json_kind_text(json));
    return NULL;
}

/* ---- nodes ---- */

static bool read_node(struct reading *reading, const char *path, int depth);

/* The nodes of a pipeline, one after the other: pipelines in pipelines are one list. */
static bool read_pipeline(struct reading *reading, const struct bundle_node *node, const char *path,
                          int depth)
{
    const struct json *names;
    if (depth >= DEEPEST)
        return fail(reading->error, LATHE_LIMIT, "pipelines are nested more than %d deep", DEEPEST);
    if (!node_list(node, "nodes", "string", &names))
        return fail_prefix(reading->error, "%.200s: ", path);
    for (const struct json *name = names ? names->first : NULL; name; name = name->next) {
        char inner[LONGEST_PATH];
        if (name->kind != JSON_STRING || strlen(name->string) != name->size || !name->size ||
            strchr(name->string, '/') || strchr(name->string, '\\'))
            return fail(reading->error, LATHE_INVALID_MODEL,
                        "%.200s: its nodes must be a list of names without slashes", path);
        if (snprintf(inner, sizeof inner, "%s/%s.node", path, name->string) >= (int)sizeof inner)
            return fail(reading->error, LATHE_LIMIT, "a node's path has more than %d characters",
                        LONGEST_PATH);
        if (!read_node(reading, inner, depth + 1))
            return false;
    }
    return true;
}

static bool read_stage(struct reading *reading, struct bundle_node *node, const char *path,
                       const char *op)
{
    char file[LONGEST_PATH + 16];
    snprintf(file, sizeof file, "%s/node.json", path);
    const struct json *json = read_json(reading, file);
    if (!json)
        return false;
    const struct json *name = json_member(json, "name"), *shape = json_member(json, "shape");
    node->inputs = json_member(shape, "inputs");
    node->outputs = json_member(shape, "outputs");
    bool whole = name && name->kind == JSON_STRING && name->size && node->inputs &&
                 node->inputs->kind == JSON_ARRAY && node->outputs &&
                 node->outputs->kind == JSON_ARRAY;
    if (!whole)
        return fail(reading->error, LATHE_INVALID_MODEL,
                    "%.200s: it must have a name, and a shape with inputs and outputs", file);
    if (node->inputs->size > BUILD_COLUMNS || node->outputs->size > BUILD_COLUMNS)
        return fail(reading->error, LATHE_LIMIT, "%.200s: it has more than %d columns", file,
                    BUILD_COLUMNS);
    node->stage.name = name->string;
    node->path = path;
    for (int kind = 0; kind < FEATURE_KINDS; kind++) {
        node->stage.kind = (enum feature_kind)kind;
        if (strcmp(feature_kind_op(node->stage.kind), op) != 0)
            continue;
        if (node_read(node) && pipeline_add(reading->pipeline, node->stage, reading->error))
            return true;
        return fail_prefix(reading->error, "%.200s (%s): ", path,
                           feature_kind_name(node->stage.kind));
    }
    return fail(reading->error, LATHE_UNSUPPORTED,
                "%.200s: the transformer \"%.60s\" is not one that lathe has", path, op);
}

static bool read_node(struct reading *reading, const char *path, int depth)
{
    char file[LONGEST_PATH + 16];
    size_t before = labels_count(reading->nodes);
    if (labels_add(reading->nodes, text_of(path, strlen(path))) < 0)
        return fail_memory(reading->error, "a bundle");
    if (labels_count(reading->nodes) == before)
        return fail(reading->error, LATHE_INVALID_MODEL, "%.200s: it is named twice", path);
    snprintf(file, sizeof file, "%s/model.json", path);
    const struct json *json = read_json(reading, file);
    if (!json)
        return false;
    const struct json *op = json_member(json, "op");
    struct bundle_node node = {.pipeline = reading->pipeline,
                               .arena = pipeline_arena(reading->pipeline),
                               .attributes = json_member(json, "attributes"),
                               .error = reading->error,
                               .reading = reading};
    if (!op || op->kind != JSON_STRING)
        return fail(reading->error, LATHE_INVALID_MODEL, "%.200s: it has no \"op\"", file);
    if (strcmp(op->string, "pipeline") == 0)
        return read_pipeline(reading, &node, path, depth);
    return read_stage(reading, &node, path, op->string);
}

static bool read_all(struct reading *reading)
{
    const struct json *json = read_json(reading, "bundle.json");
    if (!json)
        return false;
    const struct json *format = json_member(json, "format"), *name = json_member(json, "name");
    if (!format || format->kind != JSON_STRING || strcmp(format->string, "json") != 0)
        return fail(reading->error, LATHE_UNSUPPORTED,
                    "its format is \"%.20s\", and only bundles of format \"json\" are read: "
                    "write it with SerializationFormat.Json",
                    format && format->kind == JSON_STRING ? format->string : "");
    if (name && name->kind == JSON_STRING)
        pipeline_rename(reading->pipeline, name->string);
    const struct json *schema = json_member(json, "schema");
    if (schema && schema->kind == JSON_STRING)
        pipeline_set_schema(reading->pipeline, schema->string);
    if (!read_node(reading, "root", 0))
        return false;
    size_t stages;
    pipeline_stages(reading->pipeline, &stages);
    return stages || fail(reading->error, LATHE_INVALID_MODEL, "it has no stages");
}

static struct pipeline *read_bundle(const char *folder, struct unpack *archive,
                                    struct lathe_error *error)
{
    struct reading reading = {.folder = folder, .archive = archive, .error = error};
    reading.pipeline = pipeline_new();
    reading.nodes = labels_new();
    bool read =
        reading.pipeline && reading.nodes ? read_all(&reading) : fail_memory(error, "a bundle");
    labels_free(reading.nodes);
    if (read)
        return reading.pipeline;
    /* What is wrong in its JSON is wrong with the model. */
    if (error && error->code == LATHE_INVALID_DATA)
        error->code = LATHE_INVALID_MODEL;
    fail_prefix(error, "MLeap bundle: ");
    pipeline_close(reading.pipeline);
    return NULL;
}

/* ---- where bundles are ---- */

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), tail = strlen(end);
    return size >= tail && strcmp(name + size - tail, end) == 0;
}

bool bundle_needs(const char *name)
{
    return ends_with(name, ".json") || ends_with(name, ".zip");
}

/* Where a bundle begins: "" or a folder with its slash; the shortest of several. -1: none. */
static int find_prefix(const struct unpack *archive, size_t *index)
{
    int best = -1;
    for (size_t i = 0; i < unpack_count(archive); i++) {
        const char *name = unpack_name(archive, i);
        size_t size = strlen(name), tail = strlen("bundle.json");
        if (!ends_with(name, "bundle.json") || (size > tail && name[size - tail - 1] != '/') ||
            size - tail >= LONGEST_PATH / 2)
            continue;
        if (best < 0 || size - tail < (size_t)best) {
            best = (int)(size - tail);
            *index = i;
        }
    }
    return best;
}

/* The only zip in the archive, or SIZE_MAX. */
static size_t find_zip(const struct unpack *archive)
{
    size_t found = SIZE_MAX;
    for (size_t i = 0; i < unpack_count(archive); i++)
        if (ends_with(unpack_name(archive, i), ".zip")) {
            if (found != SIZE_MAX)
                return SIZE_MAX;
            found = i;
        }
    return found;
}

bool bundle_is_in(const struct unpack *archive)
{
    size_t index;
    return find_prefix(archive, &index) >= 0 || find_zip(archive) != SIZE_MAX;
}

static struct pipeline *read_found(struct unpack *archive, size_t index, int prefix,
                                   struct lathe_error *error)
{
    char folder[LONGEST_PATH];
    memcpy(folder, unpack_name(archive, index), (size_t)prefix);
    folder[prefix] = '\0';
    return read_bundle(folder, archive, error);
}

struct pipeline *bundle_read_unpacked(struct unpack *archive, struct lathe_error *error)
{
    size_t index, size, zip = find_zip(archive);
    int prefix = find_prefix(archive, &index);
    if (prefix >= 0)
        return read_found(archive, index, prefix, error);
    if (zip == SIZE_MAX) {
        fail(error, LATHE_INVALID_MODEL,
             "MLeap bundle: the archive has no file 'bundle.json', and no zip that could hold one");
        return NULL;
    }
    const char *bytes = unpack_bytes(archive, zip, &size, error);
    struct unpack *inner = bytes ? unpack_open(bytes, size, NULL, error) : NULL;
    if (!inner)
        return NULL;
    struct pipeline *pipeline = NULL;
    prefix = find_prefix(inner, &index);
    if (prefix >= 0)
        pipeline = read_found(inner, index, prefix, error);
    else
        fail(error, LATHE_INVALID_MODEL, "MLeap bundle: '%.100s' has no file 'bundle.json'",
             unpack_name(archive, zip));
    unpack_close(inner);
    return pipeline;
}

struct pipeline *bundle_read(const void *bytes, size_t size, struct lathe_error *error)
{
    struct unpack *archive = unpack_open(bytes, size, bundle_needs, error);
    if (!archive) {
        fail_prefix(error, "MLeap bundle: ");
        return NULL;
    }
    struct pipeline *pipeline = bundle_read_unpacked(archive, error);
    unpack_close(archive);
    return pipeline;
}

static struct pipeline *open_file(const char *path, size_t size, struct lathe_error *error)
{
    FILE *file = fopen(path, "rb");
    char *bytes = file ? malloc(size + 1) : NULL;
    struct pipeline *pipeline = NULL;
    if (!file)
        fail(error, LATHE_IO, "'%.200s' cannot be opened", path);
    else if (!bytes)
        fail_memory(error, "a bundle");
    else if (fread(bytes, 1, size, file) != size)
        fail(error, LATHE_IO, "'%.200s' cannot be read", path);
    else
        pipeline = bundle_read(bytes, size, error);
    if (file)
        fclose(file);
    free(bytes);
    return pipeline;
}

struct pipeline *bundle_open(const char *path, struct lathe_error *error)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fail(error, LATHE_IO, "'%.200s' is not there", path);
        return NULL;
    }
    if (S_ISDIR(status.st_mode))
        return read_bundle(path, NULL, error);
    return open_file(path, (size_t)status.st_size, error);
}
