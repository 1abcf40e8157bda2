#ifndef BENCH_PICTURE_H
#define BENCH_PICTURE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a JPEG, as base64, has about this colour (0xrrggbb) at x, y. */
bool picture_has(const char *base64, size_t len, int x, int y, unsigned colour);

#endif
