/* pickle.h: a Booster as Python's pickle.load() finds it, for the images that wrote their models
 * so.
 *
 * What the images wrote is Booster.__getstate__'s dictionary around a buffer that only the XGBoost
 * that made it (and some later ones) takes. Ours is the call Booster(None, (), bytearray(model)),
 * which every release has. The model in it is JSON, which 1.7 to the newest read (1.5 does not);
 * for the images of 0.90 and before the binary form as 0.90 reads it, which XGBoost 3.1 and later
 * refuse.
 */
#ifndef LATHE_TRAIN_PICKLE_H
#define LATHE_TRAIN_PICKLE_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* The pickle (protocol 4) of a model in JSON, or in the binary form, as XGBoost 1.7 writes them. */
GByteArray *pickle_booster(const char *model, size_t size, GError **error);

#endif
