/* export_inside.h: what the files that write a predictor as C share. */
#ifndef LATHE_EXPORT_EXPORT_INSIDE_H
#define LATHE_EXPORT_EXPORT_INSIDE_H

#include "model/parts.h"
#include "parse/fail.h"

/* C on its way out. After failed (no memory) nothing more is written. */
struct code {
    struct lathe_text *text;
    bool failed;
};

void code_put(struct code *code, const char *format, ...) LATHE_PRINTF(2, 3);
/* A double or float as a C constant of exactly that value. */
void code_double(struct code *code, double value);
void code_float(struct code *code, float value);
/* A string literal; LATHE_UNSUPPORTED where it has a NUL. */
bool code_text(struct code *code, struct csv_text text, struct lathe_error *error);

/* Writes a part as `static int part_N(const double *in, const char *const *in_text, double *out,
 * const char **out_text)`: 0, or the number of the stage whose input it does not know. */
bool export_bundle(struct code *code, const struct part *part, size_t index,
                   struct lathe_error *error);
bool export_trees(struct code *code, const struct part *part, size_t index,
                  struct lathe_error *error);

/* What a column's categories are in numbers: `int NAME_code(size_t column, const char *category)`,
 * where any column has categories. */
bool export_has_categories(const struct lathe_predictor *predictor);
void export_declare_code(struct code *code, const char *name);
bool export_categories(struct code *code, const struct lathe_predictor *predictor, const char *name,
                       struct lathe_error *error);

/* The helpers that export_bundle's code calls, as far as these parts need them. */
void export_helpers(struct code *code, const struct lathe_predictor *predictor);

/* What a MinMaxScaler multiplies column i by; 0 where it is constant. */
double export_scale(const struct feature_stage *stage, size_t i);

#endif
