/* target.h: the one place that knows which instruction sets the fast paths are compiled for.
 * They are compiled into every x86-64 build and used where the CPU has them. */
#ifndef LATHE_TREE_TARGET_H
#define LATHE_TREE_TARGET_H

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
#define TREE_X86 1
#define TARGET_AVX2 __attribute__((target("avx2")))
/* Ice Lake, Zen 4 and later */
#define TARGET_AVX512      \
    __attribute__((target( \
        "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vbmi2,avx512bitalg,gfni,popcnt")))
#define ALWAYS_INLINE inline __attribute__((always_inline))
#define NEVER_INLINE __attribute__((noinline))
#else
#define TREE_X86 0
#define ALWAYS_INLINE inline
#define NEVER_INLINE
#endif

#endif
