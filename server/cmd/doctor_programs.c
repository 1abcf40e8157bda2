/* vitrine doctor: the programs and fonts of desktops, and what programs print. */
#include "server/cmd/doctor_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "base/spawn.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* ---- programs' output ---- */

#define ASK_MS 10000    /* the first fc-list on a machine builds its cache */
#define ANSWER_MAX 8192 /* in bytes */

static void read_answer(int fd, struct buf *out)
{
	uint64_t end = loop_now_us() + ASK_MS * 1000;
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	while (out->len < ANSWER_MAX) {
		uint64_t now = loop_now_us();
		if (now >= end || poll(&ready, 1, (int)((end - now) / 1000) + 1) <= 0) {
			return;
		}
		buf_reserve(out, ANSWER_MAX);
		ssize_t n = read(fd, out->data + out->len, ANSWER_MAX - out->len);
		if (n <= 0) {
			return;
		}
		out->len += (size_t)n;
		out->data[out->len] = '\0';
	}
}

bool doctor_ask(const char *const *argv, int binary, struct buf *out)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0) {
		return false;
	}
	auto_close int from = ends[0];
	struct spawn_fd fds[] = { { ends[1], 1 }, { ends[1], 2 }, { binary, 3 } };
	struct err err;
	pid_t pid = spawn_start(&(struct spawn){ .argv = argv,
					.fds = fds,
					.n_fds = binary < 0 ? 2 : 3,
					.die_with_us = true },
		&err);
	close(ends[1]);
	if (pid < 0) {
		return false;
	}
	read_answer(from, out);
	kill(pid, SIGKILL); /* it has closed its output, or takes too long */
	waitpid(pid, NULL, 0);
	return true;
}

char *doctor_line_with(char *text, const char *word)
{
	char *rest = NULL;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (strcasestr(line, word)) {
			return line;
		}
	}
	return text + strlen(text);
}

/* ---- programs ---- */

struct program {
	const char *name, *option; /* option: prints the version */
	const char *word;          /* marks the line with the version */
	const char *package, *why;
	enum status without;
};

static const struct program programs[] = {
	{ "bwrap", "--version", "bubblewrap", "bubblewrap", "sandbox isolation", STATUS_MISSING },
	{ "Xvnc", "-version", "Xvnc", "tigervnc-standalone-server", "X server", STATUS_MISSING },
	{ "xkbcomp", "-version", "xkbcomp", "x11-xkb-utils", "keyboard layouts of Xvnc",
		STATUS_MISSING },
	{ "openbox", "--version", "openbox", "openbox", "window manager", STATUS_MISSING },
	{ "dbus-daemon", "--version", "daemon", "dbus-daemon", "D-Bus session bus",
		STATUS_WARNING },
	{ "tint2", "--version", "tint2 version", "tint2", "panel", STATUS_WARNING },
	{ "mousepad", "--version", "mousepad", "mousepad", "text editor", STATUS_WARNING },
	{ "xterm", "-version", "xterm", "xterm", "terminal", STATUS_WARNING },
	{ "pulseaudio", "--version", "pulseaudio", "pulseaudio", "sound of desktops",
		STATUS_WARNING },
	{ "tesseract", "--version", "tesseract", "tesseract-ocr", "reads text on the screen",
		STATUS_WARNING },
	{ "qemu-system-x86_64", "--version", "version", "qemu-system-x86", "runs microVMs",
		STATUS_WARNING },
	{ "mmdebstrap", "--version", "mmdebstrap", "mmdebstrap", "builds images of microVMs",
		STATUS_WARNING },
	{ "mkfs.erofs", "/", "mkfs.erofs 1", "erofs-utils", "builds images of microVMs",
		STATUS_WARNING },
};
#define N_PROGRAMS (sizeof(programs) / sizeof(*programs))

/* Some programs write to the user's home even for this. */
static bool ask_without_home(const char *const *argv, struct buf *out)
{
	const char *set = getenv("HOME");
	auto_free char *home = set ? must(strdup(set)) : NULL;
	setenv("HOME", "/nonexistent", 1);
	bool answered = doctor_ask(argv, -1, out);
	home ? setenv("HOME", home, 1) : unsetenv("HOME");
	return answered;
}

static void check_program(struct report *report, const struct program *program)
{
	auto_buf struct buf answer = { 0 };
	const char *argv[] = { program->name, program->option, NULL };
	if (ask_without_home(argv, &answer)) {
		buf_append(&answer, "", 1);
		const char *line = doctor_line_with((char *)answer.data, program->word);
		doctor_add(report, "programs", program->name, STATUS_OK,
			*line ? line : "installed, version unknown", NULL); /* such as Xvnc 1.15 */
		return;
	}
	char fix[100];
	snprintf(fix, sizeof(fix), "apt-get install %s", program->package);
	doctor_add(report, "programs", program->name, program->without, program->why, fix);
}

/* ---- fonts ---- */

struct script {
	const char *name, *pattern; /* a pattern of fc-list */
	const char *package;
};

static const struct script scripts[] = {
	{ "Latin", ":charset=41 e9 151", "fonts-dejavu-core" },
	{ "Greek, Cyrillic", ":charset=3b1 436", "fonts-dejavu-core" },
	{ "Chinese", ":charset=4e2d 6587", "fonts-wqy-zenhei" },
	{ "Japanese", ":charset=3042 30ab", "fonts-wqy-zenhei" },
	{ "Korean", ":charset=ac00 d55c", "fonts-wqy-zenhei" },
	{ "emoji", ":lang=und-zsye", "fonts-noto-color-emoji" },
};
#define N_SCRIPTS (sizeof(scripts) / sizeof(*scripts))

/* fc-list reports whether any font has the characters, fc-match which font is selected. */
static void check_script(struct report *report, const struct script *script)
{
	auto_buf struct buf any = { 0 }, best = { 0 };
	const char *list[] = { "fc-list", script->pattern, "family", NULL };
	const char *match[] = { "fc-match", "-f", "%{family[0]}\n", script->pattern, NULL };
	if (!doctor_ask(list, -1, &any)) {
		doctor_add(report, "fonts", script->name, STATUS_WARNING,
			"fc-list is not installed", "apt-get install fontconfig");
	} else if (any.len == 0 || !doctor_ask(match, -1, &best)) {
		char fix[100];
		snprintf(fix, sizeof(fix), "apt-get install %s", script->package);
		doctor_add(report, "fonts", script->name, STATUS_WARNING,
			"no font has these characters; they are drawn as boxes", fix);
	} else {
		buf_append(&best, "", 1);
		doctor_add(report, "fonts", script->name, STATUS_OK,
			doctor_line_with((char *)best.data, ""), NULL);
	}
}

void doctor_check_programs(struct report *report)
{
	for (size_t i = 0; i < N_PROGRAMS; i++) {
		check_program(report, &programs[i]);
	}
	for (size_t i = 0; i < N_SCRIPTS; i++) {
		check_script(report, &scripts[i]);
	}
}
