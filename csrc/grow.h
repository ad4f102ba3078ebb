/* Room for one item more in a growing array. */
#ifndef NATIVELOAD_GROW_H
#define NATIVELOAD_GROW_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* The array, with room for the item at `count`; NULL without memory, and then it stays as it is. */
static inline void *
nl_grow(void *items, uint32_t count, uint32_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    uint32_t more = *room ? 2 * *room : 32;
    void *bigger = realloc(items, more * size);
    if (bigger != NULL) {
        *room = more;
    }
    return bigger;
}

#endif
