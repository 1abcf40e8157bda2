#ifndef VM_PICTURE_INK_H
#define VM_PICTURE_INK_H

#include "vm/picture/image.h"

/*
 * A picture of a screen as text recognition likes it: everything that differs from the colour around
 * it is dark, and that colour is white.  So text on dark and on coloured parts looks like text on
 * paper.  Pure: no X11, no descriptors, no time.
 */

/* ret: one byte a pixel, rows without gaps; 255: like its surroundings, 0: as different as can be. */
void ink_find(const struct image *from, uint8_t *ret);
/* Twice as wide and as high.  ret: four times the bytes. */
void ink_double(const uint8_t *from, struct size size, uint8_t *ret);

#endif
