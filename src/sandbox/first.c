/* The first process of a sandbox as a program: what bubblewrap executes. */
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_inside.h"

int main(void)
{
    return sandbox_inside(INSIDE_FOLDER);
}
