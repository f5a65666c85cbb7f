/* xgboost_report.h: the report that the rule CreateXgboostReport makes of a training: one HTML file
 * that needs nothing else, and the same as JSON. */
#ifndef LATHE_TRAIN_XGBOOST_REPORT_H
#define LATHE_TRAIN_XGBOOST_REPORT_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "train/round_view.h"

struct xgboost_report;

struct xgboost_report *xgboost_report_new(void);
void xgboost_report_free(struct xgboost_report *report);

/* Notes a round's scores. NULL reports are none. */
void xgboost_report_round(struct xgboost_report *report, int round, const GArray *scores);

/* Notes what the job used so far, as system_metrics_read finds it below the folder. */
void xgboost_report_system(struct xgboost_report *report, const char *folder);

/* Writes xgboost_report.html and xgboost_report.json below the folder, of what the view shows: the
 * curves, the features' importance, and their mean contributions to fifty of the judged rows,
 * evenly apart; of all these rows the confusion matrix and the ROC curve, or the residuals, and
 * those that are predicted worst. What there is none of is left out. */
bool xgboost_report_write(struct xgboost_report *report, struct round_view *view,
                          const char *folder, GError **error);

#endif
