// USES image base
/* Archives with something else in the place of each directory and file that a build touches by name: a
 * build touches nothing of the host. */
#include "base/buf.h"

#include "tests/support/hostile_image.h"
#include "tests/support/image_scratch.h"

TestSuite(image_places, .init = hostile_begin, .fini = hostile_end, .timeout = 800);

#define MANY 20 /* places in one archive */

/* Of one depth, so none is below another. */
static const char *const places[][MANY] = {
	{ "run", "mnt", "dev", "proc", "sys", "var", "vmlinuz", "kernel", "view", "tree" },
	{ "var/tmp", "var/log", "var/cache", "var/lib", "etc/apt", "etc/hostname", "etc/hosts",
		"etc/shadow", "etc/machine-id", "etc/resolv.conf" },
	{ "var/cache/apt", "var/cache/debconf", "var/lib/apt", "var/lib/dpkg", "var/lib/dbus",
		"usr/share/doc-base", "etc/apt/auth.conf", "etc/apt/auth.conf.d" },
	{ "var/lib/apt/lists", "var/lib/dpkg/status", "var/lib/dbus/machine-id" },
};
#define DEPTHS (sizeof(places) / sizeof(*places))

/* Most builds end at one of these, so each has an archive of its own.  Without a kernel, which a link to
 * nothing is, a build fetches one: that is tried once. */
static const char *const fatal_places[] = { "tmp", "boot", "etc", "boot/vmlinuz-" HOSTILE_RELEASE,
	"home", "home/user", "usr", "usr/share/fonts", "lib", "lib/modules",
	HOSTILE_MODULES "modules.order", HOSTILE_MODULES "kernel/erofs.ko", "etc/vitrine",
	"etc/sudoers.d", "etc/passwd", "etc/group" };
#define FATAL (sizeof(fatal_places) / sizeof(*fatal_places))

struct kind {
	const char *name, *types;   /* types: in turn */
	const char *const *targets; /* of links, two in turn; NULL: no links */
};

/* The i-th entry of a kind; *to keeps its target. */
static struct tar_entry entry_at(
	const struct kind *kind, const char *place, size_t i, char (*to)[300])
{
	const char *target = kind->targets ? kind->targets[i / 2 % 2] : NULL;
	snprintf(*to, sizeof(*to), "%s/%s", target ? target : "", i % 3 ? place : "");
	return (struct tar_entry){ kind->types[i % 2], place, .to = target ? *to : NULL };
}

/* An image, or the build would have ended before it came to some of the places. */
static void try_depth(const struct kind *kind, size_t depth, bool first)
{
	struct tar_entry more[MANY + 1] = { 0 };
	char tos[MANY][300];
	auto_buf struct buf said = { 0 };
	for (size_t i = 0; i < MANY && places[depth][i]; i++) {
		more[i] = entry_at(kind, places[depth][i], i, &tos[i]);
	}
	hostile_plain = first;
	cr_expect(hostile_attempt(kind->name, more, first, &said), "%s: depth %zu: %s", kind->name,
		depth, buf_text(&said));
}

/* An entry of the kind at each place.  What is asserted is what happens on disk; the code that runs
 * is the same at each place, so the sanitizers watch it at some. */
static void try_places(const struct kind *kind)
{
	hostile_skip_where_it_cannot_be();
	for (size_t depth = 0; depth < DEPTHS; depth++) {
		try_depth(kind, depth, true);
		try_depth(kind, depth, false);
	}
	for (size_t i = 0; i < FATAL; i++) {
		auto_buf struct buf said = { 0 };
		char what[200], to[300];
		const struct tar_entry more[] = { entry_at(kind, fatal_places[i], i, &to),
			{ .name = NULL } };
		snprintf(what, sizeof(what), "%s at %s", kind->name, fatal_places[i]);
		hostile_plain = i % 8 != 0;
		hostile_attempt(what, more, i % 4 < 2, &said);
	}
}

Test(image_places, absolute_links_at_each_place)
{
	char host[600];
	snprintf(host, sizeof(host), "%s", image_path("host"));
	const char *const targets[] = { host, host };
	try_places(&(struct kind){ "an absolute link", "22", targets });
}

Test(image_places, relative_links_at_each_place)
{
	char up[600], more[600];
	snprintf(up, sizeof(up), "../../../../../../..%s", image_path("host"));
	snprintf(more, sizeof(more), "./../../../../../../../../..%s/.", image_path("host"));
	const char *const targets[] = { up, more };
	try_places(&(struct kind){ "a relative link", "22", targets });
}

Test(image_places, links_to_the_root_at_each_place)
{
	static const char *const root_and_proc[] = { "/", "/proc/self/root" };
	try_places(&(struct kind){ "a link to the root", "22", root_and_proc });
}

Test(image_places, files_and_pipes_at_each_place)
{
	try_places(&(struct kind){ "a file or a pipe", "06", NULL });
}

/* tar cannot make them, tries all, and fails at the end. */
Test(image_places, hard_links_at_each_place)
{
	struct tar_entry more[DEPTHS * MANY + FATAL + 1];
	char host[600], up[600], tos[DEPTHS * MANY + FATAL][300];
	snprintf(host, sizeof(host), "%s", image_path("host"));
	snprintf(up, sizeof(up), "../../../../../../..%s", image_path("host"));
	const char *const targets[] = { host, up };
	const struct kind kind = { "a hard link", "11", targets };
	hostile_skip_where_it_cannot_be();
	for (int first = 0; first < 2; first++) {
		auto_buf struct buf said = { 0 };
		size_t n = 0;
		for (size_t i = 0; i < DEPTHS * MANY; i++) {
			const char *place = places[i / MANY][i % MANY];
			if (place) {
				more[n] = entry_at(&kind, place, n, &tos[n]);
				n++;
			}
		}
		for (size_t i = 0; i < FATAL; i++, n++) {
			more[n] = entry_at(&kind, fatal_places[i], n, &tos[n]);
		}
		more[n] = (struct tar_entry){ .name = NULL };
		cr_expect_not(hostile_attempt(kind.name, more, first, &said));
	}
}
