/* classify.h: what a file is: its format, its columns, and how a table over it is read.
 *
 * What is found is a schema, JSON with some of:
 *
 *   {"Classification": "csv", "Columns": [{"Name", "Type"}], "Positional": true (columns are told
 *    by their place), "Serde": {"SerializationLibrary", "Parameters"}, "InputFormat",
 *    "OutputFormat", "Parameters": {of the table}, "RecordSize": bytes of a record, on average,
 *    "Weak": true (one record alone, which says little)}
 *
 * A column's "Type" may be missing: no value of it was seen. */
#ifndef LATHE_CRAWL_CLASSIFY_H
#define LATHE_CRAWL_CLASSIFY_H

#include "base/json.h"

#define SAMPLE_PIECES 2

/* What was read of a file. */
struct sample {
    const char *key;   /* its name */
    const char *bytes; /* the beginning, unpacked */
    size_t size;
    bool whole;       /* that is all of it */
    const char *tail; /* where the file is not packed: its last bytes, for formats that end with
                       * what they hold; else NULL */
    size_t tail_size;
    gint64 file_size; /* as it is stored */
    /* Pieces from farther behind, of a file of lines that is not packed: the first line of each is
     * cut, and so may the last be. */
    struct {
        const char *bytes;
        size_t size;
    } pieces[SAMPLE_PIECES];
};

/* Classifiers of the user's, read for use: of a list of Glue's Classifiers, in their order. An
 * error names the classifier and what is wrong. */
struct classifiers;
struct classifiers *classifiers_new(const json_t *list, GError **error);
void classifiers_free(struct classifiers *classifiers);

/* The schema; or NULL: none of the classifiers knows it. *refused: where it is of a format that is
 * known by name and not read ("ORC"), that; else NULL. */
json_t *classify(const struct classifiers *classifiers, const struct sample *sample,
                 const char **refused);

/* Fails where a classifier (as CreateClassifier has it) would not do: its pattern, its path. */
bool classifier_check(const json_t *classifier, GError **error);

#endif
