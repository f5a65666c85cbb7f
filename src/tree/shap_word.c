/* Contributions in plain C; the compiler has the vectors in whatever there are. */
#define WALK_TARGET
#define WALK_BYTES 16
#define WALK_NAME shap_walk_word
#include "tree/shap_walk.h"
