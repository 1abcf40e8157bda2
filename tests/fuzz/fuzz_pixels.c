// USES picture
/* Bytes of a hostile agent that claim to be pixels, of any size. */
#include "base/cleanup.h"
#include "vm/picture/pixels.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = { 0 };
	struct image image;
	if (len < 2) {
		return 0;
	}
	struct size size = { bytes[0], bytes[1] };
	if (pixels_unpack(bytes + 2, len - 2, size, &image, &err)) {
		uint32_t sum = 0; /* every byte was written: MSan and valgrind would tell */
		for (size_t i = 0; i < image.stride * (size_t)size.height; i++) {
			sum += image.pixels[i];
		}
		free(image.pixels);
		return sum == 1;
	}
	if (err.text[0] == '\0') {
		abort();
	}
	return 0;
}
