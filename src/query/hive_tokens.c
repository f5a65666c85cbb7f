/* Text into tokens, and the small steps over them. */
#include <string.h>

#include "query/hive_inside.h"

struct scanner {
    const char *at;
    const char *line_start;
    unsigned line;
    GArray *tokens;
};

static void free_token(void *data)
{
    g_free(((struct hive_token *)data)->text);
}

static void step_over(struct scanner *scanner, const char *end)
{
    for (; scanner->at < end; scanner->at++)
        if (*scanner->at == '\n') {
            scanner->line++;
            scanner->line_start = scanner->at + 1;
        }
}

/* Spaces and comments. */
static bool skip_one(struct scanner *scanner)
{
    const char *at = scanner->at;
    if (g_ascii_isspace(*at)) {
        step_over(scanner, at + 1);
        return true;
    }
    if (g_str_has_prefix(at, "--")) {
        step_over(scanner, at + strcspn(at, "\n"));
        return true;
    }
    if (!g_str_has_prefix(at, "/*"))
        return false;
    const char *end = strstr(at + 2, "*/");
    step_over(scanner, end ? end + 2 : at + strlen(at));
    return true;
}

static void add(struct scanner *scanner, enum hive_kind kind, char *text, const char *end)
{
    struct hive_token token = {kind, text, scanner->line,
                               (unsigned)(scanner->at - scanner->line_start)};
    g_array_append_val(scanner->tokens, token);
    step_over(scanner, end);
}

/* What a backslash makes of the character behind it in Hive's texts. */
static char escaped(char letter)
{
    static const char letters[] = "ntr0bZ", values[] = "\n\t\r\0\b\x1a";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? values[found - letters] : letter;
}

/* \ooo: a character by its octal digits, as field delimiters are often written. */
static bool octal(const char *at, char *value)
{
    if (at[0] < '0' || at[0] > '3' || at[1] < '0' || at[1] > '7' || at[2] < '0' || at[2] > '7')
        return false;
    *value = (char)((at[0] - '0') * 64 + (at[1] - '0') * 8 + at[2] - '0');
    return true;
}

/* \u0001: Java's way. Texts hold no NUL: \000 is written as the two characters "\0". */
static const char *read_escape(const char *at, GString *text)
{
    char value;
    if (at[0] == 'u' && g_ascii_isxdigit(at[1]) && g_ascii_isxdigit(at[2]) &&
        g_ascii_isxdigit(at[3]) && g_ascii_isxdigit(at[4])) {
        gunichar letter = 0;
        for (int i = 1; i <= 4; i++)
            letter = letter * 16 + (gunichar)g_ascii_xdigit_value(at[i]);
        if (letter)
            g_string_append_unichar(text, letter);
        return at + 5;
    }
    if (octal(at, &value)) {
        if (value)
            g_string_append_c(text, value);
        return at + 3;
    }
    /* \% and \_ keep their backslash: patterns need it. */
    if (*at == '%' || *at == '_' || *at == '0')
        g_string_append_c(text, '\\');
    g_string_append_c(text, *at == '0' ? '0' : escaped(*at));
    return at + 1;
}

static void scan_text(struct scanner *scanner)
{
    char quote = *scanner->at;
    g_autoptr(GString) text = g_string_new(NULL);
    const char *at = scanner->at + 1;
    while (*at && (*at != quote || at[1] == quote))
        if (*at == '\\' && at[1]) {
            at = read_escape(at + 1, text);
        } else {
            at += *at == quote;
            g_string_append_c(text, *at++);
        }
    add(scanner, *at ? HIVE_TEXT : HIVE_WRONG, g_strdup(text->str), *at ? at + 1 : at);
}

static void scan_name(struct scanner *scanner)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *at = scanner->at + 1;
    while (*at && (*at != '`' || at[1] == '`')) {
        at += *at == '`';
        g_string_append_c(text, *at++);
    }
    add(scanner, *at ? HIVE_NAME : HIVE_WRONG, g_utf8_strdown(text->str, -1), *at ? at + 1 : at);
}

static size_t word_size(const char *at)
{
    size_t size = 0;
    while (g_ascii_isalnum(at[size]) || at[size] == '_' || (unsigned char)at[size] >= 0x80)
        size++;
    return size;
}

static void scan_number(struct scanner *scanner)
{
    const char *at = scanner->at + (*scanner->at == '-');
    at += strspn(at, "0123456789.");
    add(scanner, HIVE_NUMBER, g_strndup(scanner->at, (gsize)(at - scanner->at)), at);
}

/* A name may begin with a digit: 2008_flights is one, 2008 is none. */
static bool is_number(const char *at)
{
    at += *at == '-';
    size_t digits = strspn(at, "0123456789.");
    return g_ascii_isdigit(*at) && word_size(at + digits) == 0;
}

static void scan_one(struct scanner *scanner)
{
    const char *at = scanner->at;
    size_t size = word_size(at);
    if (is_number(at))
        scan_number(scanner);
    else if (size)
        add(scanner, HIVE_WORD, g_utf8_strdown(at, (gssize)size), at + size);
    else if (*at == '`')
        scan_name(scanner);
    else if (*at == '\'' || *at == '"')
        scan_text(scanner);
    else
        add(scanner, HIVE_SIGN, g_strndup(at, 1), at + 1);
}

static bool ends_wrong(const GArray *tokens)
{
    return tokens->len &&
           g_array_index(tokens, struct hive_token, tokens->len - 1).kind == HIVE_WRONG;
}

static void drop_semicolon(GArray *tokens)
{
    const struct hive_token *last =
        tokens->len ? &g_array_index(tokens, struct hive_token, tokens->len - 1) : NULL;
    if (last && last->kind == HIVE_SIGN && *last->text == ';')
        g_array_set_size(tokens, tokens->len - 1);
}

GArray *hive_tokens(const char *text)
{
    GArray *tokens = g_array_new(FALSE, FALSE, sizeof(struct hive_token));
    g_array_set_clear_func(tokens, free_token);
    struct scanner scanner = {text, text, 1, tokens};
    while (*scanner.at && !ends_wrong(tokens))
        if (!skip_one(&scanner))
            scan_one(&scanner);
    drop_semicolon(tokens);
    if (!ends_wrong(tokens))
        add(&scanner, HIVE_END, g_strdup("<EOF>"), scanner.at);
    return tokens;
}

/* ---- steps ---- */

const struct hive_token *hive_here(const struct hive_reader *reader)
{
    return &g_array_index(reader->tokens, struct hive_token,
                          MIN(reader->at, reader->tokens->len - 1));
}

bool hive_sees(const struct hive_reader *reader, const char *word)
{
    const struct hive_token *token = hive_here(reader);
    return (token->kind == HIVE_WORD || token->kind == HIVE_SIGN) && strcmp(token->text, word) == 0;
}

bool hive_takes(struct hive_reader *reader, const char *word)
{
    bool seen = hive_sees(reader, word);
    reader->at += seen;
    return seen;
}

bool hive_takes_words(struct hive_reader *reader, const char *words)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);
    guint start = reader->at;
    for (size_t i = 0; each[i]; i++)
        if (!hive_takes(reader, each[i])) {
            reader->at = start;
            return false;
        }
    return true;
}

bool hive_needs(struct hive_reader *reader, const char *word)
{
    return hive_takes(reader, word) || hive_fail(reader);
}

bool hive_needs_words(struct hive_reader *reader, const char *words)
{
    g_auto(GStrv) each = g_strsplit(words, " ", -1);
    for (size_t i = 0; each[i]; i++)
        if (!hive_needs(reader, each[i]))
            return false;
    return true;
}

bool hive_fail(struct hive_reader *reader)
{
    if (*reader->error)
        return false;
    const struct hive_token *token = hive_here(reader);
    if (token->kind == HIVE_WRONG)
        return error_set(reader->error, ERROR_INVALID_REQUEST,
                         "FAILED: ParseException line %u:%u character '<EOF>' not supported here: "
                         "a quote that begins there has no end",
                         token->line, token->column);
    bool last = token->kind == HIVE_END;
    return error_set(reader->error, ERROR_INVALID_REQUEST,
                     "FAILED: ParseException line %u:%u cannot recognize input near '%s'%s%s%s in "
                     "statement",
                     token->line, token->column, token->text, last ? "" : " '",
                     last ? "" : token[1].text, last ? "" : "'");
}

char *hive_name(struct hive_reader *reader)
{
    const struct hive_token *token = hive_here(reader);
    if ((token->kind != HIVE_WORD && token->kind != HIVE_NAME) || !*token->text) {
        hive_fail(reader);
        return NULL;
    }
    reader->at++;
    return g_strdup(token->text);
}

char *hive_quoted(struct hive_reader *reader)
{
    const struct hive_token *token = hive_here(reader);
    if (token->kind != HIVE_TEXT) {
        hive_fail(reader);
        return NULL;
    }
    reader->at++;
    return g_strdup(token->text);
}

char *hive_literal(struct hive_reader *reader)
{
    if (hive_here(reader)->kind != HIVE_NUMBER)
        return hive_quoted(reader);
    return g_strdup(g_array_index(reader->tokens, struct hive_token, reader->at++).text);
}

/* ---- lists ---- */

json_t *hive_properties(struct hive_reader *reader)
{
    g_autoptr(json_auto) properties = json_object();
    if (!hive_needs(reader, "("))
        return NULL;
    do {
        g_autofree char *name = hive_quoted(reader);
        g_autofree char *value = name && hive_needs(reader, "=") ? hive_literal(reader) : NULL;
        if (!value)
            return NULL;
        json_object_set_new(properties, name, json_string(value));
    } while (hive_takes(reader, ","));
    return hive_needs(reader, ")") ? g_steal_pointer(&properties) : NULL;
}
