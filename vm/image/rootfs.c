/* Converts a root file system for use as a desktop: the recipe's files, accounts, no traces of the
 * host. */
#include "vm/image/rootfs.h"

#include "base/cleanup.h"
#include "vm/image/cpio.h"
#include "vm/image/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define FIRST_UID 1000
#define TEXT_MAX ((size_t)1 << 20)
#define STATUS_MAX ((size_t)64 << 20)

/* ---- requirements ---- */

static const struct {
	const char *what, *package;
	const char *paths[4]; /* any one of them */
} needed[] = {
	{ "sh", "dash", { "bin/sh", "usr/bin/sh" } },
	{ "Xvnc", "tigervnc-standalone-server", { "usr/bin/Xvnc", "usr/bin/Xtigervnc" } },
	{ "xkbcomp", "x11-xkb-utils", { "usr/bin/xkbcomp" } },
	{ "keyboard layouts", "xkb-data", { "usr/share/X11/xkb/rules" } },
	{ "openbox", "openbox", { "usr/bin/openbox" } },
	{ "tint2", "tint2", { "usr/bin/tint2" } },
	{ "dbus-daemon", "dbus-daemon", { "usr/bin/dbus-daemon", "bin/dbus-daemon" } },
	{ "fonts", "fonts-dejavu-core", { "usr/share/fonts" } },
	{ "accounts", "base-passwd", { "etc/passwd" } },
};

bool rootfs_check(int root, struct err *err)
{
	auto_buf struct buf missing = { 0 }, packages = { 0 };
	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		bool there = false;
		for (const char *const *path = needed[i].paths; *path && !there; path++) {
			there = root_has(root, *path);
		}
		if (!there) {
			buf_printf(&missing, "%s%s", missing.len ? ", " : "", needed[i].what);
			buf_printf(&packages, " %s", needed[i].package);
		}
	}
	return !missing.len || err_set(err, ERR_ARGUMENT,
				       "the root file system lacks %s; inside it, run: apt-get "
				       "install --no-install-recommends%s",
				       buf_text(&missing), buf_text(&packages));
}

/* ---- the recipe's files ---- */

struct unpack {
	int root;
	const json_t *users;
};

/* The owner of the home that contains it; 0: none. */
static uid_t owner_of(const json_t *users, const char *path)
{
	size_t i;
	const json_t *user;
	json_array_foreach((json_t *)users, i, user)
	{
		const char *name = json_string_value(user);
		if (strncmp(path, "home/", 5) == 0 && strncmp(path + 5, name, strlen(name)) == 0 &&
			(path[5 + strlen(name)] == '/' || !path[5 + strlen(name)])) {
			return (uid_t)(FIRST_UID + i);
		}
	}
	return 0;
}

static bool put(const struct cpio_entry *entry, int root, struct err *err)
{
	if (S_ISDIR(entry->mode)) {
		return root_mkdir(root, entry->name, err);
	}
	if (S_ISLNK(entry->mode)) {
		auto_free char *target = must(strndup((const char *)entry->bytes, entry->len));
		return root_link(root, entry->name, target, err);
	}
	return root_write(root, entry->name, entry->mode & 07777, entry->bytes, entry->len, err);
}

static bool unpack_one(const struct cpio_entry *entry, void *data, struct err *err)
{
	const struct unpack *unpack = data;
	uid_t owner = owner_of(unpack->users, entry->name);
	return put(entry, unpack->root, err) &&
	       (!owner || root_own(unpack->root, entry->name, owner, err));
}

bool rootfs_unpack(int root, const struct buf *archive, const json_t *users, struct err *err)
{
	struct unpack unpack = { root, users };
	return cpio_each(archive->data, archive->len, unpack_one, &unpack, err) ||
	       err_while(err, "the recipe's files");
}

/* ---- accounts ---- */

static bool add_line(int root, const char *path, const char *name, const char *line, mode_t mode,
	struct err *err)
{
	auto_buf struct buf text = { 0 }, key = { 0 };
	if (root_has(root, path) && !root_read(root, path, TEXT_MAX, &text, err)) {
		return false;
	}
	if (text.len && text.data[text.len - 1] != '\n') {
		buf_append(&text, "\n", 1);
	}
	buf_printf(&key, "\n%s:", name);
	if (strncmp(buf_text(&text), buf_text(&key) + 1, key.len - 1) == 0 ||
		strstr(buf_text(&text), buf_text(&key))) {
		return true; /* exists already */
	}
	buf_printf(&text, "%s:%s\n", name, line);
	return root_write(root, path, mode, text.data, text.len, err);
}

/* Another account with the id would own the desktop's files. */
static bool is_free(int root, const char *name, uid_t uid, struct err *err)
{
	auto_buf struct buf text = { 0 };
	if (!root_read(root, "etc/passwd", TEXT_MAX, &text, err)) {
		return false;
	}
	char *rest = NULL, *line = text.len ? strtok_r((char *)text.data, "\n", &rest) : NULL;
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		char other[64];
		unsigned id;
		if (sscanf(line, "%63[^:]:%*[^:]:%u:", other, &id) == 2 &&
			(id == uid) != (strcmp(other, name) == 0)) {
			return err_set(err, ERR_ARGUMENT,
				"the desktop's user must be '%s' with id %u, but the root file "
				"system has '%s' with id %u: remove that account",
				name, uid, other, id);
		}
	}
	return true;
}

static bool add_user(int root, const char *name, uid_t uid, struct err *err)
{
	char passwd[200], group[64], home[64];
	snprintf(passwd, sizeof(passwd), "x:%u:%u::/home/%s:/bin/%s", uid, uid, name,
		root_has(root, "bin/bash") ? "bash" : "sh");
	snprintf(group, sizeof(group), "x:%u:", uid);
	snprintf(home, sizeof(home), "home/%s", name);
	return is_free(root, name, uid, err) &&
	       add_line(root, "etc/passwd", name, passwd, 0644, err) &&
	       add_line(root, "etc/group", name, group, 0644, err) &&
	       add_line(root, "etc/shadow", name, "!:19000:0:99999:7:::", 0640, err) &&
	       root_mkdir(root, home, err) && root_own(root, home, uid, err);
}

bool rootfs_add_users(int root, const json_t *users, struct err *err)
{
	size_t i;
	const json_t *user;
	json_array_foreach((json_t *)users, i, user)
	{
		if (!add_user(root, json_string_value(user), (uid_t)(FIRST_UID + i), err)) {
			return err_while(err, "the account '%s'", json_string_value(user));
		}
	}
	return true;
}

/* ---- clean-up ---- */

static const char *const emptied[] = { "var/lib/apt/lists", "var/cache/apt", "var/cache/debconf",
	"var/log", "var/cache/ldconfig", "var/tmp", "run", "boot", "usr/share/doc-base" };

static const char *const removed[] = { "etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/auth.conf",
	"var/lib/dpkg/available", "var/lib/dbus/machine-id", "vmlinuz", "vmlinuz.old", "initrd.img",
	"initrd.img.old" };

/* An empty machine id is generated at each start. */
static const struct {
	const char *path, *text;
} written[] = {
	{ "etc/hostname", "desktop\n" },
	{ "etc/hosts", "127.0.0.1 localhost desktop\n::1 localhost desktop\n" },
	{ "etc/machine-id", "" },
	{ "etc/resolv.conf", "" },
};

/* Mount points of a VM: a link there would redirect its start. */
static const struct {
	const char *name;
	mode_t mode;
} mounted[] = {
	{ "run", 0755 },
	{ "proc", 0755 },
	{ "sys", 0755 },
	{ "dev", 0755 },
	{ "tmp", 01777 },
};

bool rootfs_tidy(int root, struct err *err)
{
	for (size_t i = 0; i < sizeof(emptied) / sizeof(*emptied); i++) {
		if (!root_empty(root, emptied[i], err)) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(removed) / sizeof(*removed); i++) {
		root_remove(root, removed[i]);
	}
	for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++) {
		if (!root_write(root, written[i].path, 0644, written[i].text,
			    strlen(written[i].text), err)) {
			return false;
		}
	}
	for (size_t i = 0; i < sizeof(mounted) / sizeof(*mounted); i++) {
		if (!root_real_dir(root, mounted[i].name, mounted[i].mode, err)) {
			return false;
		}
	}
	return root_empty(root, "etc/apt/auth.conf.d", err);
}

/* ---- packages ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(struct buf *text)
{
	size_t n = 0, cap = 64;
	char **lines = must(malloc(cap * sizeof(*lines))), *rest = NULL;
	auto_free char *copy = must(strdup(buf_text(text)));
	for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (n == cap) {
			lines = must(reallocarray(lines, cap *= 2, sizeof(*lines)));
		}
		lines[n++] = line;
	}
	qsort(lines, n, sizeof(*lines), compare);
	buf_consume(text, text->len);
	for (size_t i = 0; i < n; i++) {
		buf_printf(text, "%s\n", lines[i]);
	}
	free(lines);
}

/* dpkg's database: stanzas of "Name: value", separated by empty lines. */
bool rootfs_packages(int root, struct buf *out, struct err *err)
{
	auto_buf struct buf text = { 0 };
	if (!root_has(root, "var/lib/dpkg/status")) {
		return true;
	}
	if (!root_read(root, "var/lib/dpkg/status", STATUS_MAX, &text, err)) {
		return false;
	}
	char name[128] = "", version[128] = "", status[64] = "";
	for (const char *at = buf_text(&text), *end; *at; at = *end ? end + 1 : end) {
		end = at + strcspn(at, "\n");
		sscanf(at, "Package: %127[^\n]", name);
		sscanf(at, "Version: %127[^\n]", version);
		sscanf(at, "Status: %63[^\n]", status);
		if ((end == at || !*end || !end[1]) && name[0]) {
			if (strcmp(status, "install ok installed") == 0) {
				buf_printf(out, "%s %s\n", name, version);
			}
			name[0] = '\0';
		}
	}
	sort_lines(out);
	return true;
}
