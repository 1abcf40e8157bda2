#ifndef VM_WIRE_GEOMETRY_H
#define VM_WIRE_GEOMETRY_H

#include "base/err.h"

#include <stdbool.h>
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

bool rect_overlaps(struct rect a, struct rect b);
/* The smallest that contains both. */
struct rect rect_join(struct rect a, struct rect b);
/* Its part within a picture of this size; width or height 0: none. */
struct rect rect_clip(struct rect area, struct size size);

/* Bounds of a desktop's screen, in pixels. */
#define SCREEN_WIDTH_MIN 320
#define SCREEN_WIDTH_MAX 3840
#define SCREEN_HEIGHT_MIN 240
#define SCREEN_HEIGHT_MAX 2160

/* Parses a screen size, WIDTHxHEIGHT within these bounds; called: the name of the value, for the
 * error. */
bool geometry_read(
	const char *text, const char *called, struct size *ret_size, struct err *err) NODISCARD;

/* The image budget of a vision model: longest edge in pixels, and 28x28 patches. */
#define BUDGET_EDGE 1568
#define BUDGET_PATCHES 1568

/* The largest size of the same aspect ratio that a model sees without resizing; screen itself if it
 * fits. (1440x900 -> 1389x868) */
struct size geometry_fit(struct size screen);

/* The same for a region that may also be scaled up (zoom). */
struct size geometry_fill(struct size region);

/* Maps between the frame space and the screen; exact inverses on pixels if the sizes are equal. */
struct point geometry_to_screen(struct point p, struct size frame, struct size screen);
struct point geometry_to_frame(struct point p, struct size frame, struct size screen);

#endif
