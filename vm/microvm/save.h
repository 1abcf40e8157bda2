#ifndef VM_MICROVM_SAVE_H
#define VM_MICROVM_SAVE_H

#include "vm/memory/ram.h"

#include <sys/types.h>

/*
 * Writes a running QEMU into a directory, and loads it.  The directory then contains
 *   ram.0 ... ram.N   layers of RAM (vm/memory/ram.h), the last one new
 *   devices           the state of the devices, in QEMU's format
 *   machine.json      what must match to load them
 * Nothing is synced; whoever publishes the directory must do that.
 *
 * QEMU must have been started with
 *   -object memory-backend-file,id=mem,size=..,mem-path=/proc/self/fd/N,share=off   N: ram_fd()
 *   -global migration.send-configuration=off -machine suppress-vmdesc=on
 * and one to be loaded also with -S -incoming defer.
 */

struct qmp;

struct machine {
	sd_event *event;
	struct qmp *qmp;
	pid_t pid;       /* of QEMU itself */
	struct ram *ram; /* which its RAM maps */
	const char *key; /* of everything that must match to load it */
	const char *id;  /* of the sandbox, for the log */
};

typedef void machine_fn(const struct err *err, void *data); /* err NULL: success */

/* Stops the VM, writes it into dir, an empty directory, and resumes it, unless `last` and
 * successful: then it stays stopped, to be killed.  fn is called once, from the loop; then the save
 * is freed.  *machine is copied; what it points to must live until fn, or until the drop. */
struct machine_save *machine_save(
	const struct machine *machine, const char *dir, bool last, machine_fn *fn, void *data);
/* Before fn, when the VM is being killed: no callback.  Its qmp must be freed before the loop runs
 * again.  NULL-safe. */
void machine_save_drop(struct machine_save *save);

/* Removes the remains of a save of a killed server from a running QEMU. */
void machine_save_clean(struct qmp *qmp);

/* ---- loading ---- */

struct saved;

/* Whether saved_open() would succeed, as far as it can be checked without reading the pages. */
bool saved_check(const char *dir, const char *key, struct err *err) NODISCARD;
/* Reads the contents of dir; fn is called once, from the loop, with err NULL when it can be loaded.
 * key: what it must have been saved with. */
struct saved *saved_open(
	sd_event *event, const char *dir, const char *key, machine_fn *fn, void *data);
/* to be mapped; valid between fn and saved_close() */
struct ram *saved_ram(const struct saved *saved);
/* Once, into a stopped QEMU that has mapped saved_ram(); machine->ram is ignored.  fn is called
 * once, from the loop, when it runs.  Meanwhile the qmp's owner must pass its events to
 * saved_event(). */
void saved_load(struct saved *saved, const struct machine *machine, machine_fn *fn, void *data);
void saved_event(struct saved *saved, const char *name, const json_t *values); /* NULL-safe */
/* At any time, no callback follows; while it loads, its qmp must be freed before the loop runs
 * again.  NULL-safe. */
void saved_close(struct saved *saved);

#endif
