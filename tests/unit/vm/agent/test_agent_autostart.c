// USES agent
/* What an image may say of its desktop: programs that start by themselves, and its panel. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/process/environment.h"
#include "vm/agent/session/autostart.h"
#include "vm/agent/session/services.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

struct place {
	char dir[32], file[64];
	sd_event *event;
};

static void begin(struct place *p, const char *text)
{
	struct err err;
	snprintf(p->dir, sizeof(p->dir), "/tmp/vitrine-start-XXXXXX");
	cr_assert(mkdtemp(p->dir));
	snprintf(p->file, sizeof(p->file), "%s/list", p->dir);
	auto_close int fd = open(p->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	setenv("HOME", p->dir, 1);
	setenv("XDG_RUNTIME_DIR", p->dir, 1);
	cr_assert((p->event = loop_new(&err)));
	cr_assert(environment_init(&err), "%s", err.text);
}

static void end(struct place *p)
{
	char path[128];
	for (const char *const *name = (const char *[]){ "one", "two", "list", NULL }; *name;
		name++) {
		snprintf(path, sizeof(path), "%s/%s", p->dir, *name);
		unlink(path);
	}
	cr_expect_eq(rmdir(p->dir), 0);
	sd_event_unref(p->event);
}

static bool has(const struct place *p, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return access(path, F_OK) == 0;
}

Test(autostart, runs_each_line)
{
	struct place p;
	begin(&p, "echo said; : > one\n\nexit 3\n: > two");
	autostart_run(p.event, p.file);
	for (int i = 0; i < 3000 && !(has(&p, "one") && has(&p, "two")); i++) {
		sd_event_run(p.event, 10000);
	}
	cr_expect(has(&p, "one"));
	cr_expect(has(&p, "two"));
	for (int i = 0;
		i < 3000 && waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) == 0;
		i++) {
		sd_event_run(p.event, 10000);
	}
	cr_expect_lt(waitpid(-1, NULL, WNOHANG), 0, "a command was not reaped");
	end(&p);
}

Test(autostart, needs_no_file)
{
	struct place p;
	begin(&p, "");
	autostart_run(p.event, p.file);
	autostart_run(p.event, "/nonexistent/list");
	end(&p);
}

static const char *panel_of(struct place *p, const char *file, char *ret, size_t size)
{
	struct session_paths paths;
	const char *argv[SERVICE_ARGS];
	size_t len = 0;
	(void)p;
	session_paths_init(&paths, (struct size){ 800, 600 }, 100, file);
	service_argv(&services[SERVICE_PANEL], &paths, argv);
	for (size_t i = 0; argv[i]; i++) {
		len += (size_t)snprintf(ret + len, size - len, "%s%s", i ? " " : "", argv[i]);
	}
	return ret;
}

Test(panel, is_what_the_image_says)
{
	struct place p;
	char text[512], other[64];
	begin(&p, "xfce4-panel  --disable-wm-check\nignored\n");
	cr_expect_str_eq(
		panel_of(&p, p.file, text, sizeof(text)), "xfce4-panel --disable-wm-check");
	snprintf(other, sizeof(other), "%s/none", p.dir);
	cr_expect_eq(
		strncmp(panel_of(&p, other, text, sizeof(text)), "tint2 -c /", 10), 0, "%s", text);
	end(&p);
}
