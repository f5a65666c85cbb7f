/* channel_config.h: what input/config/inputdataconfig.json says of a training job's channels. */
#ifndef LATHE_TRAIN_CHANNEL_CONFIG_H
#define LATHE_TRAIN_CHANNEL_CONFIG_H

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "rows/rows.h"

struct channel_config {
    enum rows_format train;
    bool has_validation;
    enum rows_format validation;
};

/* Checks the channels ({"train":{"ContentType":"text/csv","TrainingInputMode":"File"},...}):
 * train is required, validation is not, no other is known. A channel without a ContentType is
 * text/libsvm; a validation channel without one is as the train channel, as in the container. */
bool channel_config_read(const json_t *channels, struct channel_config *config, GError **error);

#endif
