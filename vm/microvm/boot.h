#ifndef VM_MICROVM_BOOT_H
#define VM_MICROVM_BOOT_H

#include "vm/microvm/accel.h"
#include "vm/image/image.h"

/* What a machine is booted from, and what a saved one must match to be loaded: found before
 * anything runs. */

struct boot {
	struct image image;
	struct accel accel;
	struct vm_spec spec; /* the wanted one, with what was left open filled in; image: its id */
	char *key;           /* of everything that a template must match; a file name */
	char *fit;           /* of what a saved machine must match to be loaded: less */
};

/* state_dir: where images are.  spec: the wanted one, borrowed. */
bool boot_find(const struct vm_config *config, const char *state_dir, const struct vm_spec *spec,
	struct boot *ret_boot, struct err *err) NODISCARD;
void boot_done(struct boot *boot); /* also on a zeroed one */
#define auto_boot __attribute__((cleanup(boot_done)))

/* Only whether there is an image and a QEMU: quick. */
bool boot_is_likely(const char *state_dir, const char *image, struct err *err) NODISCARD;

/* How long a guest goes on when no server speaks to it; -1: for ever. */
int64_t boot_grace_ms(const struct vm_config *config);

/* The image's files for QEMU, each a new descriptor; -1 with err.  Kernel and initramfs are sealed
 * memory files that any user may read; the agent is behind the initramfs. */
int boot_open_root(const struct boot *boot, struct err *err) NODISCARD;
int boot_open_kernel(const struct boot *boot, struct err *err) NODISCARD;
int boot_open_initrd(
	const struct boot *boot, const struct vm_config *config, struct err *err) NODISCARD;

#endif
