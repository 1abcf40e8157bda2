#ifndef VM_MICROVM_BOOT_H
#define VM_MICROVM_BOOT_H

#include "vm/image/image.h"
#include "vm/microvm/accel.h"

/* What a VM boots from, and what a saved one must match to be loaded; determined before anything
 * runs. */

struct boot {
	struct image image;
	struct accel accel;
	struct vm_spec spec; /* the requested one, complete; image: its id */
	char *key;           /* of everything that a template must match; a file name */
	char *fit;           /* of what a saved VM must match to be loaded, which is less */
};

/* state_dir: contains the images.  spec: the requested one, borrowed. */
bool boot_find(const struct vm_config *config, const char *state_dir, const struct vm_spec *spec,
	struct boot *ret_boot, struct err *err) NODISCARD;
void boot_done(struct boot *boot); /* also on a zeroed struct */
#define auto_boot __attribute__((cleanup(boot_done)))

/* A quick check that an image and a QEMU exist. */
bool boot_is_likely(const char *state_dir, const char *image, struct err *err) NODISCARD;

/* How long a guest continues without a server; -1: forever. */
int64_t boot_grace_ms(const struct vm_config *config);

/* The image's files for QEMU, each a new descriptor; -1 with err.  Kernel and initramfs are sealed
 * memory files that any user may read; the agent is appended to the initramfs. */
int boot_open_root(const struct boot *boot, struct err *err) NODISCARD;
int boot_open_kernel(const struct boot *boot, struct err *err) NODISCARD;
int boot_open_initrd(
	const struct boot *boot, const struct vm_config *config, struct err *err) NODISCARD;

#endif
