/* pickle.h: a Booster as Python's pickle.load() finds it, for the images that wrote their models
 * so.
 *
 * What the images wrote is Booster.__getstate__'s dictionary around a buffer that only the XGBoost
 * that made it (and some later ones) takes. Ours is the call Booster(None, (), bytearray(model)),
 * which every release has, around the one model file that every release from 0.90 to 3.0 reads: the
 * binary form, as 0.90 reads it. XGBoost 3.1 and later refuse that form, as they do every pickle of
 * releases before 1.6. */
#ifndef LATHE_TRAIN_PICKLE_H
#define LATHE_TRAIN_PICKLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The pickle (protocol 4) of a model in the binary form, as XGBoost 1.7 writes it. */
GByteArray *pickle_booster(const char *model, size_t size, GError **error);

#endif
