#ifndef VM_MICROVM_SAVE_H
#define VM_MICROVM_SAVE_H

#include "vm/memory/ram.h"

#include <sys/types.h>

/*
 * A QEMU that runs, written into a directory, and back.  The directory then holds
 *   ram.0 ... ram.N   layers of RAM (vm/memory/ram.h), the last one of its own
 *   devices           the state of the devices, as QEMU writes it
 *   machine.json      what must fit to load them
 * Nothing is synced; whoever gives the directory a name does that.
 *
 * QEMU must have been started with
 *   -object memory-backend-file,id=mem,size=..,mem-path=/proc/self/fd/N,share=off   N: ram_fd()
 *   -global migration.send-configuration=off -machine suppress-vmdesc=on
 * and one to be loaded with -S -incoming defer too.
 */

struct qmp;

struct machine {
	sd_event *event;
	struct qmp *qmp;
	pid_t pid;       /* QEMU's own (not its sandbox's) */
	struct ram *ram; /* what its RAM maps */
	const char *key; /* names all that must be the same where it is loaded */
	const char *id;  /* the sandbox's, for the log */
};

typedef void machine_fn(const struct err *err, void *data); /* err NULL: done */

/* Stops the machine, writes it into dir (there, empty), and lets it go on, unless `last` and all
 * went well: then it stays stopped, to be killed.  fn is called once, from the loop, with nothing
 * more to come; the save is freed then.  *machine is copied; what it points to must live until fn,
 * or until the drop. */
struct machine_save *machine_save(
	const struct machine *machine, const char *dir, bool last, machine_fn *fn, void *data);
/* Before fn, when the machine is being killed: no callback.  Its qmp must be freed before the loop
 * runs again.  NULL-safe. */
void machine_save_drop(struct machine_save *save);

/* A QEMU that runs forgets what a save of a server that was killed has left in it. */
void machine_save_clean(struct qmp *qmp);

/* ---- and back ---- */

struct saved;

/* Whether saved_open() would be content, as far as that can be told without reading the pages. */
bool saved_check(const char *dir, const char *key, struct err *err) NODISCARD;
/* Reads what dir holds; fn is called once, from the loop, with err NULL when it is ready to be
 * loaded.  key: what it must have been saved with. */
struct saved *saved_open(
	sd_event *event, const char *dir, const char *key, machine_fn *fn, void *data);
struct ram *saved_ram(const struct saved *saved); /* to map it; from fn on, as long as saved */
/* Once, into a QEMU that waits and has mapped saved_ram(); machine->ram is not looked at.  fn once,
 * from the loop, when it runs.  The qmp's owner passes its events on in the meantime. */
void saved_load(struct saved *saved, const struct machine *machine, machine_fn *fn, void *data);
void saved_event(struct saved *saved, const char *name, const json_t *values); /* NULL-safe */
/* At any time, no callback after it; while it loads, its qmp must be freed before the loop runs
 * again.  NULL-safe. */
void saved_close(struct saved *saved);

#endif
