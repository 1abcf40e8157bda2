#ifndef VM_RAM_H
#define VM_RAM_H

#include "base/err.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/*
 * What a machine's RAM is mapped from: a sealed memory file that nobody can write any more.  Each
 * QEMU maps it privately, so all machines of one template share its pages, and what a machine
 * changed are the pages that its process has of its own (vm/pages.h).  Reference-counted; from the
 * loop's thread only.
 */
struct ram;

#define RAM_MIB_MAX (64 * 1024)

/* All zero: for a machine that boots. */
struct ram *ram_new(int64_t mib, struct err *err) NODISCARD;
struct ram *ram_ref(struct ram *ram);
void ram_unref(struct ram *ram); /* NULL-safe */

int ram_fd(const struct ram *ram); /* the ram's own; hand out a copy */
int64_t ram_mib(const struct ram *ram);

/*
 * On disk RAM is a stack of layers, each a file of pages (vm/pages.h) that names the one below it:
 * ram.0 lies on zeros, ram.1 on ram.0, and so on.  A saved machine has all of its layers in its own
 * directory, the lower ones as hard links, so it needs nothing of the template it came from.
 */
#define RAM_LAYERS_MAX 8

struct pages;

/* top: what the process has to be given on top of ram before it runs, or NULL; lives as long as
 * somebody holds it.  With why set, both are NULL.  The callback's to unref. */
typedef void ram_open_fn(struct ram *ram, struct pages *top, const struct err *why, void *data);

/* Reads the layers of a saved machine, in a thread, unless they are in memory already.  A top layer
 * of few pages stays apart from the others, which are shared.  fn is called once, from the loop. */
struct ram_open *ram_open(sd_event *event, const char *dir, ram_open_fn *fn, void *data);
void ram_open_cancel(struct ram_open *open); /* no callback; before it only; NULL-safe */

/* Puts links to the ram's layers into dir, and says in *ret_layers how many there are.  Blocks
 * where they have to be copied. */
bool ram_link(
	const struct ram *ram, const char *dir, unsigned *ret_layers, struct err *err) NODISCARD;

/* Lets go of what is kept for later machines only. */
void ram_forget(void);

#endif
