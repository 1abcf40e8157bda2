#ifndef VM_MEMORY_RAM_H
#define VM_MEMORY_RAM_H

#include "vm/memory/pages.h"

#include <jansson.h>
#include <systemd/sd-event.h>

/*
 * What a machine's RAM is mapped from: a sealed memory file that nobody can write any more.  Each
 * QEMU maps it privately, so all machines of one template share its pages, and what a machine
 * changed are the pages that its process has of its own (vm/memory/pages.h).  Reference-counted; from the
 * loop's thread only.
 */
struct ram;

#define RAM_MIB_MAX 65536

/* All zero: for a machine that boots. */
struct ram *ram_new(int64_t mib, struct err *err) NODISCARD;
struct ram *ram_ref(struct ram *ram);
void ram_unref(struct ram *ram); /* NULL-safe */

int ram_fd(const struct ram *ram); /* stays the ram's; -1 when it was adopted */
int64_t ram_mib(const struct ram *ram);
struct pages_file ram_file(const struct ram *ram);

/*
 * On disk RAM is a stack of layers, each a file of pages (vm/memory/pages.h) that names the one below it:
 * ram.0 lies on zeros, ram.1 on ram.0, and so on.  A saved machine has all of its layers in its own
 * directory, the lower ones as hard links, so it needs nothing of the template it came from.
 */
#define RAM_LAYERS_MAX 8

/* How many the ram is made of, and the id of the uppermost (NULL: none, it is all zero). */
unsigned ram_layers(const struct ram *ram);
const uint8_t *ram_id(const struct ram *ram);
/* Puts links to the ram's layers into dir.  Blocks, where they have to be copied for long; from any
 * thread. */
bool ram_link(const struct ram *ram, const char *dir, struct err *err) NODISCARD;
void ram_layer_name(unsigned layer, char ret_name[16]); /* "ram.0" */

/* Whether the layers in dir are whole and belong together; reads no pages. */
bool ram_check(const char *dir, int64_t *ret_mib, unsigned *ret_layers, struct err *err) NODISCARD;

struct ram_open;

/* top: what the process has to be given on top of ram before it runs, or NULL.  With why set, both
 * are NULL.  Both are the callback's to unref. */
typedef void ram_open_fn(struct ram *ram, struct pages *top, const struct err *why, void *data);

/* Reads the layers of a saved machine, in a thread, unless they are in memory already.  A top layer
 * of few pages stays apart from the others, which are shared.  fn is called once, from the loop. */
struct ram_open *ram_open(sd_event *event, const char *dir, ram_open_fn *fn, void *data);
void ram_open_cancel(struct ram_open *open); /* before fn; NULL-safe */

/* Lets go of what is kept for later machines only. */
void ram_forget(void);

/*
 * For a later server that adopts the machine: what to remember of its ram, beside ram_link() into a
 * directory of the machine; and a ram made from those two, good for saving the machine.
 */
json_t *ram_to_json(const struct ram *ram);
struct ram *ram_adopt(const char *dir, const json_t *json, struct err *err) NODISCARD;

#endif
