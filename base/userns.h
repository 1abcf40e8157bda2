#ifndef BASE_USERNS_H
#define BASE_USERNS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether this process's user namespace has the user ids and the group ids [first, first + count).  In a
 * container root may have few. */
bool userns_has_ids(uint32_t first, uint32_t count);

#endif
