// USES image
/* A root file system that somebody brings along: what it lacks, how it is made a desktop's, and
 * links in it that lead elsewhere. */

#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/kernel.h"
#include "vm/image/progress.h"
#include "vm/image/rootfs.h"
#include "vm/image/run.h"

#include "tests/support/image_scratch.h"

static struct err err;
static int root;

static void begin(void)
{
	image_scratch_make();
	mkdir(image_path("root"), 0755);
	mkdir(image_path("outside"), 0755);
	root = open(image_path("root"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(root, 0);
}

static void end(void)
{
	close(root);
	image_scratch_remove();
}

TestSuite(image_rootfs, .init = begin, .fini = end);

static void put(const char *path, const char *text)
{
	auto_free char *above = strndup(path, (size_t)(strrchr(path, '/') - path));
	cr_assert(root_mkdir(root, above, &err), "%s", err.text);
	cr_assert(root_write(root, path, 0755, text, strlen(text), &err), "%s", err.text);
}

static void expect_text(const char *path, const char *text)
{
	auto_buf struct buf is = { 0 };
	cr_assert(root_read(root, path, 10000, &is, &err), "%s", err.text);
	cr_assert_str_eq(buf_text(&is), text);
}

static void expect_empty_outside(void)
{
	cr_assert_eq(rmdir(image_path("outside")), 0, "something was put outside");
	mkdir(image_path("outside"), 0755);
}

/* ---- what it lacks ---- */

Test(image_rootfs, all_that_lacks_is_said_at_once)
{
	cr_assert_not(rootfs_check(root, &err));
	cr_assert_eq(err.kind, ERR_ARGUMENT);
	cr_assert_not_null(strstr(err.text, "lacks sh, Xvnc, xkbcomp, keyboard layouts, openbox"));
	cr_assert_not_null(strstr(err.text, "apt-get install --no-install-recommends dash "
					    "tigervnc-standalone-server"));
	static const char *const there[] = { "usr/bin/sh", "usr/bin/Xtigervnc", "usr/bin/xkbcomp",
		"usr/share/X11/xkb/rules", "usr/bin/openbox", "usr/bin/dbus-daemon",
		"usr/share/fonts", "etc/passwd" };
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		put(there[i], "");
	}
	cr_assert_not(rootfs_check(root, &err));
	cr_assert_not_null(strstr(err.text, "apt-get install --no-install-recommends tint2"));
	/* By a link that is right within it, and leads nowhere here. */
	put("opt/vitrine-test-tint2", "");
	cr_assert(root_link(root, "usr/bin/tint2", "/opt/vitrine-test-tint2", &err));
	cr_assert(rootfs_check(root, &err), "%s", err.text);
}

/* ---- links that lead out ---- */

static void unpack(const struct buf *files)
{
	auto_buf struct buf archive = { 0 };
	json_auto_t *users = json_pack("[s]", "user");
	buf_append(&archive, files->data, files->len);
	cpio_end(&archive);
	(void)!rootfs_unpack(root, &archive, users, &err);
}

Test(image_rootfs, nothing_is_written_outside)
{
	auto_buf struct buf files = { 0 };
	cr_assert_eq(symlinkat(image_path("outside"), root, "etc"), 0);
	cr_assert_eq(symlinkat("../outside", root, "up"), 0);
	cr_assert_eq(symlinkat("../outside", root, "run"), 0);
	cpio_add(&files, "etc/passwd", S_IFREG | 0644, "x", 1);
	unpack(&files);
	buf_consume(&files, files.len);
	cpio_add(&files, "up/passwd", S_IFREG | 0644, "x", 1);
	unpack(&files);
	cr_assert_not(root_write(root, "up/file", 0644, "x", 1, &err));
	cr_assert_not(root_has(root, "up/../outside"));
	expect_empty_outside();
	image_put(image_path("outside/stays"), "x");
	(void)!rootfs_tidy(root, &err);
	cr_assert_eq(access(image_path("outside/stays"), F_OK), 0, "emptied by a link of the root");
}

Test(image_rootfs, a_link_is_replaced_not_followed)
{
	auto_buf struct buf files = { 0 };
	image_put(image_path("outside/target"), "old");
	put("etc/x", "");
	cr_assert(root_link(root, "etc/x", image_path("outside/target"), &err));
	cpio_add(&files, "etc/x", S_IFREG | 0600, "new", 3);
	unpack(&files);
	expect_text("etc/x", "new");
	unlink(image_path("outside/target"));
	expect_empty_outside();
}

/* ---- accounts and files ---- */

static void add_users(json_t *users, bool works)
{
	json_auto_t *owned = users;
	err = (struct err){ 0 };
	cr_assert_eq(rootfs_add_users(root, owned, &err), works, "%s", err.text);
}

static void skip_unless_root(void)
{
	if (geteuid() != 0) {
		cr_skip_test("only root gives files away");
	}
}

Test(image_rootfs, accounts_are_made_once)
{
	struct stat st;
	skip_unless_root();
	put("etc/passwd", "root:x:0:0:root:/root:/bin/bash"); /* no end of the line */
	put("bin/bash", "");
	add_users(json_pack("[s,s]", "ann", "bob"), true);
	add_users(json_pack("[s,s]", "ann", "bob"), true);
	expect_text("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"
				  "ann:x:1000:1000::/home/ann:/bin/bash\n"
				  "bob:x:1001:1001::/home/bob:/bin/bash\n");
	expect_text("etc/group", "ann:x:1000:\nbob:x:1001:\n");
	cr_assert_eq(stat(image_path("root/home/bob"), &st), 0);
	cr_assert_eq(st.st_uid, 1001);
	cr_assert_eq(stat(image_path("root/etc/shadow"), &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0640);
}

Test(image_rootfs, another_owner_of_the_id_is_refused)
{
	put("etc/passwd", "root:x:0:0::/root:/bin/sh\ncarl:x:1000:1000::/home/carl:/bin/sh\n");
	add_users(json_pack("[s]", "user"), false);
	cr_assert_not_null(
		strstr(err.text, "has 'carl' with id 1000: remove that account"), "%s", err.text);
	put("etc/passwd", "user:x:1005:1005::/home/user:/bin/sh\n");
	add_users(json_pack("[s]", "user"), false);
	cr_assert_not_null(strstr(err.text, "'user' with id 1005"), "%s", err.text);
}

Test(image_rootfs, a_home_and_what_is_in_it_belong_to_its_user)
{
	auto_buf struct buf files = { 0 };
	struct stat st;
	skip_unless_root();
	cpio_add_dir(&files, "home");
	cpio_add_dir(&files, "home/user");
	cpio_add(&files, "home/user/note", S_IFREG | 0640, "hello", 5);
	cpio_add_dir(&files, "home/username");
	unpack(&files);
	expect_text("home/user/note", "hello");
	cr_assert_eq(stat(image_path("root/home/user/note"), &st), 0);
	cr_assert_eq(st.st_uid, 1000);
	cr_assert_eq(st.st_mode & 07777, 0640);
	cr_assert_eq(stat(image_path("root/home/username"), &st), 0);
	cr_assert_eq(st.st_uid, 0);
}

Test(image_rootfs, no_trace_of_its_making_stays)
{
	put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	put("var/lib/apt/lists/deb.example_Packages", "x");
	put("var/log/apt/history.log", "x");
	put("etc/apt/auth.conf.d/secret", "password");
	put("etc/resolv.conf", "nameserver 192.0.2.1\n");
	cr_assert(rootfs_tidy(root, &err), "%s", err.text);
	expect_text("etc/machine-id", "");
	expect_text("etc/resolv.conf", "");
	expect_text("etc/hostname", "desktop\n");
	cr_assert_not(root_has(root, "var/log/apt"));
	cr_assert(root_has(root, "var/log") && root_has(root, "proc") && root_has(root, "tmp"));
	cr_assert_not(root_has(root, "var/lib/apt/lists/deb.example_Packages"));
	cr_assert_not(root_has(root, "etc/apt/auth.conf.d/secret"));
}

Test(image_rootfs, installed_packages_are_listed_by_name)
{
	auto_buf struct buf none = { 0 }, list = { 0 };
	cr_assert(rootfs_packages(root, &none, &err));
	cr_assert_eq(none.len, 0, "no dpkg, no list");
	put("var/lib/dpkg/status",
		"Package: xterm\nStatus: install ok installed\nVersion: 379-1\n\n"
		"Package: gone\nStatus: deinstall ok config-files\n"
		"Version: 1\n\n"
		"Package: bash\nDescription: a shell\n Package: not this\n"
		"Status: install ok installed\nVersion: 5.2\n");
	cr_assert(rootfs_packages(root, &list, &err), "%s", err.text);
	cr_assert_str_eq(buf_text(&list), "bash 5.2\nxterm 379-1\n");
}

/* ---- its kernel's modules ---- */

#define MODULES "lib/modules/6.1.0-9-test/"
static const char *modules = MODULES; /* where put_kernel() puts them */
static const char *const all_modules[] = { "virtio_mmio", "virtio_blk", "virtio_console",
	"virtio_net", "virtio_rng", "erofs", "overlay", "virtio", "lz4" };

static void put_module(const char *name, const char *info, size_t len)
{
	char path[200], bytes[200] = "\x7f"
				     "ELF";
	memcpy(bytes + 5, info, len); /* a NUL in front of each word */
	snprintf(path, sizeof(path), "%skernel/drivers/%s.ko", modules, name);
	put(path, "");
	cr_assert(root_write(root, path, 0644, bytes, 5 + len, &err));
}

#define INFO(text) text, sizeof(text)

static void put_in_modules(const char *file, const char *text)
{
	char path[200];
	snprintf(path, sizeof(path), "%s%s", modules, file);
	put(path, text);
}

static void put_kernel(void)
{
	auto_buf struct buf order = { 0 };
	for (size_t i = 0; i < sizeof(all_modules) / sizeof(*all_modules); i++) {
		buf_printf(&order, "kernel/drivers/%s.ko\n", all_modules[i]);
		put_module(all_modules[i], INFO("license=GPL\0depends="));
	}
	buf_printf(&order, "kernel/net/failover.ko\n");
	put_in_modules("modules.order", buf_text(&order));
	put_in_modules("modules.builtin", "kernel/lib/crc32.ko\n");
	put("boot/vmlinuz-6.1.0-9-test", "kernel");
	put_module("virtio_blk", INFO("depends=virtio,crc32\0name=virtio_blk"));
	put_module("erofs", INFO("softdep=pre: lz4 nowhere post: virtio_net\0depends="));
}

static bool collect(const struct cpio_entry *entry, void *data, struct err *why)
{
	(void)why;
	if (strcmp(entry->name, "modules.list") == 0) {
		buf_append(data, entry->bytes, entry->len);
	}
	return true;
}

static void expect_modules_of(const struct kernel *kernel)
{
	struct buf init = { .data = (uint8_t *)"init", .len = 4 };
	auto_buf struct buf archive = { 0 }, list = { 0 };
	cr_assert(initramfs_make(kernel, &init, &archive, &err), "%s", err.text);
	cr_assert(cpio_each(archive.data, archive.len, collect, &list, &err), "%s", err.text);
	cr_assert_str_eq(buf_text(&list),
		"virtio_mmio.ko\nvirtio.ko\nvirtio_blk.ko\nvirtio_console.ko\nvirtio_net.ko\n"
		"virtio_rng.ko\nlz4.ko\nerofs.ko\noverlay.ko\n");
}

Test(image_rootfs, modules_come_behind_those_they_need)
{
	auto_kernel struct kernel kernel = { .base = -1 };
	put_kernel();
	put(MODULES "../5.10.0-1-old/modules.order", "");
	cr_assert(kernel_in_tree(root, &kernel));
	cr_assert_str_eq(kernel.release, "6.1.0-9-test", "the one that has an image");
	expect_modules_of(&kernel);
}

Test(image_rootfs, debian_13_has_modules_below_usr_and_compressed)
{
	auto_kernel struct kernel kernel = { .base = -1 };
	modules = "usr/lib/modules/6.12.1-test/";
	put_kernel();
	put("boot/vmlinuz-6.12.1-test", "kernel");
	for (size_t i = 0; i < sizeof(all_modules) / sizeof(*all_modules); i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s%skernel/drivers/%s.ko", image_path("root/"),
			modules, all_modules[i]);
		const char *argv[] = { "xz", path, NULL };
		cr_assert(run_program(&(struct run){ .argv = argv }, &err), "%s", err.text);
		cr_assert_neq(access(path, F_OK), 0, "only the compressed one is there");
	}
	cr_assert(kernel_in_tree(root, &kernel));
	cr_assert_str_eq(kernel.release, "6.12.1-test");
	expect_modules_of(&kernel);
}

Test(image_rootfs, of_two_kernels_the_later_one_is_taken)
{
	auto_kernel struct kernel kernel = { .base = -1 };
	put("boot/vmlinuz-6.12.1-test", "kernel");
	put("usr/lib/modules/6.12.1-test/modules.order", "");
	put("boot/vmlinuz-6.9.1-test", "kernel");
	put("lib/modules/6.9.1-test/modules.order", "");
	cr_assert(kernel_in_tree(root, &kernel));
	cr_assert_str_eq(kernel.release, "6.12.1-test", "a version, not a word");
}

Test(image_rootfs, a_kernel_that_lacks_a_module_is_refused)
{
	struct buf init = { .data = (uint8_t *)"init", .len = 4 };
	auto_buf struct buf archive = { 0 }, circle = { 0 };
	auto_kernel struct kernel kernel = { .base = -1 };
	cr_assert_not(kernel_in_tree(root, &kernel));
	put_kernel();
	put_module("overlay", INFO("depends=missing"));
	cr_assert(kernel_in_tree(root, &kernel));
	cr_assert_not(initramfs_make(&kernel, &init, &archive, &err));
	cr_assert_not_null(strstr(err.text, "6.1.0-9-test lacks module missing"), "%s", err.text);
	put_module("overlay", INFO("depends=overlay"));
	cr_assert_not(initramfs_make(&kernel, &init, &circle, &err));
	cr_assert_not_null(strstr(err.text, "overlay depends on itself"), "%s", err.text);
}

/* ---- how far a build is ---- */

Test(image_rootfs, progress_never_goes_back_and_keeps_the_first_complaints)
{
	static const char *const lines[] = { "I: running apt-get update...",
		"I: installing remaining packages inside the chroot...",
		"0 upgraded, 2 newly installed, 0 to remove", "Get:1 http://x a", "Unpacking a (1)",
		"Setting up a (1)", "Get:2 http://x b", "I: running apt-get update...",
		"E: Unable to locate package b", "Unpacking b", "Unpacking b", "Unpacking b",
		"Unpacking b", "E: second", "E: third", "E: fourth",
		"vitrine: making the file system" };
	struct progress progress;
	int last = 0;
	progress_init(&progress);
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		progress_line(&progress, lines[i]);
		cr_assert_geq(progress.percent, last, "%s", lines[i]);
		last = progress.percent;
		cr_assert(i != 5 || last == 30 + 58 / 2, "%d after one of two packages", last);
	}
	cr_assert_eq(last, 93);
	cr_assert_not(progress_error(&progress, "exited with status 1", &err));
	cr_assert_not_null(
		strstr(err.text, "exited with status 1 while making the root file system: "
				 "E: Unable to locate package b; E: second; E: third"),
		"%s", err.text);
	cr_assert_null(strstr(err.text, "fourth"));
	progress_line(&progress, "vitrine: failed: the image would be too large");
	cr_assert_not(progress_error(&progress, "exited with status 1", &err));
	cr_assert_str_eq(err.text, "the image would be too large");
}
