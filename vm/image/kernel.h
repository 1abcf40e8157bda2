#ifndef VM_IMAGE_KERNEL_H
#define VM_IMAGE_KERNEL_H

#include "base/buf.h"

/* The kernel of an image, and the modules that a microVM needs of it.  Only while an image is
 * made. */

struct kernel {
	char release[65];    /* "6.1.0-40-cloud-amd64" */
	char package[128];   /* its Debian package and version, a line of the list; "" when it came
				with the root file system */
	int base;            /* has boot/ and the modules */
	const char *modules; /* the folder of all releases' modules: "lib/modules" */
};

#define auto_kernel __attribute__((cleanup(kernel_done)))
void kernel_done(struct kernel *kernel);

/* The one that is in the root file system already.  False without err: there is none. */
bool kernel_in_tree(int root, struct kernel *ret_kernel);
/* Debian's, fetched by apt and unpacked below the folder `work` (a path). */
bool kernel_fetch(const char *work, struct kernel *ret_kernel, struct err *err) NODISCARD;

bool kernel_copy_image(const struct kernel *kernel, int to, struct err *err) NODISCARD;

/* The image's initramfs: vitrine-init (its bytes), the modules and their order, as a whole archive.
 */
bool initramfs_make(const struct kernel *kernel, const struct buf *init, struct buf *out,
	struct err *err) NODISCARD;

#endif
