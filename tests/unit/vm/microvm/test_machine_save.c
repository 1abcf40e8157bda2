// USES vm
/* Machines saved, cloned and forked, with a real QEMU and a guest of a few bytes. */

#include "base/log.h"
#include "base/loop.h"
#include "base/work.h"
#include "tests/support/tiny_machine.h"
#include "vm/state/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM "/usr/bin/qemu-system-x86_64"

static sd_event *event;
static char top[] = "/tmp/vitrine-machine-XXXXXX";

static struct {
	int times;
	struct err err;
} done;

static void on_done(const struct err *err, void *data)
{
	(void)data;
	done.times++;
	done.err = err ? *err : (struct err){ 0 };
}

static void await(void)
{
	done.times = 0;
	while (done.times == 0) {
		cr_assert_geq(sd_event_run(event, 60000000), 1, "nothing happens");
	}
	cr_assert_eq(done.times, 1);
}

static void begin(void)
{
	struct err err;
	if (access(PROGRAM, X_OK) < 0) {
		cr_skip_test("there is no " PROGRAM);
	}
	event = loop_new(&err);
	cr_assert_not_null(event);
	cr_assert_not_null(mkdtemp(top));
	log_set_level(getenv("VITRINE_TEST_LOG") ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR);
}

static void remove_dir(const char *path)
{
	auto_close int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(tree_remove(tmp, path + strlen("/tmp/"), NULL));
}

static void end(void)
{
	work_wait_all();
	ram_forget();
	sd_event_unref(event);
	remove_dir(top);
}

TestSuite(machine_save, .init = begin, .fini = end);

static const char *dir_of(const char *name)
{
	static char path[4][128];
	static unsigned next;
	char *to = path[next++ % 4];
	snprintf(to, 128, "%s/%s", top, name);
	return to;
}

static void boot(struct tiny *tiny)
{
	struct err err;
	struct ram *ram = ram_new(TINY_MIB, &err);
	cr_assert_not_null(ram, "%s", err.text);
	tiny_start(tiny, event, ram, false, NULL);
}

static void save(struct tiny *tiny, const char *name, bool last)
{
	cr_assert_eq(mkdir(dir_of(name), 0700), 0);
	cr_assert_not_null(machine_save(&tiny->machine, dir_of(name), last, on_done, NULL));
	await();
	cr_assert_eq(done.err.kind, ERR_NONE, "%s", done.err.text);
}

static void load_with(struct tiny *tiny, const char *name, const char *const *wrap)
{
	struct saved *saved =
		saved_open(event, dir_of(name), "key-of-tiny-machines", on_done, NULL);
	await();
	cr_assert_eq(done.err.kind, ERR_NONE, "%s", done.err.text);
	tiny_start(tiny, event, ram_ref(saved_ram(saved)), true, wrap);
	tiny->saved = saved;
	saved_load(tiny->saved, &tiny->machine, on_done, NULL);
	await();
	cr_assert_eq(done.err.kind, ERR_NONE, "%s", done.err.text);
}

static void load(struct tiny *tiny, const char *name)
{
	load_with(tiny, name, NULL);
}

static uint64_t sum_of(const char *name)
{
	static char bytes[40 << 20];
	int fd = open(dir_of(name), O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	cr_assert_gt(n, 0, "%s", name);
	close(fd);
	return pages_sum((uint64_t)n, bytes, (size_t)n & ~(size_t)7);
}

Test(machine_save, goes_on_where_it_was)
{
	struct tiny source = { 0 }, one = { 0 }, two = { 0 };
	boot(&source);
	cr_assert_eq(tiny_ask(&source, 'i'), 1);
	cr_assert_eq(tiny_ask(&source, 'i'), 2);
	save(&source, "template", false);
	uint64_t before = sum_of("template/ram.0");
	cr_assert_eq(tiny_ask(&source, 'i'), 3, "the source goes on");
	load(&one, "template");
	load(&two, "template");
	cr_assert_eq(one.ram, two.ram, "both map the same memory file");
	cr_assert_eq(tiny_ask(&one, 'i'), 3);
	cr_assert_eq(tiny_ask(&one, 'i'), 4);
	cr_assert_eq(tiny_ask(&two, 'i'), 3, "a clone does not see what another one does");
	cr_assert_eq(tiny_ask(&source, 'i'), 4);
	cr_assert_eq(sum_of("template/ram.0"), before, "nobody changes the template");
	tiny_end(&one);
	tiny_end(&two);
	tiny_end(&source);
}

/* A full disk is found out when the machine has been stopped already. */
Test(machine_save, goes_on_where_its_last_save_failed)
{
	static const char *const in_the_way[] = { "ram.0", "devices", "machine.json" };
	struct tiny tiny = { 0 };
	boot(&tiny);
	for (int i = 0; i < 3; i++) {
		char dir[8], file[40];
		snprintf(dir, sizeof(dir), "bad%d", i);
		snprintf(file, sizeof(file), "%s/%s", dir, in_the_way[i]);
		cr_assert_eq(mkdir(dir_of(dir), 0700), 0);
		cr_assert_eq(mkdir(dir_of(file), 0700), 0);
		cr_assert_not_null(machine_save(&tiny.machine, dir_of(dir), true, on_done, NULL));
		await();
		cr_assert_neq(done.err.kind, ERR_NONE, "%s", file);
		cr_assert_eq(tiny_ask(&tiny, 'i'), i + 1, "after %s: %s", file, done.err.text);
	}
	save(&tiny, "good", true);
	tiny_end(&tiny);
}

Test(machine_save, a_clone_is_saved_as_what_it_changed)
{
	struct tiny source = { 0 }, clone = { 0 }, child = { 0 };
	boot(&source);
	cr_assert_eq(tiny_ask(&source, 'i'), 1);
	cr_assert_eq(tiny_ask(&source, 'f'), 0xaa);
	save(&source, "template", true);
	tiny_end(&source);
	load(&clone, "template");
	cr_assert_eq(tiny_ask(&clone, 'i'), 2);
	cr_assert_eq(tiny_ask(&clone, 'g'), 0xaa);
	cr_assert_eq(tiny_ask(&clone, 'z'), 0);
	save(&clone, "fork", false);
	struct stat st;
	cr_assert_eq(stat(dir_of("fork/ram.1"), &st), 0);
	cr_assert_lt(st.st_size, 1 << 20, "few pages, not %lld bytes", (long long)st.st_size);
	cr_assert_eq(stat(dir_of("fork/ram.0"), &st), 0);
	cr_assert_eq(st.st_nlink, 2, "the layer below is a link");
	load(&child, "fork");
	cr_assert_eq(child.ram, clone.ram);
	cr_assert_eq(tiny_ask(&child, 'g'), 0, "a page that became zero is zero");
	cr_assert_eq(tiny_ask(&child, 'i'), 3);
	cr_assert_eq(tiny_ask(&clone, 'i'), 3);
	tiny_end(&child);
	save(&clone, "pause", true);
	tiny_end(&clone);
	remove_dir(dir_of("template"));
	load(&child, "pause");
	cr_assert_eq(tiny_ask(&child, 'i'), 4, "it needs nothing of the template");
	cr_assert_eq(tiny_ask(&child, 'g'), 0);
	tiny_end(&child);
}
