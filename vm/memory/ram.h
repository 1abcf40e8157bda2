#ifndef VM_MEMORY_RAM_H
#define VM_MEMORY_RAM_H

#include "vm/memory/layers.h"

#include <jansson.h>
#include <systemd/sd-event.h>

/*
 * The RAM of VMs: a sealed memory file that cannot be written anymore.  Each QEMU maps it
 * privately, so all VMs of one template share its pages, and the pages that a VM has changed are
 * private to its process (vm/memory/pages.h).  Reference-counted; from the loop's thread only.
 */
struct ram;

#define RAM_MIB_MAX 65536

/* All zero: for a VM that boots. */
struct ram *ram_new(int64_t mib, struct err *err) NODISCARD;
struct ram *ram_ref(struct ram *ram);
void ram_unref(struct ram *ram); /* NULL-safe */

int ram_fd(const struct ram *ram); /* owned by the ram; -1 after a reattach */
int64_t ram_mib(const struct ram *ram);
struct pages_file ram_file(const struct ram *ram);

/* The number of layers, and the id of the top one (NULL: none, all zero). */
unsigned ram_layers(const struct ram *ram);
const uint8_t *ram_id(const struct ram *ram);
/* Links the ram's layers into dir.  Blocks, for long if they must be copied; callable from any
 * thread. */
bool ram_link(const struct ram *ram, const char *dir, struct err *err) NODISCARD;

struct ram_open;

/* top: pages to copy into the process before it runs, or NULL.  If why is set, both are NULL. The
 * callback must unref both. */
typedef void ram_open_fn(struct ram *ram, struct pages *top, const struct err *why, void *data);

/* Reads the layers of a saved VM in a thread, unless they are in memory.  A small top layer is
 * returned separately, so that the others can be shared.  fn is called once, from the loop. */
struct ram_open *ram_open(sd_event *event, const char *dir, ram_open_fn *fn, void *data);
void ram_open_cancel(struct ram_open *open); /* before fn; NULL-safe */

/* Frees the unused ones that are kept for later VMs. */
void ram_forget(void);

/*
 * For a later server that reattaches to the VM: the metadata of its ram, in addition to ram_link()
 * into a directory of the VM; and a ram created from those two, which permits saving the VM.
 */
json_t *ram_to_json(const struct ram *ram);
struct ram *ram_reattach(const char *dir, const json_t *json, struct err *err) NODISCARD;

#endif
