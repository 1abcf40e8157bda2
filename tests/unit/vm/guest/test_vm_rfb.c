// USES vm
/* Conversations with a sandbox's VNC server, through a real one.  Skipped, saying why, where the
 * namespace backend does not work. */
#include "tests/support/vm_host.h"

#include "tests/support/rfb.h"
#include "vm/guest/conversation.h"

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
	struct conversation *c;
	struct rfb_seen seen;
	bool greeted, ended;
	int times;
	struct err err;
};

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct seer *s = data;
	cr_assert_eq(channel, 0);
	rfb_take(&s->seen, bytes, len);
	conversation_consumed(c, len);
	s->greeted = s->seen.stage == 4;
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct seer *s = data;
	cr_assert_eq(c, s->c);
	cr_assert_eq(!answer, !!err);
	s->c = NULL;
	s->ended = true;
	s->times++;
	s->err = err ? *err : (struct err){ 0 };
}

static const struct conversation_handlers handlers = { .on_data = on_data, .on_end = on_end };

static void look(struct seer *s)
{
	struct buf hello = { 0 };
	*s = (struct seer){ 0 };
	s->c = guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &handlers, s);
	cr_assert_not(s->ended);
	rfb_say_hello(&hello);
	cr_assert_eq(conversation_write(s->c, 0, hello.data, hello.len), hello.len);
	buf_done(&hello);
	host_until(&host, &s->greeted);
	cr_expect_eq(s->seen.width, 1280);
}

static void say_nonsense(struct seer *s)
{
	cr_assert_eq(conversation_write(s->c, 0, "M", 1), 1);
}

static void done(struct seer *s)
{
	conversation_close(s->c);
	buf_done(&s->seen.in);
}

Test(rfb, a_sandbox_is_seen_and_its_end_too, .timeout = 120)
{
	static struct seer early, first, second, third, late;
	struct err err;
	begin();
	vm = vm_create(host.pool, "alice", NULL, &err);
	cr_assert(vm, "%s", err.text);
	early.c = guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &handlers, &early);
	cr_expect_eq(conversation_write(early.c, 0, "x", 1), 0);
	host_until(&host, &early.ended);
	cr_expect_eq(early.err.kind, ERR_STATE, "%s", early.err.text);
	host_wait(&host, vm);
	look(&first);
	look(&second);
	look(&third);
	say_nonsense(&first);
	host_until(&host, &first.ended);
	cr_expect_eq(first.err.kind, ERR_ARGUMENT, "%s", first.err.text);
	conversation_close(second.c);
	second.c = NULL;
	vm_stop(vm, "the test says so");
	host_until(&host, &third.ended);
	cr_expect_eq(third.err.kind, ERR_GONE, "%s", third.err.text);
	late.c = guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &handlers, &late);
	host_until(&host, &late.ended);
	cr_expect_eq(late.err.kind, ERR_GONE, "%s", late.err.text);
	cr_expect_eq(early.times + first.times + second.times + third.times + late.times, 4);
	done(&first);
	done(&second);
	done(&third);
	host_done(&host);
}

Test(rfb, the_pools_end_ends_them, .timeout = 120)
{
	static struct seer open, closed, refused;
	struct err err;
	begin();
	vm = vm_create(host.pool, "alice", NULL, &err);
	host_wait(&host, vm);
	look(&open);
	look(&closed);
	conversation_close(closed.c);
	closed.c = NULL;
	vm_stop(vm, "the test says so");
	refused.c = guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &handlers, &refused);
	conversation_close(refused.c);
	refused.c = NULL;
	host_done(&host);
	cr_expect(open.ended);
	cr_expect_eq(closed.times + refused.times, 0);
	done(&open);
	done(&closed);
}
