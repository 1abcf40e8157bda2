#ifndef VM_WIRE_GEOMETRY_H
#define VM_WIRE_GEOMETRY_H

#include "base/err.h"

#include <stdint.h>

struct size {
	int width, height;
};

struct point {
	int x, y;
};

struct rect {
	int x, y, width, height;
};

/* What a desktop's screen may have, in pixels. */
#define SCREEN_WIDTH_MIN 320
#define SCREEN_WIDTH_MAX 3840
#define SCREEN_HEIGHT_MIN 240
#define SCREEN_HEIGHT_MAX 2160

/* A screen's size as people write it, WIDTHxHEIGHT within these bounds; called: whose value it is,
 * for the error. */
bool geometry_read(
	const char *text, const char *called, struct size *ret_size, struct err *err) NODISCARD;

/* The image budget of a vision model: longest edge in pixels, and 28x28 patches. */
#define BUDGET_EDGE 1568
#define BUDGET_PATCHES 1568

/* The largest size of the same shape that a model sees unresized; screen itself when it fits.
 * (1440x900 -> 1389x868) */
struct size geometry_fit(struct size screen);

/* The same for a cut-out that may also be scaled up (zoom). */
struct size geometry_fill(struct size region);

/* From the frame space to the screen and back; exact inverses on pixels when the sizes are equal.
 */
struct point geometry_to_screen(struct point p, struct size frame, struct size screen);
struct point geometry_to_frame(struct point p, struct size frame, struct size screen);

#endif
