#include "train/xgboost_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "train/system_metrics.h"

enum {
    MOST_FEATURES = 20,
    MOST_CLASSES = 50,
    WORST = 10,
    ROC_POINTS = 100,
    BINS = 20,
};

struct xgboost_report {
    json_t *system; /* as system_metrics_read has it */
    json_t *curves; /* "train-logloss" -> [[round, value], ...] */
};

struct xgboost_report *xgboost_report_new(void)
{
    struct xgboost_report *report = g_new(struct xgboost_report, 1);
    *report = (struct xgboost_report){json_object(), json_object()};
    return report;
}

void xgboost_report_free(struct xgboost_report *report)
{
    if (!report)
        return;
    json_decref(report->curves);
    json_decref(report->system);
    g_free(report);
}

void xgboost_report_system(struct xgboost_report *report, const char *folder)
{
    json_decref(report->system);
    report->system = system_metrics_read(folder);
}

void xgboost_report_round(struct xgboost_report *report, int round, const GArray *scores)
{
    for (guint i = 0; report && i < scores->len; i++) {
        const struct score *score = &g_array_index(scores, struct score, i);
        g_autofree char *name = g_strconcat(score->data, "-", score->metric, NULL);
        if (!json_object_get(report->curves, name))
            json_object_set_new(report->curves, name, json_array());
        if (isfinite(score->value))
            json_array_append_new(json_object_get(report->curves, name),
                                  json_pack("[if]", round, score->value));
    }
}

/* ---- what is told ---- */

static int larger_first(gconstpointer a, gconstpointer b)
{
    const struct round_feature *const *first = a, *const *second = b;
    return ((*first)->value < (*second)->value) - ((*first)->value > (*second)->value);
}

/* The largest first: [["f0", 0.5], ...]. */
static json_t *largest_of(const GArray *features)
{
    json_t *list = json_array();
    g_autoptr(GPtrArray) all = g_ptr_array_new();
    for (guint i = 0; i < features->len; i++)
        g_ptr_array_add(all, &g_array_index(features, struct round_feature, i));
    g_ptr_array_sort(all, larger_first);
    for (guint i = 0; i < MIN(all->len, MOST_FEATURES); i++) {
        const struct round_feature *one = g_ptr_array_index(all, i);
        json_array_append_new(list, json_pack("[sf]", one->name, one->value));
    }
    return list;
}

static bool shows(const struct round_view *view, const char *collection)
{
    return !view->source->shows || view->source->shows(view, collection);
}

static bool add_features(struct round_view *view, json_t *told, GError **error)
{
    bool trees = shows(view, "feature_importance") &&
                 strcmp(round_view_text(view, "booster"), "gblinear") != 0;
    const GArray *gains = trees ? round_view_importance(view, "gain", error) : NULL;
    if (trees && !gains)
        return false;
    json_object_set_new(told, "importance", gains ? largest_of(gains) : json_array());
    g_autoptr(GArray) contributions = round_view_contributions(view, error);
    if (contributions && contributions->len)
        json_object_set_new(told, "shap", largest_of(contributions));
    return contributions != NULL;
}

/* ---- rows and what is predicted of them ---- */

/* How many classes labels and predictions are of; 0: they are numbers. */
static size_t classes_of(const struct round_view *view)
{
    const char *objective = round_view_text(view, "objective");
    gint64 classes = 0;
    if (g_str_has_prefix(objective, "multi:"))
        classes = g_ascii_strtoll(round_view_text(view, "num_class"), NULL, 10);
    else if (g_str_has_prefix(objective, "binary:"))
        classes = 2;
    return classes > MOST_CLASSES ? 0 : (size_t)classes;
}

struct predicted {
    const float *labels, *values; /* `width` values a row */
    size_t rows, width, classes;
    bool are_margins; /* binary:logitraw */
};

/* A number that may be anything, as one of so many classes. */
static size_t as_class(float number, size_t classes)
{
    return number >= 1 ? (size_t)MIN(number, (float)(classes - 1)) : 0;
}

static size_t class_of(const struct predicted *predicted, size_t row)
{
    const float *values = predicted->values + row * predicted->width;
    size_t best = 0;
    for (size_t i = 1; i < predicted->width; i++)
        if (values[i] > values[best])
            best = i;
    if (predicted->width > 1)
        return best;
    if (predicted->classes == 2)
        return values[0] > (predicted->are_margins ? 0.0f : 0.5f);
    return as_class(values[0], predicted->classes);
}

static json_t *confusion_of(const struct predicted *predicted)
{
    size_t classes = predicted->classes;
    g_autofree gint64 *counts = g_new0(gint64, classes * classes);
    for (size_t row = 0; row < predicted->rows; row++) {
        size_t label = as_class(predicted->labels[row], classes);
        counts[label * classes + class_of(predicted, row)]++;
    }
    json_t *matrix = json_array();
    for (size_t i = 0; i < classes; i++) {
        json_t *row = json_array();
        for (size_t j = 0; j < classes; j++)
            json_array_append_new(row, json_integer(counts[i * classes + j]));
        json_array_append_new(matrix, row);
    }
    return matrix;
}

struct scored {
    float score, label;
};

static int higher_first(const void *a, const void *b)
{
    const struct scored *first = a, *second = b;
    return (first->score < second->score) - (first->score > second->score);
}

/* [[false positives' rate, true positives' rate], ...], a point at each change of the score,
 * thinned out; and the area below all of them. */
static void add_roc(const struct predicted *predicted, json_t *told)
{
    size_t rows = predicted->rows;
    g_autofree struct scored *all = g_new(struct scored, rows + 1);
    double positives = 0, hits = 0, misses = 0, area = 0;
    for (size_t i = 0; i < rows; i++) {
        all[i] = (struct scored){predicted->values[i], predicted->labels[i]};
        positives += all[i].label > 0;
    }
    double negatives = (double)rows - positives;
    if (positives == 0 || negatives == 0)
        return;
    qsort(all, rows, sizeof *all, higher_first);
    json_t *points = json_pack("[[ff]]", 0.0, 0.0);
    size_t step = MAX(rows / ROC_POINTS, 1), last = 0;
    for (size_t i = 0; i < rows;) {
        double before = hits, missed = misses;
        float score = all[i].score;
        for (; i < rows && all[i].score == score; i++)
            *(all[i].label > 0 ? &hits : &misses) += 1;
        area += (misses - missed) * (hits + before) / 2;
        if (i - last >= step || i == rows) {
            json_array_append_new(points, json_pack("[ff]", misses / negatives, hits / positives));
            last = i;
        }
    }
    json_object_set_new(told, "roc", points);
    json_object_set_new(told, "auc", json_real(area / positives / negatives));
}

/* How many rows are off by how much: [[from, count], ...]. */
static void add_residuals(const struct predicted *predicted, json_t *told)
{
    size_t counts[BINS] = {0}, rows = predicted->rows;
    double low = INFINITY, high = -INFINITY, squares = 0;
    for (size_t i = 0; i < rows; i++) {
        double off = (double)predicted->values[i] - (double)predicted->labels[i];
        low = MIN(low, off);
        high = MAX(high, off);
        squares += off * off;
    }
    double width = (high - low) / BINS;
    for (size_t i = 0; i < rows; i++) {
        double off = (double)predicted->values[i] - (double)predicted->labels[i];
        counts[width > 0 ? as_class((float)((off - low) / width), BINS) : 0]++;
    }
    json_t *bins = json_array();
    for (size_t i = 0; i < BINS && rows; i++)
        json_array_append_new(bins,
                              json_pack("[fI]", low + (double)i * width, (json_int_t)counts[i]));
    json_object_set_new(told, "residuals", bins);
    json_object_set_new(told, "rmse", json_real(rows ? sqrt(squares / (double)rows) : 0));
}

/* How far a row is from its label: of classes, what its own lacks of certainty. */
static double error_of(const struct predicted *predicted, size_t row)
{
    const float *values = predicted->values + row * predicted->width;
    float label = predicted->labels[row];
    if (predicted->width > 1)
        return 1 - (double)values[as_class(label, predicted->width)];
    return fabs((double)values[0] - (double)label);
}

struct wrong {
    size_t row;
    double error;
};

static json_t *worst_of(const struct predicted *predicted)
{
    struct wrong worst[WORST];
    size_t count = 0;
    for (size_t row = 0; row < predicted->rows; row++) {
        double error = error_of(predicted, row);
        size_t at = count;
        while (at && worst[at - 1].error < error)
            at--;
        if (at == WORST)
            continue;
        count = MIN(count + 1, WORST);
        memmove(worst + at + 1, worst + at, (count - at - 1) * sizeof *worst);
        worst[at] = (struct wrong){row, error};
    }
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        size_t row = worst[i].row;
        double said = predicted->width > 1 ? (double)class_of(predicted, row)
                                           : (double)predicted->values[row];
        json_array_append_new(list, json_pack("{sIsfsfsf}", "row", (json_int_t)row + 1, "label",
                                              (double)predicted->labels[row], "prediction", said,
                                              "error", worst[i].error));
    }
    return list;
}

static bool add_rows(struct round_view *view, json_t *told, GError **error)
{
    if (!shows(view, "predictions"))
        return true;
    if (!round_view_predictions(view, error))
        return false;
    bool margins = strcmp(round_view_text(view, "objective"), "binary:logitraw") == 0;
    struct predicted predicted = {view->labels, view->predictions, view->rows,
                                  view->width,  classes_of(view),  margins};
    json_object_set_new(told, "rows", json_integer((json_int_t)view->rows));
    json_object_set_new(told, "of", json_string(view->rows_of));
    if (predicted.classes)
        json_object_set_new(told, "confusion_matrix", confusion_of(&predicted));
    if (predicted.classes == 2 && predicted.width == 1)
        add_roc(&predicted, told);
    if (!predicted.classes && predicted.width == 1)
        add_residuals(&predicted, told);
    json_object_set_new(told, "worst", worst_of(&predicted));
    return true;
}

static json_t *tell(const struct xgboost_report *report, struct round_view *view, GError **error)
{
    g_autoptr(json_auto) told =
        json_pack("{sOsO}", "hyperparameters", view->hyperparameters, "curves", report->curves);
    if (json_object_size(report->system))
        json_object_set(told, "system", report->system);
    return add_features(view, told, error) && add_rows(view, told, error) ? g_steal_pointer(&told)
                                                                          : NULL;
}

/* ---- as HTML ---- */

enum { WIDTH = 640, HEIGHT = 240 };
static const char *const colours[] = {"#1f77b4", "#ff7f0e", "#2ca02c",
                                      "#d62728", "#9467bd", "#8c564b"};

static void add_escaped(GString *html, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);
    g_string_append(html, escaped);
}

static void begin_section(GString *html, const char *title)
{
    g_string_append_printf(html, "<section><h2>%s</h2>\n", title);
}

static void end_section(GString *html)
{
    g_string_append(html, "</section>\n");
}

struct range {
    double low, high;
};

static void widen(struct range *range, double value)
{
    range->low = MIN(range->low, value);
    range->high = MAX(range->high, value);
}

static double place(struct range range, double value, double size)
{
    return range.high > range.low ? (value - range.low) / (range.high - range.low) * size : 0;
}

static double number(const json_t *pair, size_t index)
{
    return json_number_value(json_array_get(pair, index));
}

/* Lines of points, by name. */
static void add_lines(GString *html, const json_t *lines)
{
    struct range x = {INFINITY, -INFINITY}, y = x;
    const char *name;
    json_t *line, *point;
    size_t i, colour = 0;
    json_object_foreach((json_t *)lines, name, line) json_array_foreach(line, i, point)
    {
        widen(&x, number(point, 0));
        widen(&y, number(point, 1));
    }
    g_string_append_printf(html, "<svg viewBox=\"-4 -4 %d %d\" role=\"img\">\n", WIDTH + 8,
                           HEIGHT + 8);
    json_object_foreach((json_t *)lines, name, line)
    {
        g_string_append_printf(html, "<polyline fill=\"none\" stroke=\"%s\" points=\"",
                               colours[colour++ % G_N_ELEMENTS(colours)]);
        json_array_foreach(line, i, point)
            g_string_append_printf(html, "%.1f,%.1f ", place(x, number(point, 0), WIDTH),
                                   HEIGHT - place(y, number(point, 1), HEIGHT));
        g_string_append(html, "\"><title>");
        add_escaped(html, name);
        g_string_append(html, "</title></polyline>\n");
    }
    g_string_append(html, "</svg>\n<ul>\n");
    colour = 0;
    json_object_foreach((json_t *)lines, name, line)
    {
        const json_t *last = json_array_get(line, json_array_size(line) - 1);
        g_string_append_printf(html, "<li style=\"color:%s\">",
                               colours[colour++ % G_N_ELEMENTS(colours)]);
        add_escaped(html, name);
        g_string_append_printf(html, ": %.6g</li>\n", number(last, 1));
    }
    g_string_append(html, "</ul>\n");
}

/* Named values as bars, in a table. */
static void add_bars(GString *html, const json_t *pairs)
{
    struct range values = {0, 0};
    size_t i;
    const json_t *pair;
    json_array_foreach((json_t *)pairs, i, pair) widen(&values, number(pair, 1));
    g_string_append(html, "<table>\n");
    json_array_foreach((json_t *)pairs, i, pair)
    {
        const json_t *name = json_array_get(pair, 0);
        g_autofree char *text = json_is_string(name) ? g_strdup(json_string_value(name))
                                                     : g_strdup_printf("%.4g", number(pair, 0));
        g_string_append(html, "<tr><th>");
        add_escaped(html, text);
        g_string_append_printf(html,
                               "</th><td><div class=\"bar\" style=\"width:%.1f%%\"></div></td>"
                               "<td>%.6g</td></tr>\n",
                               place(values, number(pair, 1), 100), number(pair, 1));
    }
    g_string_append(html, "</table>\n");
}

static void add_matrix(GString *html, const json_t *matrix)
{
    size_t i, j;
    const json_t *row, *count;
    g_string_append(html, "<table class=\"matrix\"><tr><th>label \\ predicted</th>");
    for (i = 0; i < json_array_size(matrix); i++)
        g_string_append_printf(html, "<th>%zu</th>", i);
    g_string_append(html, "</tr>\n");
    json_array_foreach((json_t *)matrix, i, row)
    {
        g_string_append_printf(html, "<tr><th>%zu</th>", i);
        json_array_foreach((json_t *)row, j, count)
            g_string_append_printf(html, "<td>%lld</td>", (long long)json_integer_value(count));
        g_string_append(html, "</tr>\n");
    }
    g_string_append(html, "</table>\n");
}

static void add_worst(GString *html, const json_t *worst)
{
    size_t i;
    const json_t *one;
    g_string_append(html, "<table><tr><th>row</th><th>label</th><th>prediction</th><th>error</th>"
                          "</tr>\n");
    json_array_foreach((json_t *)worst, i, one) g_string_append_printf(
        html, "<tr><td>%lld</td><td>%.6g</td><td>%.6g</td><td>%.6g</td></tr>\n",
        (long long)json_integer_at(one, "row", 0), json_number_at(one, "label", 0),
        json_number_at(one, "prediction", 0), json_number_at(one, "error", 0));
    g_string_append(html, "</table>\n");
}

/* Each on a scale of its own. */
static void add_system(GString *html, const json_t *system)
{
    const char *name;
    json_t *points;
    json_object_foreach((json_t *)system, name, points)
    {
        g_autoptr(json_auto) line = json_pack("{sO}", name, points);
        add_lines(html, line);
    }
}

static void add_settings(GString *html, const json_t *settings)
{
    const char *name;
    json_t *value;
    g_string_append(html, "<table>\n");
    json_object_foreach((json_t *)settings, name, value)
    {
        g_string_append(html, "<tr><th>");
        add_escaped(html, name);
        g_string_append(html, "</th><td>");
        add_escaped(html, json_string_value(value));
        g_string_append(html, "</td></tr>\n");
    }
    g_string_append(html, "</table>\n");
}

static const char head[] =
    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<title>XGBoost training report</title>\n<style>\n"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}\n"
    "svg{width:100%;border:1px solid #ccc}table{border-collapse:collapse}\n"
    "th,td{padding:.15rem .6rem;text-align:left;font-variant-numeric:tabular-nums}\n"
    "td:nth-child(2){min-width:12rem}.matrix td{min-width:0;text-align:right}\n"
    ".bar{height:.8rem;background:#1f77b4}\n"
    "</style></head><body>\n<h1>XGBoost training report</h1>\n";

/* The parts that there are. */
static GString *as_html(const json_t *told)
{
    static const struct {
        const char *member, *title;
        void (*add)(GString *html, const json_t *value);
    } parts[] = {{"curves", "Metrics by round", add_lines},
                 {"importance", "Importance of features (gain)", add_bars},
                 {"shap", "Mean contribution of features (SHAP)", add_bars},
                 {"confusion_matrix", "Confusion matrix", add_matrix},
                 {"residuals", "Residuals", add_bars},
                 {"worst", "Rows predicted worst", add_worst},
                 {"system", "What the job used, by seconds", add_system},
                 {"hyperparameters", "Hyperparameters", add_settings}};
    GString *html = g_string_new(head);
    if (json_object_get(told, "rows"))
        g_string_append_printf(html,
                               "<p>What follows the importance is of the %lld rows of the channel "
                               "%s.</p>\n",
                               (long long)json_integer_at(told, "rows", 0),
                               json_text_at(told, "of"));
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
        const json_t *value = json_object_get(told, parts[i].member);
        if (!value)
            continue;
        begin_section(html, parts[i].title);
        parts[i].add(html, value);
        end_section(html);
    }
    if (json_object_get(told, "roc")) {
        g_autoptr(json_auto) line =
            json_pack("{sO}", "true positives by false positives", json_object_get(told, "roc"));
        begin_section(html, "ROC curve");
        g_string_append_printf(html, "<p>Area under the curve: %.6g</p>\n",
                               json_number_at(told, "auc", 0));
        add_lines(html, line);
        end_section(html);
    }
    g_string_append(html, "</body></html>\n");
    return html;
}

bool xgboost_report_write(struct xgboost_report *report, struct round_view *view,
                          const char *folder, GError **error)
{
    g_autoptr(json_auto) told = tell(report, view, error);
    if (!told || !file_make_folders(folder, error))
        return false;
    g_autoptr(GString) html = as_html(told);
    g_autofree char *json = json_text_of(told);
    g_autofree char *html_path = g_build_filename(folder, "xgboost_report.html", NULL);
    g_autofree char *json_path = g_build_filename(folder, "xgboost_report.json", NULL);
    return file_put(html_path, html->str, html->len, error) &&
           file_put(json_path, json, strlen(json), error);
}
