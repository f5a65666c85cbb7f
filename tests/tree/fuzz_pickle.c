/* Any bytes as a pickle: refused, or a model that lies within the pickle or what was decoded of it.
 */
#include "tree/model_pickle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct model_pickle pickle;
    struct lathe_error error;
    volatile unsigned char sum = 0;
    model_is_pickle(bytes, size);
    if (!model_read_pickle(&pickle, bytes, size, &error))
        return 0;
    bool inside = pickle.model >= bytes && pickle.model + pickle.size <= bytes + size;
    if (!inside && (!pickle.decoded || pickle.model != pickle.decoded))
        abort();
    for (size_t i = 0; i < pickle.size; i++)
        sum = (unsigned char)(sum + pickle.model[i]);
    model_pickle_clear(&pickle);
    return 0;
}
