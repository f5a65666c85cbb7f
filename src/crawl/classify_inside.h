/* classify_inside.h: between the files that tell formats. Each function gives the schema of what it
 * knows, or NULL. */
#ifndef LATHE_CRAWL_CLASSIFY_INSIDE_H
#define LATHE_CRAWL_CLASSIFY_INSIDE_H

#include "crawl/classify.h"
#include "crawl/type.h"

#define TEXT_INPUT "org.apache.hadoop.mapred.TextInputFormat"
#define TEXT_OUTPUT "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

/* {"Name", "Type"}; without Type where none is known. */
json_t *column_new(const char *name, const struct type *type);
/* serde: a library's name; NULL: none reads it. */
json_t *schema_new(const char *classification, json_t *columns, const char *serde,
                   json_t *serde_parameters);

/* Lines of the sample that are whole. */
struct line {
    const char *at;
    size_t size;
};
bool next_line(const struct sample *sample, size_t *position, struct line *line);
/* The lines of a piece that are whole, as a sample; false where there are none. */
bool sample_piece(const struct sample *sample, size_t place, struct sample *piece);

/* custom: a CsvClassifier, or NULL: the built-in one. */
json_t *classify_csv(const struct sample *sample, const json_t *custom);
/* path: of a JsonClassifier ("$.records[*]"), or NULL. */
json_t *classify_json(const struct sample *sample, const char *path);
bool json_path_check(const char *path, GError **error);
json_t *classify_parquet(const struct sample *sample);
json_t *classify_avro(const struct sample *sample);
json_t *classify_xml(const struct sample *sample, const char *classification, const char *row_tag);

/* Grok patterns, compiled. */
struct grok;
/* custom: further patterns, "NAME pattern" a line; or NULL. */
struct grok *grok_new(const char *classification, const char *pattern, const char *custom,
                      GError **error);
void grok_free(struct grok *grok);
json_t *classify_grok(const struct sample *sample, const struct grok *grok);
/* The built-in ones, in Glue's order; ends with NULL. Made once. */
const struct grok *const *grok_built_in(void);

#endif
