/* What is shipped: one function. */
#include "foo_lib/include/foo.h"

int foo(void) { return 42; }
