#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "http/fiber.h"

#include <glib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

/* The sanitizers keep books of each stack, and have to be told of a change. */
#ifdef __has_feature
#define HAS(feature) __has_feature(feature)
#else
#define HAS(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS(address_sanitizer)
#define FOR_ASAN 1
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__) || HAS(thread_sanitizer)
#define FOR_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif

#define STACK_SIZE ((size_t)1 << 20) /* of which only what is used takes memory */

struct fiber {
    ucontext_t own, outside;
    char *stack;
    void (*run)(void *data);
    void *data;
    bool ended;
#ifdef FOR_ASAN
    const void *outside_stack;
    size_t outside_size;
#endif
#ifdef FOR_TSAN
    void *books, *outside_books;
#endif
};

static _Thread_local struct fiber *begun; /* the one that runs for the first time */

/* ---- changes of stacks ---- */

static void enter(struct fiber *fiber)
{
#ifdef FOR_TSAN
    fiber->outside_books = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(fiber->books, 0);
#endif
#ifdef FOR_ASAN
    void *kept;
    __sanitizer_start_switch_fiber(&kept, fiber->stack, STACK_SIZE);
#endif
    swapcontext(&fiber->outside, &fiber->own);
#ifdef FOR_ASAN
    __sanitizer_finish_switch_fiber(kept, NULL, NULL);
#endif
}

/* On the fiber's stack, after each change to it. */
static void entered(struct fiber *fiber, void *kept)
{
#ifdef FOR_ASAN
    __sanitizer_finish_switch_fiber(kept, &fiber->outside_stack, &fiber->outside_size);
#else
    (void)fiber, (void)kept;
#endif
}

void fiber_pause(struct fiber *fiber)
{
    void *kept = NULL;
#ifdef FOR_TSAN
    __tsan_switch_to_fiber(fiber->outside_books, 0);
#endif
#ifdef FOR_ASAN
    __sanitizer_start_switch_fiber(&kept, fiber->outside_stack, fiber->outside_size);
#endif
    swapcontext(&fiber->own, &fiber->outside);
    entered(fiber, kept);
}

/* ---- its life ---- */

/* One function after another, all on this stack. */
static void run(void)
{
    struct fiber *fiber = begun;
    entered(fiber, NULL);
    for (;;) {
        fiber->run(fiber->data);
        fiber->ended = true;
        fiber_pause(fiber);
    }
}

struct fiber *fiber_new(void)
{
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    char *memory = mmap(NULL, guard + STACK_SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    mprotect(memory, guard, PROT_NONE); /* a stack that is full crashes, and writes over nothing */
    struct fiber *fiber = g_new0(struct fiber, 1);
    fiber->stack = memory + guard;
    getcontext(&fiber->own);
    fiber->own.uc_stack.ss_sp = fiber->stack;
    fiber->own.uc_stack.ss_size = STACK_SIZE;
    makecontext(&fiber->own, run, 0);
#ifdef FOR_TSAN
    fiber->books = __tsan_create_fiber(0);
#endif
    return fiber;
}

void fiber_free(struct fiber *fiber)
{
    if (!fiber)
        return;
#ifdef FOR_TSAN
    __tsan_destroy_fiber(fiber->books);
#endif
    size_t guard = (size_t)sysconf(_SC_PAGESIZE);
    munmap(fiber->stack - guard, guard + STACK_SIZE);
    g_free(fiber);
}

void fiber_set(struct fiber *fiber, void (*function)(void *data), void *data)
{
    fiber->run = function;
    fiber->data = data;
    fiber->ended = false;
}

bool fiber_go_on(struct fiber *fiber)
{
    begun = fiber;
    enter(fiber);
    return fiber->ended;
}
