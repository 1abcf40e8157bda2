#include "vm/agent/main/as_user.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/agent/core/request.h"
#include "vm/agent/files/job.h"
#include "vm/agent/main/forward.h"
#include "vm/agent/main/ops.h"
#include "vm/agent/process/other_user.h"
#include "vm/agent/process/task.h"

#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define IDLE_MS 60000
#define CMDLINE_MAX 8192
#define ARGS_MAX 64

/* ---- the agent's side ---- */

struct helper {
	LIST_ENTRY(helper) entry;
	struct agent *agent;
	char *user;
	bool privileged;
	struct link *link;
	unsigned requests;
	sd_event_source *idle;
};

static void helper_free(struct helper *h)
{
	LIST_REMOVE(h, entry);
	link_free(h->link); /* answers what is open */
	loop_drop(&h->idle);
	free(h->user);
	free(h);
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	struct helper *h = data;
	(void)link;
	log_info("the helper of the user %s has ended: %s", h->user, why->text);
	helper_free(h);
}

static int on_idle(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	helper_free(data);
	return 0;
}

static void on_answered(void *data)
{
	struct helper *h = data;
	if (--h->requests == 0) {
		loop_drop(&h->idle);
		h->idle = loop_after_ms(h->agent->event, IDLE_MS, on_idle, h);
	}
}

/* Our own command line, which may start with a loader; the last of several equal options counts. */
static bool describe_helper(
	struct buf *own, const char *owner, const char *argv[ARGS_MAX + 6], struct err *err)
{
	size_t n = 0;
	if (!file_read_path("/proc/self/cmdline", CMDLINE_MAX, NULL, own, err)) {
		return false;
	}
	const char *at = buf_text(own), *end = at + own->len;
	for (; at < end && n < ARGS_MAX; at += strlen(at) + 1) {
		argv[n++] = at;
	}
	argv[n++] = "--helper";
	argv[n++] = "--link-fd";
	argv[n++] = "0";
	if (owner) {
		argv[n++] = "--owner";
		argv[n++] = owner;
	}
	argv[n] = NULL;
	return true;
}

static bool run_helper(
	struct agent *agent, const char *user, const char *owner, int its, struct err *err)
{
	char runtime[200]; /* attributes of files are there */
	const char *dir = getenv("XDG_RUNTIME_DIR");
	snprintf(runtime, sizeof(runtime), "XDG_RUNTIME_DIR=%s", dir ? dir : "");
	const char *argv[ARGS_MAX + 6], *const more[] = { runtime, NULL };
	auto_buf struct buf own = { 0 };
	struct task task;
	if (!describe_helper(&own, owner, argv, err)) {
		return false;
	}
	auto_free const char **wrapped = other_user_arguments(user, NULL, argv, more);
	if (!task_start(
		    &(struct task_how){
			    .argv = wrapped, .in = its, .out = -1, .err = STDERR_FILENO },
		    &task, err)) {
		return false;
	}
	task_reap(&task, agent->event);
	return true;
}

static struct helper *helper_new(
	struct agent *agent, const char *user, bool privileged, struct err *err)
{
	static const struct link_handlers handlers = { .closed = on_closed };
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		err_errno(err, "cannot create a socket");
		return NULL;
	}
	auto_close int ours = ends[0], its = ends[1];
	if (!run_helper(agent, user, privileged ? getenv("USER") : NULL, its, err)) {
		return NULL;
	}
	struct helper *h = must(calloc(1, sizeof(*h)));
	h->agent = agent;
	h->user = must(strdup(user));
	h->privileged = privileged;
	h->link = link_new(agent->event, take_fd(&ours), &handlers, h);
	LIST_INSERT_HEAD(&agent->helpers, h, entry);
	return h;
}

static struct helper *find(struct agent *agent, const char *user, bool privileged)
{
	struct helper *h = LIST_FIRST(&agent->helpers);
	while (h && (strcmp(h->user, user) != 0 || h->privileged != privileged)) {
		h = LIST_NEXT(h, entry);
	}
	return h;
}

static void forward_to(struct agent *agent, const char *user, bool privileged, struct request *req)
{
	struct err err;
	struct helper *h = find(agent, user, privileged);
	h = h ? h : helper_new(agent, user, privileged, &err);
	if (h) {
		h->requests++;
		loop_drop(&h->idle);
		forward_request(req, h->link, on_answered, h);
	} else {
		request_fail(req, &err);
	}
}

bool as_user(struct request *req)
{
	struct agent *agent = request_agent(req);
	const char *user = json_string_value(json_object_get(request_json(req), "user"));
	bool privileged = json_is_true(json_object_get(request_json(req), "privileged"));
	struct err err;
	bool other = false;
	if (user && !other_user_check(user, &other, &err)) {
		request_fail(req, &err);
		return true;
	}
	if (other) {
		forward_to(agent, user, false, req);
		return true;
	}
	if (!privileged || !other_user_check("root", &other, &err) || !other) {
		return false;
	}
	forward_to(agent, "root", true, req);
	return true;
}

void as_user_done(struct agent *agent)
{
	while (!LIST_EMPTY(&agent->helpers)) {
		helper_free(LIST_FIRST(&agent->helpers));
	}
}

/* ---- the helper's side ---- */

static void on_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *name =
		json_string_value(json_object_get(msg->json, "op")); /* link.c checks it */
	struct err err;
	const struct op *op = ops_find(name, &err);
	if (op && op->has_user) {
		request_run(data, id, msg, op);
		return;
	}
	if (op) {
		err_set(&err, ERR_UNSUPPORTED, "the operation '%.40s' has no user", name);
	}
	link_reply_err(link, id, &err);
}

static void on_cancel(struct link *link, uint32_t id, void *data)
{
	(void)link;
	request_cancel(data, id);
}

static void on_agent_gone(struct link *link, const struct err *why, void *data)
{
	struct agent *agent = data;
	(void)link;
	log_info("the agent has disconnected: %s", why->text);
	request_forget_all(agent);
	sd_event_exit(agent->event, 0);
}

/* Files are made as this user: that takes root's rights on files away, which are then taken back. */
static bool make_files_of(const char *owner, struct err *err)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2];
	const struct passwd *user = getpwnam(owner);
	if (!user) {
		return err_set(err, ERR_NOT_FOUND, "there is no user '%.32s'", owner);
	}
	setenv("HOME", user->pw_dir, 1);
	setfsgid(user->pw_gid);
	setfsuid(user->pw_uid);
	if (syscall(SYS_capget, &head, caps) < 0) {
		return err_errno(err, "cannot read the capabilities");
	}
	for (int i = 0; i < 2; i++) {
		caps[i].effective = caps[i].permitted;
	}
	return syscall(SYS_capset, &head, caps) == 0 ||
	       err_errno(err, "cannot raise the capabilities");
}

int as_user_serve(const struct options *options)
{
	static const struct link_handlers handlers = {
		.request = on_request, .cancel = on_cancel, .closed = on_agent_gone
	};
	struct err err;
	auto_event sd_event *event = loop_new(&err);
	if (!event || (options->owner && !make_files_of(options->owner, &err))) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	struct agent agent = { .event = event };
	agent.link = link_new(event, (int)options->link_fd, &handlers, &agent);
	int status = sd_event_loop(event);
	request_cancel_all(&agent);
	file_jobs_wait();
	request_free_all(&agent);
	link_free(agent.link);
	return status < 0 ? EXIT_FAILURE : status;
}
