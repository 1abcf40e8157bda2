#ifndef VM_MICROVM_ACCEL_H
#define VM_MICROVM_ACCEL_H

#include "vm/core/vm.h"

/*
 * Whether VMs use hardware virtualization or emulation.  /dev/kvm may exist, open, and create a VM,
 * and still not run an ordinary guest.  A small guest is therefore run, once for each boot of the
 * host and each QEMU, and the result is stored in the state directory.
 */

struct accel {
	bool kvm;
	char why[300]; /* why KVM is not used; "" if it is, or if it was not tested */
	char cpu[40];  /* the CPU that a saved VM requires: part of the template's key */
};

/* By config->accel: "auto" never fails because of KVM, "kvm" is ERR_UNSUPPORTED then.  May run the
 * guest and wait for it, three seconds at most. */
bool accel_choose(const struct vm_config *config, const char *state_dir, struct accel *ret_accel,
	struct err *err) NODISCARD;

/* Runs the guest now, without the stored result. */
bool accel_try_kvm(struct err *err) NODISCARD;

/* The guest's firmware, ACCEL_GUEST_SIZE bytes: enters long mode, computes with vector registers,
 * and exits through the debug exit device. */
#define ACCEL_GUEST_SIZE 65536
void accel_guest(uint8_t *firmware);

#endif
