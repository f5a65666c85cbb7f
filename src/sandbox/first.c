/* The first process of a sandbox as a program: what bubblewrap executes. */
#include "sandbox/sandbox.h"

int main(void)
{
    return sandbox_inside(SANDBOX_INSIDE);
}
