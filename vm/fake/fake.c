/*
 * A desktop without X, for tests and dry runs.  It is a complete agent inside this process (agent.c),
 * so everything above it is tested for real.  This file is the backend.
 */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static struct fake_vm *fake_of(struct vm *vm)
{
	assert(vm->backend == &vm_backend_fake);
	return (struct fake_vm *)vm;
}

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	(void)config;
	(void)err;
	*ret_detail = must(strdup("scripted desktop without X, for tests; never selected by auto"));
	return true;
}

/* The rest of a message whose start a previous host has read. */
static void write_rest(int fd)
{
	static const char rest[] = "ween two words\"}} and more of that";
	(void)!write(fd, rest, sizeof(rest));
}

/* A copy waits for `restored`; a new one sends hello. */
static bool come_up(struct fake_vm *fake, struct err *err)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) {
		return err_errno(err, "cannot create a socket pair");
	}
	if (strcmp(fake->fault, "babble") == 0) {
		write_rest(ends[1]);
	}
	fake_agent_start(fake, ends[1]);
	vm_has_link(&fake->vm, ends[0]);
	return true;
}

static bool start_from(struct fake_vm *fake, const char *from, struct err *err)
{
	fake->event = vm_pool_event(fake->vm.pool);
	TAILQ_INIT(&fake->requests);
	fake->awaits_restored = from != NULL;
	if (from) {
		return fake_load(fake, from, err) && come_up(fake, err);
	}
	const char *image = fake->vm.spec->image;
	fake->has_broken_image = image && strcmp(image, "broken") == 0;
	snprintf(fake->fault, sizeof(fake->fault), "%s",
		image && strcmp(image, "full") == 0 ? "full" : "");
	fake_desktop_init(&fake->desktop, fake->vm.spec->screen, fake->vm.spec->scale);
	snprintf(fake->hostname, sizeof(fake->hostname), "fake");
	snprintf(fake->machine_id, sizeof(fake->machine_id), "%032d", 0);
	snprintf(fake->mac, sizeof(fake->mac), "02:00:00:00:00:00");
	return come_up(fake, err);
}

static bool start(struct vm *vm, struct err *err)
{
	return start_from(fake_of(vm), vm->from, err);
}

static bool check(struct vm *vm, const char *dir, struct err *err)
{
	struct fake_vm other = { .vm.spec = vm->spec };
	bool good = fake_load(&other, dir, err);
	fake_desktop_done(&other.desktop);
	return good;
}

/* An image of any name has a template, so that templates can be tested.  "none" does not exist,
 * "broken" does not start, and for "full" the disk is full. */
static char *template_key(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	char *key;
	(void)pool;
	err->kind = ERR_NONE;
	if (!spec->image) {
		return NULL;
	}
	if (strcmp(spec->image, "none") == 0) {
		err_set(err, ERR_NOT_FOUND, "there is no image 'none'");
		return NULL;
	}
	if (asprintf(&key, "fake-%s-%dx%d-%lld", spec->image, spec->screen.width,
		    spec->screen.height, (long long)spec->scale) < 0) {
		abort();
	}
	return key;
}

#define SLOW_MS 100

static void save_now(struct fake_vm *fake)
{
	struct err err;
	const char *dir = take_ptr(&fake->saving_to);
	loop_drop(&fake->saving);
	vm_was_saved(&fake->vm, fake_save(fake, dir, &err) ? NULL : &err);
}

static int on_saving(sd_event_source *source, void *data)
{
	(void)source;
	save_now(data);
	return 0;
}

static int on_slow_saving(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	save_now(data);
	return 0;
}

static void save(struct vm *vm, const char *dir, bool last)
{
	struct fake_vm *fake = fake_of(vm);
	(void)last;
	assert(fake->frozen);
	fake->saving_to = dir;
	if (strcmp(fake->fault, "wedged") == 0) {
		return; /* permanently */
	}
	fake->saving = strcmp(fake->fault, "slow") == 0
			       ? loop_after_ms(fake->event, SLOW_MS, on_slow_saving, fake)
			       : loop_defer(fake->event, on_saving, fake);
}

static bool stop(struct vm *vm)
{
	struct fake_vm *fake = fake_of(vm);
	fake_agent_stop(fake);
	loop_drop(&fake->saving);
	loop_drop(&fake->relinking);
	loop_drop(&fake->dying);
	loop_drop(&fake->screen_timer);
	if (fake->event) {
		fake_forget_requests(fake, NULL);
	}
	return true;
}

/* After a detach, it is stored in a file until a reattach. */
static void leave(struct vm *vm)
{
	struct err err;
	if (!fake_save(fake_of(vm), vm->dir, &err)) {
		log_warning("sandbox=%s %s", vm->id, err.text);
	}
	stop(vm);
}

static bool reattach(struct vm *vm, struct err *err)
{
	bool there = start_from(fake_of(vm), vm->dir, err);
	fake_unsave(vm->dir);
	return there;
}

static int on_relink(sd_event_source *source, uint64_t usec, void *data)
{
	struct fake_vm *fake = data;
	struct err err;
	(void)source;
	(void)usec;
	loop_drop(&fake->relinking);
	fake->fault[0] = '\0';
	if (!come_up(fake, &err)) {
		vm_has_died(&fake->vm, &err);
	}
	return 0;
}

static void relink(struct vm *vm, uint64_t after_ms)
{
	struct fake_vm *fake = fake_of(vm);
	fake_agent_stop(fake);
	loop_drop(&fake->relinking);
	fake->awaits_restored = true;
	fake->relinking = loop_after_ms(fake->event, after_ms, on_relink, fake);
}

static void release(struct vm *vm)
{
	fake_desktop_done(&fake_of(vm)->desktop);
}

const struct vm_backend vm_backend_fake = {
	.name = "fake",
	.size = sizeof(struct fake_vm),
	.has_images = true,
	.has_network = true,
	.probe = probe,
	.start = start,
	.check = check,
	.template_key = template_key,
	.save = save,
	.reattach = reattach,
	.leave = leave,
	.relink = relink,
	.stop = stop,
	.release = release,
};
