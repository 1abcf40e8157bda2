#ifndef TESTS_TONE_H
#define TESTS_TONE_H

#include "base/buf.h"

#include <stdint.h>

/* Which tone samples hold: signed 16 bits, little-endian, one channel of `channels`. */

#define TONE_HZ 440

/* The part of the energy, 0 to 1, that is at hz; of silence 0. */
double tone_part(
	const struct buf *samples, size_t from, unsigned channels, unsigned rate, double hz);
/* The largest absolute value. */
int tone_peak(const struct buf *samples, size_t from);

/* A command that plays a tone of a whole number of hertz for that many seconds, on a desktop of
 * PulseAudio. */
#define TONE_COMMAND \
	"perl -e '$s = pack(\"s<*\", map { 10000 * sin(6.283185307 * %d * $_ / 48000) } 0 .. 47999); print $s for 1 .. %d' | " \
	"paplay --raw --rate=48000 --channels=1 --format=s16le"

#endif
