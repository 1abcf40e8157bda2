#ifndef TESTS_KEPT_IMAGE_H
#define TESTS_KEPT_IMAGE_H

/*
 * The image `minimal` for tests on real machines, and one template of it.  Both lie in the state
 * directory VITRINE_TEST_STATE, which .ci/test-image fills with the image; the first test that
 * wants a machine boots it there, and each test then works in a state directory of its own that has
 * hard links to what is kept.
 */

#include "tests/support/scratch.h"
#include "tests/support/vm_host.h"
#include "vm/core/backend.h"
#include "vm/image/image.h"
#include "vm/microvm/microvm.h"

#include <dirent.h>
#include <sys/stat.h>

#define KEPT_IMAGE_ADVICE \
	"there is no image: `cmake --build --preset release`, then run this with " \
	"VITRINE_TEST_STATE=$(.ci/test-image)"

/* NULL: tests on real machines are left out. */
const char *kept_image_dir(void);

/* Makes config's state directory <scratch>/state, with the image and its template. */
void kept_use(struct vm_config *config);

#endif
