#include "parse/target.h"

#if TARGET_X86
#define WALK_TARGET TARGET_AVX512
#define WALK_BYTES 64
#define WALK_NAME shap_walk_avx512
#include "tree/shap_walk.h"
#endif
