#ifndef VM_IMAGE_KERNEL_H
#define VM_IMAGE_KERNEL_H

#include "base/buf.h"

/* The kernel of an image and its modules, while the image is built. */

struct kernel {
	char release[65]; /* "6.1.0-40-cloud-amd64" */
	/* its Debian package and version, as in the list; "" if it is part of the root file system */
	char package[128];
	int base;            /* contains boot/ and the modules */
	const char *modules; /* the folder of the modules of all releases: "lib/modules" */
};

#define auto_kernel __attribute__((cleanup(kernel_done)))
void kernel_done(struct kernel *kernel);

/* The kernel in the root file system.  False without err: there is none. */
bool kernel_in_tree(int root, struct kernel *ret_kernel);
/* Debian's kernel, downloaded with apt and unpacked below the folder `work` (a path). */
bool kernel_fetch(const char *work, struct kernel *ret_kernel, struct err *err) NODISCARD;

bool kernel_copy_image(const struct kernel *kernel, int to, struct err *err) NODISCARD;

/* The image's initramfs as a complete archive: vitrine-init (its bytes), the modules and their
 * order. */
bool initramfs_make(const struct kernel *kernel, const struct buf *init, struct buf *out,
	struct err *err) NODISCARD;

#endif
