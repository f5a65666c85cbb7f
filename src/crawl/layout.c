#include "crawl/layout.h"

#include <string.h>

#include "crawl/schema.h"

/* A folder, with the ranges of the list of files that lie in it and below. */
struct folder {
    char *path; /* "a/b/" */
    guint depth;
    GPtrArray *folders;
    GPtrArray *files;    /* struct found_file, directly in it */
    GHashTable *schemas; /* numbers of all below */
};

struct search {
    const char *bucket;
    const struct layout_rules *rules;
    GPtrArray *tables;
};

void found_partition_free(void *data)
{
    struct found_partition *partition = data;
    json_decref(partition->values);
    g_free(partition->location);
    g_free(partition);
}

void found_table_free(void *data)
{
    struct found_table *table = data;
    g_free(table->location);
    g_free(table->word);
    json_decref(table->schema);
    json_decref(table->keys);
    g_ptr_array_unref(table->partitions);
    g_free(table);
}

/* ---- the tree ---- */

static void folder_free(void *data)
{
    struct folder *folder = data;
    g_free(folder->path);
    g_ptr_array_unref(folder->folders);
    g_ptr_array_unref(folder->files);
    g_hash_table_unref(folder->schemas);
    g_free(folder);
}

static struct folder *folder_new(const char *path, size_t size, guint depth)
{
    struct folder *folder = g_new0(struct folder, 1);
    folder->path = g_strndup(path, size);
    folder->depth = depth;
    folder->folders = g_ptr_array_new_with_free_func(folder_free);
    folder->files = g_ptr_array_new();
    folder->schemas = g_hash_table_new(g_direct_hash, g_direct_equal);
    return folder;
}

/* The one at the end, where it has that path: keys come in order. */
static struct folder *child_of(struct folder *folder, const char *key, size_t size)
{
    struct folder *last =
        folder->folders->len ? folder->folders->pdata[folder->folders->len - 1] : NULL;
    if (last && strlen(last->path) == size && memcmp(last->path, key, size) == 0)
        return last;
    struct folder *child = folder_new(key, size, folder->depth + 1);
    g_ptr_array_add(folder->folders, child);
    return child;
}

static void add_file(struct folder *folder, struct found_file *file)
{
    const char *slash;
    g_hash_table_add(folder->schemas, GINT_TO_POINTER(file->schema));
    while ((slash = strchr(file->key + strlen(folder->path), '/'))) {
        folder = child_of(folder, file->key, (size_t)(slash - file->key) + 1);
        g_hash_table_add(folder->schemas, GINT_TO_POINTER(file->schema));
    }
    g_ptr_array_add(folder->files, file);
}

/* ---- schemas ---- */

static int by_number(const void *a, const void *b)
{
    return GPOINTER_TO_INT(*(void *const *)a) - GPOINTER_TO_INT(*(void *const *)b);
}

/* One that reads all of them; NULL where they are too unlike. */
static json_t *merge_all(const struct search *search, GHashTable *schemas)
{
    guint count;
    g_autofree void **numbers = g_hash_table_get_keys_as_array(schemas, &count);
    json_t *merged = NULL;
    qsort(numbers, count, sizeof *numbers, by_number);
    for (guint i = 0; i < count; i++) {
        const json_t *schema =
            search->rules->schema(search->rules->data, GPOINTER_TO_INT(numbers[i]));
        if (merged && !schema_is_similar(merged, schema, search->rules->combine)) {
            json_decref(merged);
            return NULL;
        }
        json_t *next = merged ? schema_merge(merged, schema) : json_incref((json_t *)schema);
        json_decref(merged);
        merged = next;
    }
    return merged;
}

/* ---- partitions ---- */

static void add_leaves(struct folder *folder, GPtrArray *leaves)
{
    if (folder->files->len)
        g_ptr_array_add(leaves, folder);
    for (guint i = 0; i < folder->folders->len; i++)
        add_leaves(folder->folders->pdata[i], leaves);
}

/* How deep all of the leaves lie below; 0 where they are not all at one depth. */
static guint depth_of(const GPtrArray *leaves, guint from)
{
    guint depth = ((struct folder *)leaves->pdata[0])->depth - from;
    for (guint i = 1; i < leaves->len; i++)
        if (((struct folder *)leaves->pdata[i])->depth - from != depth)
            return 0;
    return depth;
}

/* The names of the folders on the way from a table's folder down. g_strfreev. */
static char **names_below(const char *table_folder, const char *folder)
{
    g_autofree char *rest = g_strdup(folder + strlen(table_folder));
    size_t size = strlen(rest);
    if (size)
        rest[size - 1] = '\0';
    return g_strsplit(rest, "/", -1);
}

/* The key of "key=value"; NULL where it is none. g_free. */
static char *key_of(const char *name)
{
    const char *equals = strchr(name, '=');
    return equals && equals > name ? g_ascii_strdown(name, equals - name) : NULL;
}

static bool has_column(const json_t *schema, const char *name)
{
    size_t i;
    const json_t *column;
    json_array_foreach(json_object_get(schema, "Columns"), i, column)
    {
        if (strcmp(json_text_at(column, "Name"), name) == 0)
            return true;
    }
    return false;
}

static bool is_taken(const json_t *keys, const json_t *schema, const char *name)
{
    size_t i;
    const json_t *key;
    json_array_foreach((json_t *)keys, i, key)
    {
        if (strcmp(json_text_at(key, "Name"), name) == 0)
            return true;
    }
    return has_column(schema, name);
}

/* What all folders of that depth are called by, or NULL. g_free. */
static char *common_key(const GPtrArray *leaves, const char *table_folder, guint level)
{
    char *common = NULL;
    for (guint i = 0; i < leaves->len; i++) {
        g_auto(GStrv) names = names_below(table_folder, ((struct folder *)leaves->pdata[i])->path);
        g_autofree char *key = key_of(names[level]);
        if (!key || (common && strcmp(common, key) != 0)) {
            g_free(common);
            return NULL;
        }
        if (!common)
            common = g_steal_pointer(&key);
    }
    return common;
}

static json_t *keys_of(const GPtrArray *leaves, const char *table_folder, guint depth,
                       const json_t *schema)
{
    json_t *keys = json_array();
    for (guint level = 0; level < depth; level++) {
        g_autofree char *key = common_key(leaves, table_folder, level);
        g_autofree char *name = key && !is_taken(keys, schema, key)
                                    ? g_strdup(key)
                                    : g_strdup_printf("partition_%u", level);
        json_array_append_new(keys, json_pack("{ssss}", "Name", name, "Type", "string"));
    }
    return keys;
}

/* A name that was written as a URL does. */
static json_t *value_of(const char *name)
{
    g_autofree char *key = key_of(name);
    const char *text = key ? strchr(name, '=') + 1 : name;
    g_autofree char *plain = key ? g_uri_unescape_string(text, NULL) : NULL;
    return json_string(plain && *plain ? plain : *text ? text : "__HIVE_DEFAULT_PARTITION__");
}

struct found_partition *layout_partition(const char *bucket, const char *table_folder,
                                         const char *folder, const json_t *keys)
{
    if (!g_str_has_prefix(folder, table_folder))
        return NULL;
    g_auto(GStrv) names = names_below(table_folder, folder);
    if (!*folder || g_strv_length(names) != json_array_size(keys))
        return NULL;
    struct found_partition *partition = g_new(struct found_partition, 1);
    partition->location = g_strdup_printf("s3://%s/%s", bucket, folder);
    partition->values = json_array();
    for (size_t i = 0; names[i]; i++)
        json_array_append_new(partition->values, value_of(names[i]));
    return partition;
}

/* ---- tables ---- */

static struct found_table *table_new(const struct search *search, const char *path, json_t *schema)
{
    struct found_table *table = g_new0(struct found_table, 1);
    g_autofree char *plain = g_strdup(path);
    size_t size = strlen(plain);
    if (size && plain[size - 1] == '/')
        plain[size - 1] = '\0';
    const char *slash = strrchr(plain, '/');
    table->location = g_strdup_printf("s3://%s/%s", search->bucket, path);
    table->word = g_strdup(slash ? slash + 1 : *plain ? plain : search->bucket);
    table->schema = schema;
    table->keys = json_array();
    table->partitions = g_ptr_array_new_with_free_func(found_partition_free);
    g_ptr_array_add(search->tables, table);
    return table;
}

static void count_file(struct found_table *table, const struct found_file *file)
{
    table->files++;
    table->bytes += file->size;
    table->gzip |= file->gzip;
    table->records += file->record_size ? MAX(file->size / file->record_size, 1) : 0;
}

static void add_partitions(const struct search *search, struct found_table *table,
                           const struct folder *folder, const GPtrArray *leaves)
{
    guint depth = depth_of(leaves, folder->depth);
    json_decref(table->keys);
    table->keys = keys_of(leaves, folder->path, depth, table->schema);
    for (guint i = 0; i < leaves->len; i++) {
        const struct folder *leaf = leaves->pdata[i];
        if (depth)
            g_ptr_array_add(table->partitions, layout_partition(search->bucket, folder->path,
                                                                leaf->path, table->keys));
        for (guint f = 0; f < leaf->files->len; f++)
            count_file(table, leaf->files->pdata[f]);
    }
}

static void make_table(const struct search *search, struct folder *folder, json_t *schema)
{
    g_autoptr(GPtrArray) leaves = g_ptr_array_new();
    struct found_table *table = table_new(search, folder->path, schema);
    add_leaves(folder, leaves);
    add_partitions(search, table, folder, leaves);
}

/* Each is a table of its own. */
static void make_file_tables(const struct search *search, const struct folder *folder)
{
    for (guint i = 0; i < folder->files->len; i++) {
        const struct found_file *file = folder->files->pdata[i];
        const json_t *schema = search->rules->schema(search->rules->data, file->schema);
        count_file(table_new(search, file->key, json_incref((json_t *)schema)), file);
    }
}

/* A bucket is the first level. */
static bool may_be_table(const struct search *search, const struct folder *folder)
{
    return !search->rules->level || (int)folder->depth + 1 >= search->rules->level;
}

static void make_tables(const struct search *search, struct folder *folder)
{
    json_t *schema = may_be_table(search, folder) ? merge_all(search, folder->schemas) : NULL;
    if (schema) {
        make_table(search, folder, schema);
        return;
    }
    make_file_tables(search, folder);
    for (guint i = 0; i < folder->folders->len; i++)
        make_tables(search, folder->folders->pdata[i]);
}

static guint slashes(const char *path)
{
    guint count = 0;
    for (; *path; path++)
        count += *path == '/';
    return count;
}

GPtrArray *layout_find(const char *bucket, const char *folder, GPtrArray *files,
                       const struct layout_rules *rules)
{
    struct search search = {bucket, rules, g_ptr_array_new_with_free_func(found_table_free)};
    struct folder *root = folder_new(folder, strlen(folder), slashes(folder));
    for (guint i = 0; i < files->len; i++)
        add_file(root, files->pdata[i]);
    if (files->len)
        make_tables(&search, root);
    folder_free(root);
    return search.tables;
}
