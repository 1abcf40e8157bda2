#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>

#define ID_LEN 20

/* 20 characters [a-z0-9] from the kernel's random source (103 bits), valid in file names and
 * URLs. */
void id_make(char ret_id[ID_LEN + 1]);
bool id_is_valid(const char *id);

#endif
