#include "wire/xml_tree.h"

#include <string.h>

#include "base/error.h"

#define CHUNK 1024 /* elements allocated at once */

struct open {
    struct xml_element *element;
    struct xml_element *last; /* of its children */
    struct xml_stretch name;  /* with its prefix */
};

struct xml_tree {
    GPtrArray *chunks;
    size_t count;
};

struct reader {
    const char *start, *at, *end;
    struct xml_tree *tree;
    struct open stack[XML_DEEPEST];
    size_t depth;
    const char *why; /* it is refused */
};

static bool refuse(struct reader *reader, const char *why)
{
    if (!reader->why)
        reader->why = why;
    return false;
}

/* ---- characters ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_name_start(char c)
{
    return g_ascii_isalpha(c) || c == '_' || c == ':' || (unsigned char)c >= 0x80;
}

static bool is_name_char(char c)
{
    return is_name_start(c) || g_ascii_isdigit(c) || c == '-' || c == '.';
}

static bool is_char(gunichar c)
{
    return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c <= 0xd7ff) ||
           (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

/* A reference behind '&': its character and the ';', or 0. *size: what it takes. */
static gunichar reference(const char *at, const char *end, size_t *size)
{
    static const struct {
        const char *name;
        char character;
    } known[] = {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    size_t left = (size_t)(end - at);
    for (size_t i = 0; i < G_N_ELEMENTS(known); i++) {
        *size = strlen(known[i].name);
        if (left >= *size && memcmp(at, known[i].name, *size) == 0)
            return (gunichar)known[i].character;
    }
    if (left < 3 || *at != '#')
        return 0;
    bool hex = at[1] == 'x';
    gunichar c = 0;
    const char *digit = at + 1 + hex;
    for (; digit < end && g_ascii_isxdigit(*digit) && c <= 0x10ffff; digit++) {
        int value = hex ? g_ascii_xdigit_value(*digit) : g_ascii_digit_value(*digit);
        if (value < 0)
            return 0;
        c = c * (hex ? 16 : 10) + (gunichar)value;
    }
    *size = (size_t)(digit - at) + 1;
    return digit < end && *digit == ';' && is_char(c) ? c : 0;
}

/* ---- markup ---- */

static bool starts(const struct reader *reader, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(reader->end - reader->at) >= size && memcmp(reader->at, word, size) == 0;
}

static void skip_space(struct reader *reader)
{
    while (reader->at < reader->end && is_space(*reader->at))
        reader->at++;
}

/* Past the next occurrence of word. */
static bool skip_past(struct reader *reader, const char *word)
{
    size_t left = (size_t)(reader->end - reader->at);
    const char *found = g_strstr_len(reader->at, (gssize)left, word);
    if (!found)
        return refuse(reader, "a comment, CDATA section or instruction has no end");
    reader->at = found + strlen(word);
    return true;
}

static bool read_name(struct reader *reader, struct xml_stretch *name)
{
    name->at = reader->at;
    if (reader->at == reader->end || !is_name_start(*reader->at))
        return refuse(reader, "a name is missing");
    while (reader->at < reader->end && is_name_char(*reader->at))
        reader->at++;
    name->size = (size_t)(reader->at - name->at);
    return true;
}

static struct xml_stretch without_prefix(struct xml_stretch name)
{
    const char *colon = memchr(name.at, ':', name.size);
    if (!colon)
        return name;
    return (struct xml_stretch){colon + 1, name.size - (size_t)(colon + 1 - name.at)};
}

static bool same(struct xml_stretch a, struct xml_stretch b)
{
    return a.size == b.size && memcmp(a.at, b.at, a.size) == 0;
}

/* One attribute; its value without its quotes. */
static bool read_attribute(struct reader *reader, struct xml_stretch *name,
                           struct xml_stretch *value)
{
    if (!read_name(reader, name))
        return false;
    skip_space(reader);
    if (reader->at == reader->end || *reader->at++ != '=')
        return refuse(reader, "an attribute has no value");
    skip_space(reader);
    char quote = reader->at < reader->end ? *reader->at++ : '\0';
    if (quote != '"' && quote != '\'')
        return refuse(reader, "an attribute's value is not in quotes");
    value->at = reader->at;
    for (; reader->at < reader->end && *reader->at != quote; reader->at++) {
        size_t size;
        if (*reader->at == '<' ||
            (*reader->at == '&' && !reference(reader->at + 1, reader->end, &size)))
            return refuse(reader, "an attribute's value holds a '<' or an unknown reference");
    }
    if (reader->at == reader->end)
        return refuse(reader, "an attribute's value has no end");
    value->size = (size_t)(reader->at++ - value->at);
    return true;
}

/* Behind the name of a start tag, to its '>' or "/>". */
static bool read_attributes(struct reader *reader)
{
    for (;;) {
        const char *before = reader->at;
        skip_space(reader);
        if (reader->at == reader->end)
            return refuse(reader, "a tag has no end");
        if (*reader->at == '>' || *reader->at == '/')
            return true;
        struct xml_stretch name, value;
        if (reader->at == before)
            return refuse(reader, "a blank is missing in front of an attribute");
        if (!read_attribute(reader, &name, &value))
            return false;
    }
}

/* ---- elements ---- */

static struct xml_element *new_element(struct reader *reader)
{
    struct xml_tree *tree = reader->tree;
    if (tree->count == XML_MOST_ELEMENTS) {
        refuse(reader, "it has more than " G_STRINGIFY(XML_MOST_ELEMENTS) " elements");
        return NULL;
    }
    size_t place = tree->count++ % CHUNK;
    if (place == 0)
        g_ptr_array_add(tree->chunks, g_new0(struct xml_element, CHUNK));
    struct xml_element *chunk = g_ptr_array_index(tree->chunks, tree->chunks->len - 1);
    return chunk + place;
}

static void join_parent(struct reader *reader, struct xml_element *element)
{
    if (reader->depth == 0)
        return;
    struct open *parent = &reader->stack[reader->depth - 1];
    if (parent->last)
        parent->last->next = element;
    else
        parent->element->children = element;
    parent->last = element;
}

static bool read_start_tag(struct reader *reader)
{
    struct xml_stretch name;
    reader->at++;
    if (!read_name(reader, &name))
        return false;
    struct xml_element *element = new_element(reader);
    if (!element)
        return false;
    element->name = without_prefix(name);
    element->tag.at = reader->at;
    if (!read_attributes(reader))
        return false;
    element->tag.size = (size_t)(reader->at - element->tag.at);
    join_parent(reader, element);
    bool empty = *reader->at == '/';
    reader->at += empty;
    if (reader->at == reader->end || *reader->at++ != '>')
        return refuse(reader, "a tag has no end");
    element->inside.at = reader->at;
    if (empty)
        return true;
    if (reader->depth == XML_DEEPEST)
        return refuse(reader, "it is nested deeper than " G_STRINGIFY(XML_DEEPEST) " levels");
    reader->stack[reader->depth++] = (struct open){element, NULL, name};
    return true;
}

static bool read_end_tag(struct reader *reader)
{
    const char *before = reader->at;
    struct xml_stretch name;
    reader->at += strlen("</");
    if (!read_name(reader, &name))
        return false;
    skip_space(reader);
    if (reader->at == reader->end || *reader->at++ != '>')
        return refuse(reader, "a tag has no end");
    struct open *open = reader->depth ? &reader->stack[reader->depth - 1] : NULL;
    if (!open || !same(open->name, name))
        return refuse(reader, "an end tag does not fit its start tag");
    open->element->inside.size = (size_t)(before - open->element->inside.at);
    reader->depth--;
    return true;
}

static bool read_text(struct reader *reader)
{
    for (; reader->at < reader->end && *reader->at != '<'; reader->at++) {
        size_t size;
        if (*reader->at == '&' && !reference(reader->at + 1, reader->end, &size))
            return refuse(reader, "a '&' begins no known reference");
        if (reader->depth == 0 && !is_space(*reader->at))
            return refuse(reader, "there is text outside of the root element");
    }
    return true;
}

/* What may stand between elements, and ends at its own mark. False where it is none of these. */
static bool skip_other(struct reader *reader, bool *skipped)
{
    *skipped = true;
    if (starts(reader, "<!--"))
        return skip_past(reader, "-->");
    if (starts(reader, "<![CDATA[") && reader->depth)
        return skip_past(reader, "]]>");
    if (starts(reader, "<?xml") && reader->at != reader->start && reader->end - reader->at > 5 &&
        !is_name_char(reader->at[5]))
        return refuse(reader, "the XML declaration is not at the start");
    if (starts(reader, "<?"))
        return skip_past(reader, "?>");
    if (starts(reader, "<!DOCTYPE"))
        return refuse(reader, "it has a document type, which is not accepted");
    *skipped = false;
    return true;
}

static bool read_content(struct reader *reader)
{
    while (reader->at < reader->end) {
        bool skipped;
        if (*reader->at != '<') {
            if (!read_text(reader))
                return false;
            continue;
        }
        if (!skip_other(reader, &skipped))
            return false;
        if (skipped)
            continue;
        bool ends = starts(reader, "</");
        if (!ends && reader->depth == 0 && reader->tree->count)
            return refuse(reader, "there is a second root element");
        if (!(ends ? read_end_tag(reader) : read_start_tag(reader)))
            return false;
    }
    return reader->depth == 0 && reader->tree->count > 0 ? true
                                                         : refuse(reader, "an element has no end");
}

/* ---- documents ---- */

/* The declaration's encoding, if it names one. */
static bool check_encoding(struct reader *reader)
{
    if (!starts(reader, "<?xml") || reader->end - reader->at < 6 || !is_space(reader->at[5]))
        return true;
    const char *stop = g_strstr_len(reader->at, reader->end - reader->at, "?>");
    const char *found = stop ? g_strstr_len(reader->at, stop - reader->at, "encoding") : NULL;
    if (!found)
        return true;
    struct reader inner = {.start = found, .at = found, .end = stop};
    struct xml_stretch name, value;
    if (!read_attribute(&inner, &name, &value))
        return refuse(reader, "its declaration is malformed");
    g_autofree char *encoding = g_strndup(value.at, value.size);
    return g_ascii_strcasecmp(encoding, "UTF-8") == 0 ||
           g_ascii_strcasecmp(encoding, "UTF8") == 0 ||
           g_ascii_strcasecmp(encoding, "US-ASCII") == 0 ||
           refuse(reader, "its encoding is not UTF-8");
}

static bool check_characters(struct reader *reader)
{
    if (!g_utf8_validate_len(reader->at, (gsize)(reader->end - reader->at), NULL))
        return refuse(reader, "it is not UTF-8");
    for (const char *c = reader->at; c < reader->end; c++) {
        bool control = (unsigned char)*c < 0x20 && !is_space(*c);
        bool no_character = *c == '\xef' && c[1] == '\xbf' && (c[2] == '\xbe' || c[2] == '\xbf');
        if (control || no_character)
            return refuse(reader, "it holds a character that XML does not have");
    }
    return true;
}

struct xml_tree *xml_tree_read(const char *text, size_t size, GError **error)
{
    if (!text) /* nothing at all: an empty body has no bytes */
        text = "";
    g_autoptr(xml_tree_auto) tree = g_new0(struct xml_tree, 1);
    tree->chunks = g_ptr_array_new_with_free_func(g_free);
    bool marked = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0; /* a byte order mark */
    const char *start = text + (marked ? 3 : 0);
    struct reader reader = {.start = start, .at = start, .end = text + size, .tree = tree};
    if (check_characters(&reader) && check_encoding(&reader) && read_content(&reader))
        return g_steal_pointer(&tree);
    error_set(error, ERROR_MALFORMED_XML,
              "The XML you provided was not well-formed or did not validate against our published "
              "schema: at byte %zu, %s",
              (size_t)(reader.at - text), reader.why);
    return NULL;
}

const struct xml_element *xml_tree_root(const struct xml_tree *tree)
{
    return g_ptr_array_index(tree->chunks, 0);
}

void xml_tree_free(struct xml_tree *tree)
{
    if (!tree)
        return;
    g_ptr_array_unref(tree->chunks);
    g_free(tree);
}

/* ---- what an element says ---- */

bool xml_is_named(const struct xml_element *element, const char *name)
{
    return same(element->name, (struct xml_stretch){name, strlen(name)});
}

char *xml_name(const struct xml_element *element)
{
    return g_strndup(element->name.at, element->name.size);
}

/* A line's end is one newline, however it is written. */
static const char *append_character(GString *out, const char *at, const char *end)
{
    size_t size = 0;
    if (*at == '&') {
        g_string_append_unichar(out, reference(at + 1, end, &size));
        return at + 1 + size;
    }
    g_string_append_c(out, *at == '\r' ? '\n' : *at);
    return at + 1 + (*at == '\r' && at + 1 < end && at[1] == '\n');
}

/* Where the markup that begins at `at` ends. */
static const char *markup_end(const char *at, const char *end, const char *mark)
{
    return g_strstr_len(at, end - at, mark) + strlen(mark);
}

static const char *append_cdata(GString *out, const char *at, const char *end)
{
    const char *stop = markup_end(at, end, "]]>");
    for (at += strlen("<![CDATA["); at < stop - strlen("]]>");) {
        if (*at == '&')
            g_string_append_c(out, *at++);
        else
            at = append_character(out, at, stop - strlen("]]>"));
    }
    return stop;
}

/* Past a tag, in whose quotes a '>' may stand. */
static const char *skip_tag(const char *at)
{
    char quote = '\0';
    for (; quote || *at != '>'; at++) {
        if (quote)
            quote = *at == quote ? '\0' : quote;
        else if (*at == '"' || *at == '\'')
            quote = *at;
    }
    return at + 1;
}

/* The document has been read: all marks are there. */
char *xml_text(const struct xml_element *element)
{
    const char *at = element->inside.at, *end = at + element->inside.size;
    GString *out = g_string_sized_new(element->inside.size);
    while (at < end) {
        size_t left = (size_t)(end - at);
        if (*at != '<')
            at = append_character(out, at, end);
        else if (left >= 9 && memcmp(at, "<![CDATA[", 9) == 0)
            at = append_cdata(out, at, end);
        else if (left >= 4 && memcmp(at, "<!--", 4) == 0)
            at = markup_end(at, end, "-->");
        else if (left >= 2 && at[1] == '?')
            at = markup_end(at, end, "?>");
        else
            at = skip_tag(at);
    }
    return g_string_free(out, FALSE);
}

char *xml_attribute(const struct xml_element *element, const char *name)
{
    const char *end = element->tag.at + element->tag.size;
    struct reader reader = {.at = element->tag.at, .end = end};
    for (skip_space(&reader); reader.at < end; skip_space(&reader)) {
        struct xml_stretch found, value;
        if (!read_attribute(&reader, &found, &value))
            return NULL;
        struct xml_stretch local = without_prefix(found);
        if (local.size == found.size || g_str_has_prefix(found.at, "xmlns:") ||
            !same(local, (struct xml_stretch){name, strlen(name)}))
            continue;
        GString *out = g_string_new(NULL);
        for (const char *at = value.at; at < value.at + value.size;)
            at = append_character(out, at, value.at + value.size);
        return g_string_free(out, FALSE);
    }
    return NULL;
}
