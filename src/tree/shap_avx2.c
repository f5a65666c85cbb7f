#include "parse/target.h"

#if TARGET_X86
#define WALK_TARGET TARGET_AVX2
#define WALK_BYTES 32
#define WALK_NAME shap_walk_avx2
#include "tree/shap_walk.h"
#endif
