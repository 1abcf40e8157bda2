#ifndef BENCH_VM_PEER_H
#define BENCH_VM_PEER_H

#include "base/err.h"
#include "tests/bench/picture.h"
#include "vm/image/image.h"

#include <systemd/sd-event.h>

/*
 * What QEMU gives by itself, with the same kernel, image and agent: a boot, the state written to a
 * file (migrate), and a start from that file (-incoming).  Neither walls nor limits.
 */

struct vm_peer {
	const char *dir;
	const struct image *image;
	char kernel[4096], root[4096], initrd[4096];
	char kvm[8]; /* "kvm" or "tcg" */
	sd_event *event;
};

struct vm_plain {
	pid_t pid;
	int monitor;
	struct link *link;
	bool ready, failed, answered, greeted;
	struct err why;
	struct picture *into;
	char monitor_path[200], link_path[200];
	double agent_ms, ready_ms; /* from its start */
	uint64_t began_us;
};

/* dir: scratch, where it leaves what vm_peer_done() removes. */
bool vm_peer_init(struct vm_peer *p, const char *dir, const char *agent, const struct image *image,
	bool kvm, struct err *err) NODISCARD;
void vm_peer_done(struct vm_peer *p);

/* Starts one and waits until its desktop is ready.  state: a file vm_plain_save() made; NULL: it
 * boots.  Needs vm_plain_stop(), even when it failed. */
bool vm_plain_start(
	struct vm_plain *m, struct vm_peer *p, const char *state, struct err *err) NODISCARD;
void vm_plain_stop(struct vm_plain *m);
/* Stops it, writes its state into the file and lets it go on; how long it was stopped, ms. */
bool vm_plain_save(struct vm_plain *m, const char *file, double *ret_ms, struct err *err) NODISCARD;
/* A picture of its screen. */
bool vm_plain_look(
	struct vm_plain *m, struct vm_peer *p, struct picture *ret, struct err *err) NODISCARD;

#endif
