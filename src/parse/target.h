/* target.h: the one place that knows which instruction sets the fast paths are compiled for.
 * They are compiled into every x86-64 build and used where the CPU has them. */
#ifndef LATHE_PARSE_TARGET_H
#define LATHE_PARSE_TARGET_H

#include <stdbool.h>

/* Unrolls the loop that follows, whose bounds are constants. gcc at -O2 does not by itself, and
 * then keeps in memory the arrays of vectors that such loops walk. */
#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define UNROLL _Pragma("GCC unroll 16")
#else
#define UNROLL
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET_X86 1
#define TARGET_AVX2 __attribute__((target("avx2,bmi,popcnt")))
/* Ice Lake, Zen 4 and later */
#define TARGET_AVX512                                                                  \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2," \
                          "avx512bitalg,gfni,bmi,bmi2,popcnt")))

static inline bool target_has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("popcnt");
}

static inline bool target_has_avx512(void)
{
    return target_has_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
           __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512bitalg") &&
           __builtin_cpu_supports("gfni") && __builtin_cpu_supports("bmi2");
}
#else
#define TARGET_X86 0
#endif

/* Every ARM of 64 bits has it. */
#if defined(__aarch64__) && defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define TARGET_NEON 1
#else
#define TARGET_NEON 0
#endif

#if defined(__GNUC__)
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#else
#define ALWAYS_INLINE inline
#define NEVER_INLINE
#endif

#endif
