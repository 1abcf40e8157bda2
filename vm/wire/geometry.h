#ifndef VM_WIRE_GEOMETRY_H
#define VM_WIRE_GEOMETRY_H

#include "base/err.h"
#include "base/field.h"

#include <stdbool.h>
#include <stddef.h>
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

bool rect_equal(struct rect a, struct rect b);
bool rect_overlaps(struct rect a, struct rect b);
/* The smallest that contains both. */
struct rect rect_join(struct rect a, struct rect b);
/* Its part within a picture of this size; width or height 0: none. */
struct rect rect_clip(struct rect area, struct size size);

/* [x0, y0, x1, y1], as messages have it; x1 and y1 are exclusive. */
struct field_ints rect_edges(struct rect r);
struct field_ints size_sides(struct size size); /* width, height */

/* What lies in both; they overlap. */
struct rect rect_common(struct rect a, struct rect b);
struct point rect_centre(struct rect r);
/* Whether the centre of r is in the area. */
bool rect_has_centre(struct rect area, struct rect r);
/* What is left of an area without a hole: up to four parts.  Returns how many. */
size_t rect_without(struct rect area, struct rect hole, struct rect ret[4]);

/* Bounds of a desktop's screen, in pixels. */
#define SCREEN_WIDTH_MIN 320
#define SCREEN_WIDTH_MAX 3840
#define SCREEN_HEIGHT_MIN 240
#define SCREEN_HEIGHT_MAX 2160

/* How large programs draw, in percent of what 96 dots per inch are. */
#define SCALE_MIN 100
#define SCALE_MAX 300

bool size_equal(struct size a, struct size b);
/* Whether a screen may have this size. */
bool geometry_is_screen(struct size size);
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
/* A rectangle of the screen, outward: all of it is in the result. */
struct rect geometry_rect_to_frame(struct rect r, struct size frame, struct size screen);
/* A region of the frame, outward; without numbers, the whole screen. */
struct rect geometry_region_to_screen(
	const struct field_ints *region, struct size frame, struct size screen);
/* Whether it has no numbers, or is a rectangle within the frame.  The error calls it 'region'. */
bool geometry_check_region(
	const struct field_ints *region, struct size frame, struct err *err) NODISCARD;

/* The same for one that may reach beyond the screen, which stays where it is. */
struct rect geometry_place_to_frame(struct rect place, struct size frame, struct size screen);

/*
 * Coordinates of 0 to 999 on each axis.  A number stands for the centre of its thousandth, and a
 * pixel for the number that contains its centre, so a pixel returns to itself if the axis has at
 * most 1000 pixels, and otherwise to a pixel at most half a thousandth (and half a pixel) away.
 */
#define GRID 1000
struct point geometry_from_grid(struct point p, struct size frame);
struct point geometry_to_grid(struct point p, struct size frame);

#endif
