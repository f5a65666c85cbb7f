/* xml_tree.h: an XML document's elements, as requests have them.
 *
 * What S3's documents need of XML 1.0 and no more: elements, text, attributes, references to
 * characters, CDATA; comments and processing instructions are skipped; a document type, an encoding
 * other than UTF-8 and anything that is not well-formed is refused. Attributes are not compared
 * with each other. Reading takes time and memory in proportion to the text: elements point into it,
 * and there is a bound of them. */
#ifndef LATHE_WIRE_XML_TREE_H
#define LATHE_WIRE_XML_TREE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

#define XML_MOST_ELEMENTS 250000
#define XML_DEEPEST 64

/* A stretch of the document. */
struct xml_stretch {
    const char *at;
    size_t size;
};

struct xml_element {
    struct xml_stretch name;   /* without its prefix */
    struct xml_stretch tag;    /* what follows the name in its start tag: the attributes */
    struct xml_stretch inside; /* between its tags */
    const struct xml_element *children, *next;
};

struct xml_tree;

/* The text must outlive the tree. ERROR_MALFORMED_XML. */
struct xml_tree *xml_tree_read(const char *text, size_t size, GError **error);
const struct xml_element *xml_tree_root(const struct xml_tree *tree);
void xml_tree_free(struct xml_tree *tree);

bool xml_is_named(const struct xml_element *element, const char *name);
char *xml_name(const struct xml_element *element); /* g_free */
/* All text in it, also in its children, references resolved; g_free. */
char *xml_text(const struct xml_element *element);
/* The value of an attribute that has a prefix, by its name without it, g_free, or NULL. */
char *xml_attribute(const struct xml_element *element, const char *name);

typedef struct xml_tree xml_tree_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(xml_tree_auto, xml_tree_free)

#endif
