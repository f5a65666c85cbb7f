#include "query/script.h"

#include <string.h>

#include "base/error.h"
#include "query/hive.h"

struct splitter {
    const char *at;
    unsigned line, column; /* of `at`, from 1 */
    const json_t *options;
    GPtrArray *statements;
    GString *text;  /* of the statement under way, from its first character on */
    bool begun;     /* it has more than spaces and comments */
    bool is_hive;   /* in its texts a backslash counts */
    unsigned first; /* its line */
};

static void free_statement(void *data)
{
    struct query_statement *statement = data;
    g_free(statement->text);
    g_free(statement);
}

/* ---- steps ---- */

static void step(struct splitter *splitter)
{
    splitter->column += ((unsigned char)*splitter->at & 0xc0) != 0x80; /* characters of UTF-8 */
    if (*splitter->at++ == '\n') {
        splitter->line++;
        splitter->column = 1;
    }
}

static void copy(struct splitter *splitter, size_t count)
{
    for (; count && *splitter->at; count--) {
        g_string_append_c(splitter->text, *splitter->at);
        step(splitter);
    }
}

static void pad(GString *text, unsigned count, char with)
{
    for (; count; count--)
        g_string_append_c(text, with);
}

static void begin(struct splitter *splitter)
{
    if (splitter->begun)
        return;
    splitter->begun = true;
    splitter->first = splitter->line;
    splitter->is_hive = hive_is_ddl(splitter->at);
    g_string_truncate(splitter->text, 0);
    pad(splitter->text, splitter->line - 1, '\n');
    pad(splitter->text, splitter->column - 1, ' ');
}

static void end(struct splitter *splitter)
{
    if (splitter->begun) {
        struct query_statement *statement = g_new(struct query_statement, 1);
        *statement = (struct query_statement){g_strdup(splitter->text->str), splitter->first};
        g_ptr_array_add(splitter->statements, statement);
    }
    splitter->begun = false;
    g_string_truncate(splitter->text, 0);
}

/* ---- arguments ---- */

static void add_value(GString *text, const char *value, char quote)
{
    if (!quote)
        g_string_append_c(text, '\'');
    for (; *value; value++) {
        g_string_append_c(text, *value);
        if (*value == (quote ? quote : '\''))
            g_string_append_c(text, *value);
    }
    if (!quote)
        g_string_append_c(text, '\'');
}

/* quote: that it stands in, or 0. */
static bool fill_in(struct splitter *splitter, char quote, GError **error)
{
    const char *brace = strchr(splitter->at, '}');
    size_t size = brace ? (size_t)(brace - splitter->at) + 1 : 0;
    g_autofree char *name = brace ? g_strndup(splitter->at + 2, size - 3) : NULL;
    g_autofree char *option = g_strconcat("--", name ? name : "", NULL);
    const char *value = json_string_value(json_object_get(splitter->options, option));
    if (!name || !value)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "line %u:%u: %s%s%s: there is no argument %s", splitter->line,
                         splitter->column, "${", name ? name : "", name ? "}" : "", option);
    begin(splitter);
    add_value(splitter->text, value, quote);
    for (; size; size--)
        step(splitter);
    return true;
}

static bool is_argument(const struct splitter *splitter)
{
    return splitter->at[0] == '$' && splitter->at[1] == '{';
}

/* ---- what semicolons are looked for in ---- */

static void pass_comment(struct splitter *splitter)
{
    bool is_line = splitter->at[0] == '-';
    const char *close = strstr(splitter->at, is_line ? "\n" : "*/");
    size_t size = close ? (size_t)(close - splitter->at) + (is_line ? 0 : 2) : strlen(splitter->at);
    if (splitter->begun)
        copy(splitter, size);
    for (; !splitter->begun && size; size--)
        step(splitter);
}

static bool is_comment(const char *at)
{
    return strncmp(at, "--", 2) == 0 || strncmp(at, "/*", 2) == 0;
}

static bool take_quoted(struct splitter *splitter, GError **error)
{
    char quote = *splitter->at;
    unsigned line = splitter->line, column = splitter->column;
    copy(splitter, 1);
    while (*splitter->at && *splitter->at != quote) {
        if (is_argument(splitter)) {
            if (!fill_in(splitter, quote, error))
                return false;
            continue;
        }
        copy(splitter, splitter->is_hive && *splitter->at == '\\' && splitter->at[1] ? 2 : 1);
    }
    if (!*splitter->at)
        return error_set(error, ERROR_INVALID_REQUEST,
                         "line %u:%u: the quote %c that begins here has no end", line, column,
                         quote);
    copy(splitter, 1);
    return true;
}

static bool take_one(struct splitter *splitter, GError **error)
{
    char here = *splitter->at;
    if (is_comment(splitter->at)) {
        pass_comment(splitter);
    } else if (here == ';') {
        end(splitter);
        step(splitter);
    } else if (is_argument(splitter)) {
        return fill_in(splitter, 0, error);
    } else if (g_ascii_isspace(here) && !splitter->begun) {
        step(splitter);
    } else {
        begin(splitter);
        if (strchr("'\"`", here))
            return take_quoted(splitter, error);
        copy(splitter, 1);
    }
    return true;
}

GPtrArray *query_split(const char *text, const json_t *options, GError **error)
{
    g_autoptr(GPtrArray) statements = g_ptr_array_new_with_free_func(free_statement);
    g_autoptr(GString) under_way = g_string_new(NULL);
    struct splitter splitter = {.at = text,
                                .line = 1,
                                .column = 1,
                                .options = options,
                                .statements = statements,
                                .text = under_way};
    while (*splitter.at)
        if (!take_one(&splitter, error))
            return NULL;
    end(&splitter);
    return g_steal_pointer(&statements);
}
