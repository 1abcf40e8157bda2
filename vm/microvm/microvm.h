#ifndef VM_MICROVM_MICROVM_H
#define VM_MICROVM_MICROVM_H

/* Shared by the files of the microvm backend; backend.c defines it for vm/backends.c. */

#include "base/err.h"
#include "vm/confine/console.h"
#include "vm/core/backend.h"
#include "vm/microvm/boot.h"
#include "vm/microvm/qmp.h"
#include "vm/microvm/save.h"

#include <signal.h>

struct microvm {
	struct vm vm;
	struct boot boot;
	struct ram *ram;
	struct saved *saved;       /* while it is loaded */
	struct machine_save *save; /* while it is saved */
	struct qmp *qmp;
	struct console console;

	pid_t monitor; /* our child, around QEMU; 0: reattached, or none */
	pid_t pid;     /* of QEMU; 0: unknown, or none */
	int pidfd;     /* of a reattached QEMU; otherwise -1 */
	int info;      /* pipe that reports QEMU's pid; -1: done */
	int link;      /* until it is passed on; -1 */
	bool running, powered_off, restarted;
	sd_event_source *relink; /* another link follows */
	struct err why;          /* why we killed it; ERR_NONE: we did not */
	char *cgroup;
	sd_event_source *end;
};

extern const struct vm_backend vm_backend_microvm;

/* ---- microvm.c: the life of a VM ---- */

struct microvm *microvm_of(struct vm *vm);
void microvm_init(struct microvm *m); /* everything after struct vm is zeroed before each start */
/* The process around QEMU has started. */
void microvm_watch(struct microvm *m, pid_t child);
void microvm_forget_channels(struct microvm *m);
/* end: of our child; NULL: of a reattached one. */
void microvm_has_ended(struct microvm *m, const siginfo_t *end);
void microvm_kill_because(struct microvm *m, const struct err *why); /* its end follows by itself */
extern const struct qmp_handlers microvm_monitor_handlers;
/* While QEMU runs. */
struct machine microvm_machine(struct microvm *m);
/* Of the backend. */
bool microvm_stop(struct vm *vm);
void microvm_release(struct vm *vm);

/* ---- start.c ---- */

/* What such a sandbox would boot from. */
bool microvm_find_boot(struct vm_pool *pool, const struct vm_spec *spec, struct boot *ret_boot,
	struct err *err) NODISCARD;
bool microvm_start(struct vm *vm, struct err *err) NODISCARD;

/* ---- reattach.c ---- */

/* Stores what a later server needs to reattach to it, in the background. */
void microvm_remember(struct microvm *m);
bool microvm_reattach(struct vm *vm, struct err *err) NODISCARD;
void microvm_leave(struct vm *vm);
bool microvm_is_left(const char *dir, const char *id);
bool microvm_reap(const char *dir, const char *id);
void microvm_relink(struct vm *vm, uint64_t after_ms);

#endif
