/* The backend: what it answers for a sandbox that does not run, and its row. */

#include "vm/microvm/microvm.h"

#include "base/cleanup.h"
#include "vm/confine/host.h"
#include "vm/microvm/qemu.h"
#include "vm/state/state.h"

#include <string.h>

/* ---- saving ---- */

static void on_was_saved(const struct err *err, void *data)
{
	struct microvm *m = data;
	m->save = NULL;
	vm_was_saved(&m->vm, err);
}

static void save(struct vm *vm, const char *dir, bool last)
{
	struct microvm *m = microvm_of(vm);
	struct machine machine = microvm_machine(m);
	m->save = machine_save(&machine, dir, last, on_was_saved, m);
}

static bool check(struct vm *vm, const char *dir, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	return microvm_find_boot(vm->pool, vm->spec, &boot, err) && saved_check(dir, boot.fit, err);
}

static char *template_key(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	return microvm_find_boot(pool, spec, &boot, err) ? take_ptr(&boot.key) : NULL;
}

static bool is_likely(struct vm_pool *pool, const struct vm_spec *spec, struct err *err)
{
	struct state *state = vm_pool_state(pool, err);
	return state && boot_is_likely(state_dir(state), spec->image, err);
}

/* ---- probe ---- */

/* Runs QEMU in isolation, to print its version. */
static bool try_isolation(bool kvm, struct err *err)
{
	auto_buf struct buf words = { 0 };
	auto_qemu struct qemu q = { .kvm = kvm };
	auto_qemu_pipes struct qemu_pipes pipes = NO_QEMU_PIPES;
	args_put(&q.args, "--version");
	pid_t pid = qemu_start_brief(&q, &pipes, err);
	if (pid > 0 && host_await(pid, pipes.errors, &words, err)) {
		return true;
	}
	return host_advise(buf_text(&words), err);
}

static bool probe(const struct vm_config *config, char **ret_detail, struct err *err)
{
	auto_boot struct boot boot = { 0 };
	struct buf detail = { 0 };
	auto_free char *dir =
		config->state_dir ? must(strdup(config->state_dir)) : state_default_dir(err);
	if (!dir || !boot_find(config, dir, &config->default_spec, &boot, err) ||
		!try_isolation(boot.accel.kvm, err)) {
		return false;
	}
	buf_printf(&detail, "image %s (%s); %s%s", boot.image.name, boot.image.id,
		boot.accel.kvm ? "KVM" : "software emulation", boot.accel.why[0] ? ", since " : "");
	buf_printf(&detail, "%s", boot.accel.why);
	*ret_detail = (char *)detail.data;
	return true;
}

const struct vm_backend vm_backend_microvm = {
	.name = "microvm",
	.size = sizeof(struct microvm),
	.needs_dir = true,
	.has_images = true,
	.has_network = true,
	.how_to_have = "'vitrine image build', then --backend microvm",
	.probe = probe,
	.is_likely = is_likely,
	.start = microvm_start,
	.check = check,
	.template_key = template_key,
	.save = save,
	.reattach = microvm_reattach,
	.leave = microvm_leave,
	.relink = microvm_relink,
	.is_left = microvm_is_left,
	.reap = microvm_reap,
	.stop = microvm_stop,
	.release = microvm_release,
};
