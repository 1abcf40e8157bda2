// USES vm
/* Connections to a sandbox's VNC server, through a real one.  Skipped, saying why, where the
 * namespace backend does not work. */
#include "tests/support/vm_host.h"

#include "tests/support/rfb.h"

static struct host host;
static struct vm *vm;
static char agent_path[4096], why_not[500];

static void on_probe(const char *backend, const struct err *err, const char *detail, void *data)
{
	(void)detail;
	if (strcmp(backend, "namespace") == 0) {
		*(bool *)data = !err;
		snprintf(why_not, sizeof(why_not), "%s", err ? err->text : "");
	}
}

static void begin(void)
{
	const char *build = getenv("VITRINE_BUILD");
	snprintf(agent_path, sizeof(agent_path), "%s/vitrine-agent", build ? build : "build-debug");
	struct vm_config config = { .backend = "namespace", .agent = agent_path };
	bool works = false;
	vm_probe(&config, vm_backends, on_probe, &works);
	if (!works) {
		fprintf(stderr, "skipped: %s\n", why_not);
		cr_skip_test("%s", why_not);
	}
	host_init(&host, config);
}

struct seer {
	struct guest_pipe *pipe;
	struct rfb_seen seen;
	bool greeted, ended;
	int times;
	struct err err;
};

static void on_data(struct guest_pipe *pipe, const void *bytes, size_t len, void *data)
{
	struct seer *s = data;
	rfb_take(&s->seen, bytes, len);
	guest_pipe_consumed(pipe, len);
	s->greeted = s->seen.stage == 4;
}

static void on_writable(struct guest_pipe *pipe, void *data)
{
	(void)pipe;
	(void)data;
}

static void on_ended(struct guest_pipe *pipe, const struct err *err, void *data)
{
	struct seer *s = data;
	cr_assert_eq(pipe, s->pipe);
	s->pipe = NULL;
	s->ended = true;
	s->times++;
	s->err = err ? *err : (struct err){ 0 };
}

static const struct guest_pipe_handlers pipe_handlers = { on_data, on_writable, on_ended };

static void look(struct seer *s)
{
	struct buf hello = { 0 };
	*s = (struct seer){ 0 };
	s->pipe = guest_rfb(vm_guest(vm), 0, &pipe_handlers, s);
	cr_assert_not(s->ended);
	rfb_say_hello(&hello);
	cr_assert_eq(guest_pipe_write(s->pipe, hello.data, hello.len), hello.len);
	buf_done(&hello);
	host_until(&host, &s->greeted);
	cr_expect_eq(s->seen.width, 1280);
}

static void say_nonsense(struct seer *s)
{
	cr_assert_eq(guest_pipe_write(s->pipe, "M", 1), 1);
}

static void done(struct seer *s)
{
	guest_pipe_close(s->pipe);
	buf_done(&s->seen.in);
}

Test(pipe, a_sandbox_is_seen_and_its_end_too, .timeout = 120)
{
	static struct seer early, first, second, third, late;
	struct err err;
	begin();
	vm = vm_create(host.pool, "alice", NULL, &err);
	cr_assert(vm, "%s", err.text);
	early.pipe = guest_rfb(vm_guest(vm), 0, &pipe_handlers, &early);
	cr_expect_eq(guest_pipe_write(early.pipe, "x", 1), 0);
	host_until(&host, &early.ended);
	cr_expect_eq(early.err.kind, ERR_STATE, "%s", early.err.text);
	host_wait(&host, vm);
	look(&first);
	look(&second);
	look(&third);
	say_nonsense(&first);
	host_until(&host, &first.ended);
	cr_expect_eq(first.err.kind, ERR_NONE);
	guest_pipe_close(second.pipe);
	second.pipe = NULL;
	vm_stop(vm, "the test says so");
	host_until(&host, &third.ended);
	cr_expect_eq(third.err.kind, ERR_GONE, "%s", third.err.text);
	late.pipe = guest_rfb(vm_guest(vm), 0, &pipe_handlers, &late);
	host_until(&host, &late.ended);
	cr_expect_eq(late.err.kind, ERR_GONE, "%s", late.err.text);
	cr_expect_eq(early.times + first.times + second.times + third.times + late.times, 4);
	done(&first);
	done(&second);
	done(&third);
	host_done(&host);
}

Test(pipe, the_pools_end_ends_them, .timeout = 120)
{
	static struct seer open, closed, refused;
	struct err err;
	begin();
	vm = vm_create(host.pool, "alice", NULL, &err);
	host_wait(&host, vm);
	look(&open);
	look(&closed);
	guest_pipe_close(closed.pipe);
	closed.pipe = NULL;
	vm_stop(vm, "the test says so");
	refused.pipe = guest_rfb(vm_guest(vm), 0, &pipe_handlers, &refused);
	guest_pipe_close(refused.pipe);
	refused.pipe = NULL;
	host_done(&host);
	cr_expect(open.ended);
	cr_expect_eq(closed.times + refused.times, 0);
	done(&open);
	done(&closed);
}
