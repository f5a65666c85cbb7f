#include "crawl/memo.h"

#include <string.h>

#include "base/file.h"

#define MAGIC "lathe crawl 1\n"

/* One object's, as a line: "<id> <schema> <gzip> <record size> <refused or ->". */
struct record {
    int schema;
    bool gzip, used;
    gint64 record_size;
    const char *refused; /* interned */
};

struct memo {
    char *path, *key;
    GHashTable *objects; /* id -> struct record */
    GPtrArray *schemas;  /* json_t */
    GHashTable *numbers; /* text -> number + 1 */
    bool changed;
};

static void free_json(void *data)
{
    json_decref(data);
}

static int add_schema(struct memo *memo, json_t *schema)
{
    char *text = json_dumps(schema, JSON_COMPACT | JSON_SORT_KEYS);
    int number = GPOINTER_TO_INT(g_hash_table_lookup(memo->numbers, text)) - 1;
    if (number < 0) {
        number = (int)memo->schemas->len;
        g_ptr_array_add(memo->schemas, json_incref(schema));
        g_hash_table_insert(memo->numbers, g_strdup(text), GINT_TO_POINTER(number + 1));
    }
    free(text);
    json_decref(schema);
    return number;
}

/* ---- the file ---- */

static void read_object(struct memo *memo, char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 5);
    if (g_strv_length(words) != 5)
        return;
    struct record *record = g_new0(struct record, 1);
    record->schema = (int)g_ascii_strtoll(words[1], NULL, 10);
    record->gzip = *words[2] == '1';
    record->record_size = g_ascii_strtoll(words[3], NULL, 10);
    record->refused = strcmp(words[4], "-") == 0 ? NULL : g_intern_string(words[4]);
    if (record->schema >= (int)memo->schemas->len)
        record->schema = -1;
    g_hash_table_insert(memo->objects, g_strdup(words[0]), record);
}

/* Schemas are lines that begin with a brace, and stand before what refers to them. */
static void read_lines(struct memo *memo, char *text)
{
    while (*text) {
        char *end = strchr(text, '\n');
        if (!end)
            return;
        *end = '\0';
        json_t *schema = *text == '{' ? json_loads(text, 0, NULL) : NULL;
        if (schema)
            add_schema(memo, schema);
        else
            read_object(memo, text);
        text = end + 1;
    }
}

static void read_file(struct memo *memo)
{
    g_autofree char *text = NULL, *head = g_strconcat(MAGIC, memo->key, "\n", NULL);
    if (memo->path && g_file_get_contents(memo->path, &text, NULL, NULL) &&
        g_str_has_prefix(text, head))
        read_lines(memo, text + strlen(head));
}

struct memo *memo_open(const char *path, const char *key)
{
    struct memo *memo = g_new0(struct memo, 1);
    memo->path = g_strdup(path);
    memo->key = g_strdup(key);
    memo->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    memo->schemas = g_ptr_array_new_with_free_func(free_json);
    memo->numbers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    read_file(memo);
    return memo;
}

void memo_free(struct memo *memo)
{
    if (!memo)
        return;
    g_free(memo->path);
    g_free(memo->key);
    g_hash_table_unref(memo->objects);
    g_ptr_array_unref(memo->schemas);
    g_hash_table_unref(memo->numbers);
    g_free(memo);
}

void memo_save(const struct memo *memo)
{
    GHashTableIter iterator;
    void *id, *value;
    if (!memo->path || !memo->changed)
        return;
    g_autoptr(GString) text = g_string_new(MAGIC);
    g_string_append_printf(text, "%s\n", memo->key);
    for (guint i = 0; i < memo->schemas->len; i++) {
        g_autofree char *schema = json_text_of(memo->schemas->pdata[i]);
        g_string_append_printf(text, "%s\n", schema);
    }
    g_hash_table_iter_init(&iterator, memo->objects);
    while (g_hash_table_iter_next(&iterator, &id, &value)) {
        const struct record *record = value;
        if (record->used)
            g_string_append_printf(text, "%s %d %d %" G_GINT64_FORMAT " %s\n", (char *)id,
                                   record->schema, record->gzip, record->record_size,
                                   record->refused ? record->refused : "-");
    }
    g_autofree char *folder = g_path_get_dirname(memo->path);
    if (file_make_folders(folder, NULL)) /* what cannot be kept is read again */
        g_file_set_contents(memo->path, text->str, (gssize)text->len, NULL);
}

/* ---- findings ---- */

bool memo_get(const struct memo *memo, const char *id, struct finding *finding)
{
    struct record *record = g_hash_table_lookup(memo->objects, id);
    if (!record)
        return false;
    record->used = true;
    *finding = (struct finding){record->schema, record->refused, record->record_size, record->gzip};
    return true;
}

void memo_put(struct memo *memo, const char *id, json_t *schema, const char *refused, bool gzip)
{
    struct record *record = g_new0(struct record, 1);
    record->used = true;
    record->gzip = gzip;
    record->refused = g_intern_string(refused);
    record->record_size = json_integer_at(schema, "RecordSize", 0);
    json_object_del(schema, "RecordSize");
    record->schema = schema ? add_schema(memo, schema) : -1;
    g_hash_table_insert(memo->objects, g_strdup(id), record);
    memo->changed = true;
}

const json_t *memo_schema(const struct memo *memo, int number)
{
    return memo->schemas->pdata[number];
}
