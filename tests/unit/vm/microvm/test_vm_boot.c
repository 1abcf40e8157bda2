// USES vm
/* What a machine is booted from: the key that saved machines must match, files that cannot change
 * any more, QEMU's command line; and which accelerator. */

#include "base/cleanup.h"
#include "base/file.h"
#include "tests/support/scratch.h"
#include "vm/backends.h"
#include "vm/image/cpio.h"
#include "vm/image/store.h"
#include "vm/microvm/boot.h"
#include "vm/microvm/qemu.h"
#include "vm/microvm/tsc.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#define IMAGE "00000000000000aa"

static struct err err;
static char agent[600];
static struct vm_config config;

#define NEWER "00000000000000bb"

static void put_image_as(const char *id, int64_t created)
{
	static const char *const parts[] = { "root.erofs", "vmlinuz", "packages" };
	const struct image_json said = { id, "minimal", "", "6.1.0-1-cloud", IMAGE_FORMAT, 700, 3,
		created };
	auto_buf struct buf initramfs = { 0 };
	json_auto_t *json = image_json_encode(&said);
	auto_free char *text = json_dumps(json, 0);
	mkdir(in_scratch("images/%s", id), 0700);
	for (size_t i = 0; i < 3; i++) {
		put_text(in_scratch("images/%s/%s", id, parts[i]), parts[i]);
	}
	cpio_add(&initramfs, "init", S_IFREG | 0755, "x", 1);
	cpio_end(&initramfs);
	buf_append(&initramfs, "", 1); /* a length that is no multiple of four */
	put_file(in_scratch("images/%s/initramfs", id), initramfs.data, initramfs.len);
	put_text(in_scratch("images/%s/image.json", id), text);
}

static void put_image(int64_t created)
{
	put_image_as(IMAGE, created);
}

static void begin(void)
{
	if (!qemu_program(&err)) {
		cr_skip_test("%s", err.text);
	}
	scratch_make();
	mkdir(in_scratch("images"), 0700);
	put_image(1000);
	snprintf(agent, sizeof(agent), "%s", in_scratch("agent"));
	put_text(agent, "an agent");
	config = (struct vm_config){ .accel = "tcg", .agent = agent };
}

static void end(void)
{
	if (config.agent) {
		scratch_remove();
	}
}

TestSuite(boot, .init = begin, .fini = end, .timeout = 60);

static const struct vm_spec plain = { .screen = { 1280, 800 },
	.scale = 150,
	.limits = { .disk_mib = 200, .processes = 256, .files = 4096 } };

static struct boot found(const struct vm_spec *spec)
{
	struct boot boot;
	cr_assert(boot_find(&config, scratch, spec, &boot, &err), "%s", err.text);
	return boot;
}

/* ---- finding ---- */

Test(boot, fills_in_what_the_image_says)
{
	auto_boot struct boot boot = found(&plain);
	cr_assert_str_eq(boot.spec.image, IMAGE);
	cr_assert_eq(boot.spec.limits.memory_mib, 700);
	cr_assert_eq(boot.spec.limits.cpus, 3);
	cr_assert_not(boot.accel.kvm);
	cr_assert_str_eq(boot.accel.why, "", "nobody asked");
	struct vm_spec more = plain;
	more.limits.memory_mib = 2000;
	more.image = "minimal";
	auto_boot struct boot larger = found(&more);
	cr_assert_eq(larger.spec.limits.memory_mib, 2000);
	cr_assert_eq(larger.spec.limits.cpus, 3);
}

Test(boot, an_image_that_is_not_there_is_helped)
{
	struct boot boot;
	struct vm_spec other = plain;
	other.image = "desktop";
	cr_assert_not(boot_find(&config, scratch, &other, &boot, &err));
	cr_assert_eq(err.kind, ERR_NOT_FOUND);
	cr_assert_not_null(strstr(err.text, "minimal (" IMAGE ")"), "%s", err.text);
	cr_assert(boot_is_likely(scratch, "minimal", &err));
	cr_assert_not(boot_is_likely(scratch, "desktop", &err));
	cr_assert_not(boot_is_likely("/nowhere", NULL, &err));
}

/* An image is not read again while it is the same, but is looked for again after each change. */
Test(boot, changes_of_the_images_are_seen_at_once)
{
	struct vm_spec named = plain;
	named.image = "minimal";
	auto_boot struct boot first = found(&named), again = found(&named);
	cr_expect_str_eq(again.spec.image, IMAGE);
	cr_expect_str_eq(again.key, first.key);
	put_image_as(NEWER, 2000);
	auto_boot struct boot newer = found(&named);
	cr_expect_str_eq(newer.spec.image, NEWER);
	put_text(in_scratch("images/" NEWER "/image.json"), "{}");
	auto_boot struct boot older = found(&named);
	cr_expect_str_eq(older.spec.image, IMAGE);
	unlink(in_scratch("images/" IMAGE "/vmlinuz"));
	cr_expect_not(boot_is_likely(scratch, "minimal", &err));
	cr_expect_eq(err.kind, ERR_NOT_FOUND);
}

/* ---- the key ---- */

static struct vm_spec changed[] = {
	{ .screen = { 1280, 801 }, .scale = 150, .limits = { 0, 256, 4096, 200, 0 } },
	{ .screen = { 1281, 800 }, .scale = 150, .limits = { 0, 256, 4096, 200, 0 } },
	{ .screen = { 1280, 800 }, .scale = 200, .limits = { 0, 256, 4096, 200, 0 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 701, 256, 4096, 200, 0 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 0, 257, 4096, 200, 0 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 0, 256, 4097, 200, 0 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 0, 256, 4096, 201, 0 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 0, 256, 4096, 200, 2 } },
	{ .screen = { 1280, 800 }, .scale = 150, .limits = { 0, 256, 4096, 200, 0 }, .network = 1 },
};

Test(boot, the_key_is_of_all_that_must_match_and_nothing_else)
{
	json_auto_t *labels = json_pack("{s:s}", "a", "b");
	struct vm_spec same = plain;
	auto_boot struct boot boot = found(&plain);
	same.labels = labels;
	same.timeout_ms = 5;
	same.idle_ms = 6;
	same.on_timeout = VM_TIMEOUT_PAUSE;
	same.image = "minimal";
	same.limits.memory_mib = 700;
	auto_boot struct boot also = found(&same);
	cr_assert_str_eq(also.key, boot.key);
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		auto_boot struct boot other = found(&changed[i]);
		cr_assert_str_neq(other.key, boot.key, "row %zu", i);
	}
	config.keep = true; /* its guest goes on without a server */
	auto_boot struct boot kept = found(&plain);
	cr_assert_str_neq(kept.key, boot.key);
	cr_assert_str_eq(kept.fit, boot.fit);
}

/* A paused one must wake up after an update of the agent, or in a server told otherwise. */
Test(boot, a_saved_machine_has_to_fit_in_less)
{
	auto_boot struct boot boot = found(&plain);
	for (size_t i = 0; i < sizeof(changed) / sizeof(*changed); i++) {
		const struct vm_spec *spec = &changed[i];
		bool devices = spec->limits.memory_mib || spec->limits.cpus || spec->network;
		auto_boot struct boot other = found(spec);
		cr_expect_eq(strcmp(other.fit, boot.fit) != 0, devices, "row %zu", i);
	}
	put_text(agent, "another agent");
	auto_boot struct boot later = found(&plain);
	cr_expect_str_eq(later.fit, boot.fit);
}

Test(boot, the_key_follows_the_agents_content)
{
	auto_boot struct boot boot = found(&plain);
	put_text(agent, "an Agent");
	const struct timespec old[2] = { { 1, 0 }, { 1, 0 } };
	utimensat(AT_FDCWD, agent, old, 0);
	auto_boot struct boot other = found(&plain);
	cr_assert_str_neq(other.key, boot.key);
	put_text(agent, "an agent");
	auto_boot struct boot again = found(&plain);
	cr_assert_str_eq(again.key, boot.key);
	unlink(agent);
	struct boot none;
	cr_assert_not(boot_find(&config, scratch, &plain, &none, &err));
	cr_assert_not_null(strstr(err.text, agent), "%s", err.text);
}

/* ---- QEMU's identity ---- */

/* Of a program with these bytes, as another unpacking of its package has it; free() it. */
static char *identity_of(const char *name, const void *bytes, size_t len, time_t mtime)
{
	const char *path = in_scratch("%s", name);
	struct timespec times[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };
	put_file(path, bytes, len);
	cr_assert_eq(utimensat(AT_FDCWD, path, times, 0), 0);
	char *identity = qemu_identity_of(path, &err);
	cr_assert_not_null(identity, "%s", err.text);
	return identity;
}

Test(boot, qemu_is_the_same_wherever_it_was_unpacked)
{
	auto_buf struct buf program = { 0 };
	auto_close int fd = open(qemu_program(&err), O_RDONLY | O_CLOEXEC);
	cr_assert(file_read(fd, 200 << 20, "QEMU", &program, &err), "%s", err.text);
	auto_free char *installed = qemu_identity(&err);
	auto_free char *copy = identity_of("copy", program.data, program.len, 1000);
	cr_assert_not_null(installed, "%s", err.text);
	cr_assert_str_eq(copy, installed, "another inode and another time");

	uint8_t *id = memmem(program.data, program.len, "\x14\0\0\0\x03\0\0\0GNU", 12);
	cr_assert_not_null(id, "Debian's has a build id of 20 bytes");
	id[12] ^= 1;
	auto_free char *other = identity_of("other", program.data, program.len, 1000);
	cr_assert_str_neq(other, installed, "another build");
}

Test(boot, qemu_without_a_build_id_is_told_by_size_and_time)
{
	auto_free char *first = identity_of("first", "#!/bin/sh", 9, 1000);
	auto_free char *copy = identity_of("copy", "#!/bin/sh", 9, 1000);
	auto_free char *longer = identity_of("longer", "#!/bin/sh\n", 10, 1000);
	auto_free char *later = identity_of("later", "#!/bin/sh", 9, 2000);
	cr_assert_str_eq(copy, first);
	cr_assert_str_neq(longer, first);
	cr_assert_str_neq(later, first);
	cr_assert_null(qemu_identity_of(in_scratch("nowhere"), &err));
	cr_assert_not_null(strstr(err.text, "nowhere"), "%s", err.text);
}

/* Whatever stands in its headers, no more is read than is there. */
Test(boot, headers_of_programs_may_hold_anything)
{
	auto_buf struct buf program = { 0 };
	auto_close int fd = open("/usr/bin/true", O_RDONLY | O_CLOEXEC);
	cr_assert(file_read(fd, 10 << 20, "true", &program, &err), "%s", err.text);
	for (size_t at = 0; at < 1200 && at < program.len; at++) {
		uint8_t was = program.data[at];
		program.data[at] = at % 2 ? 0xff : (uint8_t)(was + 1);
		free(identity_of("strange", program.data, program.len, 1000));
		program.data[at] = was;
	}
	free(identity_of("cut", program.data, 70, 1000));
}

/* ---- files ---- */

static void expect_signed_state(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);
	cr_assert_geq(fd, 0, "%s", err.text);
	cr_assert_eq(seals, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
}

static bool look_for_agent(const struct cpio_entry *entry, void *data, struct err *why)
{
	(void)why;
	*(bool *)data |= strcmp(entry->name, "vitrine/vitrine-agent") == 0 && S_ISREG(entry->mode);
	return true;
}

Test(boot, its_files_do_not_change_any_more)
{
	auto_buf struct buf text = { 0 }, all = { 0 };
	bool has_agent = false;
	const char *build = getenv("VITRINE_BUILD");
	snprintf(agent, sizeof(agent), "%s/vitrine-agent", build ? build : "build-debug");
	auto_boot struct boot boot = found(&plain);
	auto_close int kernel = boot_open_kernel(&boot, &err);
	expect_signed_state(kernel);
	put_text(in_scratch("images/" IMAGE "/vmlinuz"), "another");
	lseek(kernel, 0, SEEK_SET);
	cr_assert(file_read(kernel, 100, "it", &text, &err));
	cr_assert_str_eq(buf_text(&text), "vmlinuz");
	auto_close int initrd = boot_open_initrd(&boot, &config, &err);
	expect_signed_state(initrd);
	lseek(initrd, 0, SEEK_SET);
	cr_assert(file_read(initrd, 1 << 30, "it", &all, &err));
	/* The image's own archive, and at the next multiple of four the agent's. */
	struct stat st;
	cr_assert_eq(stat(in_scratch("images/" IMAGE "/initramfs"), &st), 0);
	size_t first = ((size_t)st.st_size + 3) & ~(size_t)3;
	cr_assert(cpio_each(all.data + first, all.len - first, look_for_agent, &has_agent, &err),
		"%s", err.text);
	cr_assert(has_agent);
}

Test(boot, a_damaged_image_is_told_of)
{
	auto_boot struct boot boot = found(&plain);
	unlink(in_scratch("images/" IMAGE "/vmlinuz"));
	cr_assert_lt(boot_open_kernel(&boot, &err), 0);
	cr_assert_not_null(strstr(err.text, "'minimal' is damaged"), "%s", err.text);
	unlink(in_scratch("images/" IMAGE "/root.erofs"));
	cr_assert_eq(symlink("/etc/passwd", in_scratch("images/" IMAGE "/root.erofs")), 0);
	cr_assert_lt(boot_open_root(&boot, &err), 0, "a link is not followed");
	put_text(agent, "no program");
	cr_assert_lt(boot_open_initrd(&boot, &config, &err), 0);
	cr_assert_not_null(strstr(err.text, "agent"), "%s", err.text);
}

/* ---- QEMU's words ---- */

/* The word that follows `name`; NULL: there is no such word. */
static const char *word_after(const struct qemu *q, const char *name)
{
	const char *at = (const char *)q->args.words.data, *last = at + q->args.words.len;
	for (; at < last; at += strlen(at) + 1) {
		if (strcmp(at, name) == 0) {
			return at + strlen(at) + 1;
		}
	}
	return NULL;
}

static struct qemu described(const struct qemu_plan *plan)
{
	struct qemu q = { 0 };
	qemu_describe(&q, plan);
	return q;
}

static const struct qemu_plan booting = { .name = "it",
	.spec = &plain,
	.ram = 50,
	.root = 51,
	.kernel = 52,
	.initrd = 53,
	.grace_ms = 600000,
	.qmp = 54,
	.link = 55,
	.console = 56,
	.card = -1,
	.tsc_khz = 2500000 };

Test(boot, a_machine_that_boots_is_told_its_kernel)
{
	auto_qemu struct qemu q = described(&booting);
	const char *kernel = word_after(&q, "-append");
	cr_assert_not_null(
		strstr(kernel, "vitrine.screen=1280x800 vitrine.scale=150 vitrine.disk=200"), "%s",
		kernel);
	cr_assert_not_null(strstr(kernel, "vitrine.max-processes=256 vitrine.max-files=4096"));
	cr_assert_not_null(strstr(kernel, "vitrine.grace=600000"), "%s", kernel);
	cr_assert_not_null(strstr(kernel, "tsc_early_khz=2500000"), "%s", kernel);
	cr_assert_null(word_after(&q, "-incoming"));
	cr_assert_not_null(word_after(&q, "-S"), "it waits for us");
	cr_assert_not_null(strstr(word_after(&q, "-sandbox"), "spawn=deny"));
	cr_assert_not_null(strstr(word_after(&q, "-object"), "share=off"), "its own copy only");
	cr_assert_not_null(strstr(word_after(&q, "-drive"), "readonly=on"));
	cr_assert_null(word_after(&q, "-netdev"), "no network unless it is asked for");
	cr_assert_eq(q.n_fds, 7);
	for (size_t i = 0; i < q.n_fds; i++) {
		cr_assert_geq(q.fds[i].to, 3);
		cr_assert(q.fds[i].from >= 50 && q.fds[i].from <= 56);
	}
}

Test(boot, a_saved_machine_gets_no_kernel)
{
	struct qemu_plan plan = booting;
	plan.kernel = plan.initrd = -1;
	auto_qemu struct qemu q = described(&plan);
	cr_assert_str_eq(word_after(&q, "-incoming"), "defer");
	cr_assert_null(word_after(&q, "-kernel"));
	cr_assert_null(word_after(&q, "-append"));
	cr_assert_not_null(strstr(word_after(&q, "-accel"), "tcg"));
	plan.kvm = true;
	auto_qemu struct qemu kvm = described(&plan);
	cr_assert_str_eq(word_after(&kvm, "-accel"), "kvm");
	cr_assert_str_eq(word_after(&kvm, "-cpu"), "host");
}

Test(boot, the_network_is_given_when_asked_for)
{
	struct qemu_plan plan = booting;
	plan.card = 57;
	auto_qemu struct qemu q = described(&plan);
	cr_assert_not_null(word_after(&q, "-netdev"));
	cr_assert_eq(q.n_fds, 8);
}

/* ---- which accelerator ---- */

Test(boot, kvm_that_does_not_work_is_not_taken)
{
	struct accel accel;
	struct vm_config wants = { .accel = "kvm" };
	bool works = accel_choose(&wants, scratch, &accel, &err);
	struct vm_config any = { 0 };
	struct accel chosen;
	cr_assert(works ? accel.kvm : err.kind == ERR_UNSUPPORTED, "%s", err.text);
	cr_assert(works || strstr(err.text, "--accel auto"), "%s", err.text);
	cr_assert(accel_choose(&any, scratch, &chosen, &err), "%s", err.text);
	cr_assert_eq(chosen.kvm, works);
	cr_assert_eq(!chosen.why[0], works, "%s", chosen.why);
	cr_assert_eq(strncmp(chosen.cpu, works ? "kvm-" : "tcg", works ? 4 : 3), 0);
	cr_assert_eq(access(in_scratch("accel"), F_OK), 0, "it is remembered");
}

/* As a process before this one would have left it, with another answer. */
static char *put_remembered(void)
{
	struct accel accel;
	const struct vm_config any = { 0 };
	pid_t child = fork_child();
	if (child == 0) {
		_exit(accel_choose(&any, scratch, &accel, &err) ? 0 : 1);
	}
	int status;
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	auto_buf struct buf text = { 0 };
	struct buf changed_text = { 0 };
	auto_close int fd = open(in_scratch("accel"), O_RDONLY | O_CLOEXEC);
	cr_assert(file_read(fd, 10000, "it", &text, &err));
	buf_printf(&changed_text, "%.*s\nKVM is tired\n", (int)strcspn(buf_text(&text), "\n"),
		buf_text(&text));
	put_text(in_scratch("accel"), buf_text(&changed_text));
	return (char *)changed_text.data;
}

Test(boot, what_was_remembered_is_believed)
{
	struct accel accel;
	const struct vm_config any = { 0 };
	free(put_remembered());
	cr_assert(accel_choose(&any, scratch, &accel, &err), "%s", err.text);
	cr_assert_str_eq(accel.why, "KVM is tired");
	cr_assert_not(accel.kvm);
}

Test(boot, what_was_remembered_of_another_boot_is_not)
{
	struct accel accel;
	const struct vm_config any = { 0 };
	auto_free char *text = put_remembered();
	char *last = strchr(text, '\n') - 1;
	*last = *last == 'a' ? 'b' : 'a';
	put_text(in_scratch("accel"), text);
	cr_assert(accel_choose(&any, scratch, &accel, &err), "%s", err.text);
	cr_assert_null(strstr(accel.why, "tired"));
}

/* ---- the time stamp counter ---- */

Test(boot, the_counters_speed_is_that_of_the_clock)
{
	const struct tsc since = tsc_read();
	if (!since.ticks) {
		cr_skip_test("this processor has no such counter");
	}
	uint64_t khz = tsc_khz(&since), again = tsc_khz(&since);
	cr_assert(khz > 100000 && khz < 20000000, "%llu", (unsigned long long)khz);
	int64_t apart = (int64_t)khz - (int64_t)again;
	cr_assert(llabs(apart) < (int64_t)(khz / 50), "%llu, then %llu", (unsigned long long)khz,
		(unsigned long long)again);
}

/* ---- whether a machine can be started now ---- */

struct probed {
	bool microvm, namespace;
	char why_not_microvm[500], why_not_namespace[500];
};

static void on_probe(const char *backend, const struct err *why, const char *detail, void *data)
{
	struct probed *probed = data;
	(void)detail;
	if (strcmp(backend, "microvm") == 0) {
		probed->microvm = !why;
		snprintf(probed->why_not_microvm, sizeof(probed->why_not_microvm), "%s",
			why ? why->text : "");
	} else if (strcmp(backend, "namespace") == 0) {
		probed->namespace = !why;
		snprintf(probed->why_not_namespace, sizeof(probed->why_not_namespace), "%s",
			why ? why->text : "");
	}
}

/* As a container's filter does it. */
static void deny_user_namespaces(void)
{
	const struct scmp_arg_cmp asks = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	cr_assert_not_null(filter);
	cr_assert_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, asks), 0);
	cr_assert_eq(
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1, asks), 0);
	cr_assert_eq(seccomp_load(filter), 0);
	seccomp_release(filter);
}

static struct probed probe(void)
{
	struct probed probed = { 0 };
	struct vm_config with = config;
	with.state_dir = in_scratch(".");
	vm_probe(&with, vm_backends, on_probe, &probed);
	return probed;
}

Test(boot, backends_work_only_where_walls_can_be_made)
{
	struct probed probed = probe();
	if (!probed.microvm) {
		cr_assert_not_null(
			strstr(probed.why_not_microvm, "bwrap"), "%s", probed.why_not_microvm);
		cr_skip_test("%s", probed.why_not_microvm);
	}
	cr_assert(probed.namespace, "both need the same");
}

Test(boot, no_backend_works_where_no_walls_can_be_made)
{
	deny_user_namespaces();
	struct probed probed = probe();
	cr_assert_not(probed.namespace);
	cr_assert_not(probed.microvm);
	cr_assert_not_null(strstr(probed.why_not_microvm, "bwrap exited with status 1: bwrap: "),
		"%s", probed.why_not_microvm);
	cr_assert_not_null(
		strstr(probed.why_not_microvm, "; "), "advice: %s", probed.why_not_microvm);
	cr_assert_not_null(
		strstr(probed.why_not_namespace, "; "), "advice: %s", probed.why_not_namespace);
}
