/* QEMU's command line, and its isolation. */

#include "vm/microvm/qemu.h"

#include "base/cleanup.h"
#include "vm/confine/seccomp.h"
#include "vm/microvm/build_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FIRST_FD 3
#define WORDS_MAX 200
#define NET_PROGRAM "/vitrine-net" /* path inside the isolation */
#define TCG_CACHE_MIB 128          /* for translated code, which is discarded when full */

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

void qemu_put(struct qemu *q, const char *fmt, ...)
{
	char word[1024];
	va_list args;
	va_start(args, fmt);
	int len = vsnprintf(word, sizeof(word), fmt, args);
	va_end(args);
	if (len < 0 || len >= (int)sizeof(word)) {
		abort(); /* all of them are ours and short */
	}
	buf_append(&q->words, word, (size_t)len + 1);
	q->n_words++;
}

static void put_all(struct qemu *q, const char *const *words)
{
	for (; *words; words++) {
		qemu_put(q, "%s", *words);
	}
}

#define PUT(q, ...) put_all(q, (const char *const[]){ __VA_ARGS__, NULL })

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
	buf_done(&q->words);
	*q = (struct qemu){ 0 };
}

/* ---- VM ---- */

void qemu_begin(struct qemu *q, bool kvm)
{
	q->kvm = kvm;
	PUT(q, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot");
	PUT(q, "-sandbox",
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
	if (kvm) {
		PUT(q, "-accel", "kvm", "-cpu", "host");
	} else {
		qemu_put(q, "-accel");
		qemu_put(q, "tcg,thread=multi,tb-size=%d", TCG_CACHE_MIB);
		/* Five levels of page tables would only make each walk longer.  With AVX, as
		 * emulated by QEMU 7.2, WebKit draws no text, and a screenshot takes three times as
		 * long. */
		PUT(q, "-cpu", "max,la57=off,avx=off,avx2=off,f16c=off,fma=off");
	}
}

static void put_memory(struct qemu *q, const struct qemu_plan *plan)
{
	long long mib = plan->spec->limits.memory_mib;
	qemu_put(q, "-m");
	qemu_put(q, "%lldM", mib);
	qemu_put(q, "-object");
	qemu_put(q, "memory-backend-file,id=mem,size=%lldM,mem-path=/proc/self/fd/%d,share=off",
		mib, qemu_put_fd(q, plan->ram));
	qemu_put(q, "-smp");
	qemu_put(q, "%lld", (long long)plan->spec->limits.cpus);
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
	qemu_put(q, "-kernel");
	qemu_put(q, "/proc/self/fd/%d", qemu_put_fd(q, plan->kernel));
	qemu_put(q, "-initrd");
	qemu_put(q, "/proc/self/fd/%d", qemu_put_fd(q, plan->initrd));
	qemu_put(q, "-append");
	qemu_put(q,
		/* This VM can restart only by a triple fault, on which QEMU exits. */
		"console=ttyS0 quiet loglevel=4 panic=-1 reboot=t random.trust_cpu=on "
		"no_timer_check %s "
		"vitrine.screen=%dx%d vitrine.disk=%lld vitrine.max-processes=%lld "
		"vitrine.max-files=%lld vitrine.grace=%lld",
		clock, spec->screen.width, spec->screen.height, (long long)spec->limits.disk_mib,
		(long long)spec->limits.processes, (long long)spec->limits.files,
		(long long)plan->grace_ms);
}

static void put_socket(struct qemu *q, const char *id, int fd)
{
	qemu_put(q, "-chardev");
	qemu_put(q, "socket,id=%s,fd=%d,server=on,wait=off", id, qemu_put_fd(q, fd));
}

void qemu_describe(struct qemu *q, const struct qemu_plan *plan)
{
	qemu_begin(q, plan->kvm);
	/* A kernel without virtio_mmio's command line finds the devices through ACPI. */
	PUT(q, "-M", "microvm,acpi=on,isa-serial=on,rtc=on,memory-backend=mem,suppress-vmdesc=on");
	PUT(q, "-global", "migration.send-configuration=off", "-S");
	PUT(q, "-name", plan->name);
	put_memory(q, plan);
	if (plan->kernel >= 0) {
		put_kernel(q, plan);
	} else {
		PUT(q, "-incoming", "defer");
	}
	qemu_put(q, "-add-fd");
	qemu_put(q, "fd=%d,set=1", qemu_put_fd(q, plan->root));
	PUT(q, "-drive", "id=root,file=/dev/fdset/1,format=raw,if=none,readonly=on");
	PUT(q, "-device", "virtio-blk-device,drive=root");
	PUT(q, "-object", "rng-builtin,id=rng", "-device", "virtio-rng-device,rng=rng");
	put_socket(q, "qmp", plan->qmp);
	PUT(q, "-mon", "chardev=qmp,mode=control");
	put_socket(q, "console", plan->console);
	PUT(q, "-serial", "chardev:console");
	put_socket(q, "link", plan->link);
	PUT(q, "-device", "virtio-serial-device", "-device",
		"virtserialport,chardev=link,name=vitrine.link");
	if (plan->card >= 0) {
		qemu_put(q, "-netdev");
		qemu_put(q, "stream,id=net,addr.type=fd,addr.str=%d", qemu_put_fd(q, plan->card));
		PUT(q, "-device", "virtio-net-device,netdev=net");
	}
}

/* ---- isolation ---- */

static const char *const walls[] = {
	"bwrap",
	"--unshare-user",
	"--unshare-ipc",
	"--unshare-pid",
	"--unshare-uts",
	"--unshare-cgroup-try",
	"--as-pid-1",
	"--uid",
	"1000",
	"--gid",
	"1000",
	"--cap-drop",
	"ALL",
	"--clearenv",
	"--ro-bind",
	"/usr",
	"/usr",
	"--ro-bind-try",
	"/etc/ld.so.cache",
	"/etc/ld.so.cache",
	"--proc",
	"/proc",
	"--dev",
	"/dev",
	NULL,
};

/* Merged into /usr on most systems, separate directories on some. */
static const char *const system_dirs[] = { "/bin", "/lib", "/lib64" };

static void put_walls(struct qemu *q, const struct spawn *how)
{
	put_all(q, walls);
	for (size_t i = 0; i < sizeof(system_dirs) / sizeof(system_dirs[0]); i++) {
		char target[256];
		ssize_t n = readlink(system_dirs[i], target, sizeof(target) - 1);
		if (n > 0) {
			target[n] = '\0';
			PUT(q, "--symlink", target, system_dirs[i]);
		} else {
			PUT(q, "--ro-bind-try", system_dirs[i], system_dirs[i]);
		}
	}
	if (q->network) {
		PUT(q, "--ro-bind-try", "/etc/resolv.conf", "/etc/resolv.conf");
	} else {
		PUT(q, "--unshare-net");
	}
	if (q->kvm) {
		PUT(q, "--dev-bind-try", "/dev/kvm", "/dev/kvm");
	}
	if (how->die_with_us) {
		PUT(q, "--die-with-parent");
	}
}

/* Makes read-only what was writable while mount points were created in it. */
static void close_walls(struct qemu *q)
{
	PUT(q, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--");
}

static void split(const struct buf *words, const char **argv)
{
	const char *at = (const char *)words->data, *end = at + words->len;
	for (; at < end; at += strlen(at) + 1) {
		*argv++ = at;
	}
}

/* The owner of /dev/kvm may differ from QEMU's user; its group may be QEMU's. */
static gid_t kvm_group(const struct qemu *q, gid_t own)
{
	struct stat st;
	bool joins = q->kvm && own && stat("/dev/kvm", &st) == 0 && (st.st_mode & 060) == 060 &&
		     st.st_gid != 0;
	return joins ? st.st_gid : own;
}

static pid_t start(struct qemu *q, int errors_fd, const struct spawn *how, struct err *err)
{
	static const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	const char *argv[WORDS_MAX] = { 0 };
	if (q->n_words >= WORDS_MAX || q->n_fds == SPAWN_FDS_MAX) {
		abort();
	}
	q->fds[q->n_fds++] = (struct spawn_fd){ errors_fd, STDERR_FILENO };
	split(&q->words, argv);
	struct spawn spawn = *how;
	spawn.gid = kvm_group(q, how->gid);
	spawn.argv = argv;
	spawn.env = env;
	spawn.cwd = "/";
	spawn.fds = q->fds;
	spawn.n_fds = q->n_fds;
	spawn.new_session = true;
	return spawn_start(&spawn, err);
}

/* The caller closes ret_filters after the process was started. */
static bool put_filters(
	struct qemu *q, enum seccomp_for whom, int ret_filters[SECCOMP_FILTERS], struct err *err)
{
	if (!seccomp_export(whom, ret_filters, err)) {
		return false;
	}
	for (size_t i = 0; i < SECCOMP_FILTERS; i++) {
		PUT(q, "--add-seccomp-fd");
		qemu_put(q, "%d", qemu_put_fd(q, ret_filters[i]));
	}
	return true;
}

static void close_filters(const int filters[SECCOMP_FILTERS])
{
	for (size_t i = 0; i < SECCOMP_FILTERS; i++) {
		close(filters[i]);
	}
}

pid_t qemu_start(
	struct qemu *q, int errors_fd, int info_fd, const struct spawn *how, struct err *err)
{
	const char *program = qemu_program(err);
	auto_qemu struct qemu all =
		*q; /* the isolation comes first, and numbers its descriptors last */
	all.words = (struct buf){ 0 };
	all.n_words = 0;
	int filters[SECCOMP_FILTERS];
	if (!program || q->n_fds + 2 + SECCOMP_FILTERS > SPAWN_FDS_MAX) {
		return -1;
	}
	put_walls(&all, how);
	if (!put_filters(&all, SECCOMP_FOR_MACHINE, filters, err)) {
		return -1;
	}
	qemu_put(&all, "--info-fd");
	qemu_put(&all, "%d", qemu_put_fd(&all, info_fd));
	close_walls(&all);
	qemu_put(&all, "%s", program);
	buf_append(&all.words, q->words.data, q->words.len);
	all.n_words += q->n_words;
	pid_t pid = start(&all, errors_fd, how, err);
	close_filters(filters);
	return pid;
}

/* Its binary may be in a directory that its user cannot access. */
pid_t qemu_start_net(int program, int card, int errors_fd, const struct spawn *how, struct err *err)
{
	int filters[SECCOMP_FILTERS];
	auto_qemu struct qemu q = { .network = true };
	qemu_put_fd(&q, card); /* the first: vm/net/main.c expects this number */
	put_walls(&q, how);
	PUT(&q, "--perms", "0555", "--ro-bind-data");
	qemu_put(&q, "%d", qemu_put_fd(&q, program));
	PUT(&q, NET_PROGRAM);
	if (!put_filters(&q, SECCOMP_FOR_PROGRAMS, filters, err)) {
		return -1;
	}
	close_walls(&q);
	PUT(&q, NET_PROGRAM);
	pid_t pid = start(&q, errors_fd, how, err);
	close_filters(filters);
	return pid;
}
