/* QEMU's program and its command line. */

#include "vm/microvm/qemu.h"

#include "base/cleanup.h"
#include "vm/microvm/build_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_FD 3
#define TCG_CACHE_MIB 128 /* for translated code, which is discarded when full */

/* ---- program ---- */

static const char *const programs[] = {
	"/usr/bin/qemu-system-x86_64",
	"/usr/local/bin/qemu-system-x86_64",
};

const char *qemu_program(struct err *err)
{
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (access(programs[i], X_OK) == 0) {
			return programs[i];
		}
	}
	err_set(err, ERR_UNSUPPORTED,
		"qemu-system-x86_64 is not installed: apt-get install qemu-system-x86");
	return NULL;
}

char *qemu_identity_of(const char *path, struct err *err)
{
	struct stat st;
	struct buf text = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		err_errno(err, "cannot examine %s", path);
		return NULL;
	}
	if (!build_id_read(fd, &text)) { /* some builds have none; packages keep these two */
		buf_printf(&text, "%lld-%lld", (long long)st.st_size, (long long)st.st_mtime);
	}
	return (char *)text.data;
}

char *qemu_identity(struct err *err)
{
	const char *path = qemu_program(err);
	return path ? qemu_identity_of(path, err) : NULL;
}

/* ---- arguments ---- */

int qemu_put_fd(struct qemu *q, int fd)
{
	int to = FIRST_FD + (int)q->n_fds;
	if (q->n_fds == SPAWN_FDS_MAX) {
		abort();
	}
	q->fds[q->n_fds++] = (struct spawn_fd){ fd, to };
	return to;
}

void qemu_done(struct qemu *q)
{
	args_done(&q->args);
	*q = (struct qemu){ 0 };
}

/* ---- VM ---- */

void qemu_begin(struct qemu *q, bool kvm)
{
	q->kvm = kvm;
	ARGS_PUT(&q->args, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
	ARGS_PUT(&q->args, "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	if (kvm) {
		ARGS_PUT(&q->args, "-accel", "kvm", "-cpu", "host");
	} else {
		args_put(&q->args, "-accel");
		args_put(&q->args, "tcg,thread=multi,tb-size=%d", TCG_CACHE_MIB);
		/* Five levels of page tables would only make each walk longer.  With AVX, as
		 * emulated by QEMU 7.2, WebKit draws no text, and a screenshot takes three times as
		 * long. */
		ARGS_PUT(&q->args, "-cpu", "max,la57=off,avx=off,avx2=off,f16c=off,fma=off");
	}
}

static void put_memory(struct qemu *q, const struct qemu_plan *plan)
{
	long long mib = plan->spec->limits.memory_mib;
	args_put(&q->args, "-m");
	args_put(&q->args, "%lldM", mib);
	args_put(&q->args, "-object");
	args_put(&q->args,
		"memory-backend-file,id=mem,size=%lldM,mem-path=/proc/self/fd/%d,share=off", mib,
		qemu_put_fd(q, plan->ram));
	args_put(&q->args, "-smp");
	args_put(&q->args, "%lld", (long long)plan->spec->limits.cpus);
}

static void put_kernel(struct qemu *q, const struct qemu_plan *plan)
{
	const struct vm_spec *spec = plan->spec;
	char clock[80] = "";
	if (plan->tsc_khz) {
		/* The clock of an emulated CPU never drifts, and mitigations for real CPUs only
		 * cost time. */
		snprintf(clock, sizeof(clock), "mitigations=off tsc=reliable tsc_early_khz=%llu",
			(unsigned long long)plan->tsc_khz);
	}
	args_put(&q->args, "-kernel");
	args_put(&q->args, "/proc/self/fd/%d", qemu_put_fd(q, plan->kernel));
	args_put(&q->args, "-initrd");
	args_put(&q->args, "/proc/self/fd/%d", qemu_put_fd(q, plan->initrd));
	args_put(&q->args, "-append");
	args_put(&q->args,
		/* This VM can restart only by a triple fault, on which QEMU exits. */
		"console=ttyS0 quiet loglevel=4 panic=-1 reboot=t random.trust_cpu=on "
		"no_timer_check %s "
		"vitrine.screen=%dx%d vitrine.scale=%lld vitrine.disk=%lld vitrine.max-processes=%lld "
		"vitrine.max-files=%lld vitrine.grace=%lld",
		clock, spec->screen.width, spec->screen.height, (long long)spec->scale,
		(long long)spec->limits.disk_mib, (long long)spec->limits.processes,
		(long long)spec->limits.files, (long long)plan->grace_ms);
}

static void put_socket(struct qemu *q, const char *id, int fd)
{
	args_put(&q->args, "-chardev");
	args_put(&q->args, "socket,id=%s,fd=%d,server=on,wait=off", id, qemu_put_fd(q, fd));
}

void qemu_describe(struct qemu *q, const struct qemu_plan *plan)
{
	qemu_begin(q, plan->kvm);
	/* A kernel without virtio_mmio's command line finds the devices through ACPI. */
	ARGS_PUT(&q->args, "-M",
		"microvm,acpi=on,isa-serial=on,rtc=on,memory-backend=mem,suppress-vmdesc=on");
	ARGS_PUT(&q->args, "-global", "migration.send-configuration=off", "-S");
	ARGS_PUT(&q->args, "-name", plan->name);
	put_memory(q, plan);
	if (plan->kernel >= 0) {
		put_kernel(q, plan);
	} else {
		ARGS_PUT(&q->args, "-incoming", "defer");
	}
	args_put(&q->args, "-add-fd");
	args_put(&q->args, "fd=%d,set=1", qemu_put_fd(q, plan->root));
	ARGS_PUT(&q->args, "-drive", "id=root,file=/dev/fdset/1,format=raw,if=none,readonly=on");
	ARGS_PUT(&q->args, "-device", "virtio-blk-device,drive=root");
	ARGS_PUT(&q->args, "-object", "rng-builtin,id=rng", "-device", "virtio-rng-device,rng=rng");
	put_socket(q, "qmp", plan->qmp);
	ARGS_PUT(&q->args, "-mon", "chardev=qmp,mode=control");
	put_socket(q, "console", plan->console);
	ARGS_PUT(&q->args, "-serial", "chardev:console");
	put_socket(q, "link", plan->link);
	ARGS_PUT(&q->args, "-device", "virtio-serial-device", "-device",
		"virtserialport,chardev=link,name=vitrine.link");
	if (plan->card >= 0) {
		args_put(&q->args, "-netdev");
		args_put(&q->args, "stream,id=net,addr.type=fd,addr.str=%d",
			qemu_put_fd(q, plan->card));
		ARGS_PUT(&q->args, "-device", "virtio-net-device,netdev=net");
	}
}
