#ifndef VM_MICROVM_ACCEL_H
#define VM_MICROVM_ACCEL_H

#include "vm/core/vm.h"

/*
 * Whether machines run on the processor's own virtualization or are emulated.  /dev/kvm may be
 * there, open, and make a machine, and still not run an ordinary guest; so a small guest is really
 * run, once for each boot of the host and each QEMU, and the result is kept in the state directory.
 */

struct accel {
	bool kvm;
	char why[300]; /* why not KVM; "" when it is, or when nobody asked */
	char cpu[40];  /* names the processor that a saved machine needs: part of the template's key
			*/
};

/* By config->accel: "auto" never fails for want of KVM, "kvm" is ERR_UNSUPPORTED then.  May run the
 * guest and wait for it, three seconds at most. */
bool accel_choose(const struct vm_config *config, const char *state_dir, struct accel *ret_accel,
	struct err *err) NODISCARD;

/* Runs the guest now, whatever is known. */
bool accel_try_kvm(struct err *err) NODISCARD;

/* The guest's firmware, ACCEL_GUEST_SIZE bytes: enters long mode, computes with vector registers,
 * and leaves through the debug exit device. */
#define ACCEL_GUEST_SIZE 65536
void accel_guest(uint8_t *firmware);

#endif
