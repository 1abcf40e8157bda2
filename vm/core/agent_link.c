/*
 * The link to the agent of a VM: lost, renewed, and taken over by a new host.  A copy becomes
 * independent with the request `restored`.
 */

#include "vm/core/vm.h"

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"
#include "vm/wire/messages.h"

#include <stdio.h>
#include <sys/random.h>
#include <time.h>

#define LOST_GRACE_MS 300 /* between a broken link and the report of its process */
#define ENTROPY_BYTES 64
#define CLOCK_TRUSTED_US 3600000000ULL /* how long a guest's clock stays accurate */
#define CLOCK_JUMP_US 100000           /* a larger difference means that our clock was set */
#define RELINKS_MAX 5
#define RELINK_MS 200   /* for the agent to notice that the link is closed; doubled each time */
#define SILENCE_MS 2000 /* maximum time for the first response; doubled each time */

void vm_link_drop(struct vm_core *core)
{
	loop_drop(&core->lost_timer);
	loop_drop(&core->silence_timer);
	guest_disconnect(&core->guest);
}

/*
 * The previous server may have been killed in the middle of a message.  An agent that did not
 * notice takes our first bytes for the rest of that message, and sends the rest of its own.  After
 * a close and a delay, both start again.
 */
static bool link_again(struct vm_core *core)
{
	const struct vm_backend *backend = core->vm->backend;
	if (!vm_comes_from(core, ORIGIN_REATTACH) || core->machine != MACHINE_RUNS ||
		!backend->relink || core->relinks == RELINKS_MAX) {
		return false;
	}
	log_debug("sandbox=%s reconnected to its agent", core->vm->id);
	vm_link_drop(core);
	core->said_hello = false;
	core->stages = 0;
	backend->relink(core->vm, RELINK_MS << core->relinks++);
	return true;
}

static int on_silence(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	(void)source;
	(void)usec;
	loop_drop(&core->silence_timer);
	link_again(core); /* the last time, the start's limit ends it */
	return 0;
}

static int on_lost_long_ago(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	struct err why = core->why;
	(void)source;
	(void)usec;
	loop_drop(&core->lost_timer);
	if (!link_again(core)) {
		vm_failed(core->vm, &why);
	}
	return 0;
}

void vm_lost_link(struct vm *vm, const struct err *why)
{
	struct vm_core *core = vm->core;
	if (core->state >= VM_STOPPING || core->machine != MACHINE_RUNS || core->lost_timer ||
		!core->guest.link) {
		return;
	}
	if (core->job && core->job->saving && core->job->last) {
		core->lost = true; /* the VM's final save is in progress */
		return;
	}
	err_set(&core->why, ERR_GONE, "the connection to its agent was lost (%s)", why->text);
	core->lost_timer = loop_after_ms(vm->pool->event, LOST_GRACE_MS, on_lost_long_ago, core);
}

/* ---- restored: a copy becomes independent ---- */

static void on_restored(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm *vm = data;
	(void)msg;
	if (!err) {
		loop_drop(&vm->core->silence_timer);
		return;
	}
	if (err->kind == ERR_GONE) {
		vm_lost_link(vm, err);
		return;
	}
	struct err why = *err;
	err_while(&why, "its agent failed after the copy");
	vm_failed(vm, &why);
}

static void random_bytes(void *to, size_t len)
{
	if (getrandom(to, len, 0) != (ssize_t)len) {
		abort(); /* cannot fail up to 256 bytes */
	}
}

struct names {
	char hostname[32], machine_id[33], mac[24];
};

static void make_names(struct names *ret)
{
	uint8_t machine[16], mac[6];
	char name[ID_LEN + 1];
	random_bytes(machine, sizeof(machine));
	random_bytes(mac, sizeof(mac));
	id_make(name);
	for (size_t i = 0; i < sizeof(machine); i++) {
		snprintf(ret->machine_id + 2 * i, 3, "%02x", machine[i]);
	}
	/* Locally administered, unicast. */
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
	snprintf(ret->mac, sizeof(ret->mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		mac[2], mac[3], mac[4], mac[5]);
	snprintf(ret->hostname, sizeof(ret->hostname), "desktop-%.6s", name);
}

/* The wall clock's offset from the clock that is never set and stops while the host sleeps. */
static int64_t clock_ahead_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 - (int64_t)loop_now_us();
}

static void starts_again(struct vm *vm)
{
	vm_set_state(vm->core, VM_STARTING);
	vm->core->stages = 0;
	vm_start_clock(vm);
}

/* Tells the agent that its host (or itself) is new; hello, stages and ready follow. */
static void send_restored(struct vm *vm)
{
	struct vm_core *core = vm->core;
	uint8_t bytes[ENTROPY_BYTES];
	struct timespec now;
	size_t len;
	random_bytes(bytes, sizeof(bytes));
	auto_free char *entropy = base64_encode(bytes, sizeof(bytes), &len);
	if (core->state != VM_STARTING) {
		starts_again(vm);
	}
	core->restored_us = loop_now_us();
	core->restored_clock_us = clock_ahead_us();
	clock_gettime(CLOCK_REALTIME, &now);
	struct names names;
	struct msg_restored args = {
		.time_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000,
		.frame_id = core->guest.frame_id,
		.entropy = must(entropy),
	};
	if (vm_origins[core->origin].new_names) {
		make_names(&names);
		args.hostname = names.hostname;
		args.machine_id = names.machine_id;
		args.mac = names.mac;
	}
	link_request(core->guest.link, message_restored.name,
		message_encode(&message_restored.request, &args), on_restored, vm);
}

void vm_has_link(struct vm *vm, int fd)
{
	struct vm_core *core = vm->core;
	if (core->state != VM_STARTING || core->machine != MACHINE_RUNS || core->guest.link) {
		close(fd);
		return;
	}
	core->guest.is_emulated = vm->is_emulated;
	guest_connect(&core->guest, fd);
	if (vm_origins[core->origin].is_restored) {
		send_restored(vm);
	}
	if (core->origin == ORIGIN_REATTACH) {
		core->silence_timer = loop_after_ms(
			vm->pool->event, SILENCE_MS << core->relinks, on_silence, core);
	}
}

/* ---- claim from the warm pool ---- */

static void on_claimed(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm *vm = data;
	struct vm_core *core = vm->core;
	(void)msg;
	if (err && err->kind == ERR_GONE) {
		vm_lost_link(vm, err);
	} else if (err) {
		struct err why = *err;
		vm_failed(vm, &why);
	} else if (core->state == VM_STARTING) {
		log_info("sandbox=%s ready ms=%llu", vm->id,
			(unsigned long long)((loop_now_us() - core->start_us) / 1000));
		vm_is_ready(vm);
	}
}

/* Its clock advances like ours, unless ours was set or the host slept; but not for days. */
static bool has_right_time(const struct vm_core *core)
{
	int64_t jump = clock_ahead_us() - core->restored_clock_us;
	return core->restored_us && loop_now_us() - core->restored_us < CLOCK_TRUSTED_US &&
	       jump < CLOCK_JUMP_US && jump > -CLOCK_JUMP_US;
}

void vm_machine_claim(struct vm *vm)
{
	vm->core->origin = ORIGIN_WARM;
	if (!has_right_time(vm->core)) {
		send_restored(vm);
		return;
	}
	starts_again(vm);
	link_request(vm->core->guest.link, "ping", NULL, on_claimed, vm);
}
