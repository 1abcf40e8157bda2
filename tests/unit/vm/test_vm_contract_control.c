// USES vm
/* Control of viewers, on each backend: without it a press is refused and told, with it keys arrive, and
 * nothing is executed of what is sent after it was taken away. */
#include "tests/support/contract.h"

#include "base/bytes.h"
#include "vm/guest/conversation.h"

#define GREETING (12 + 2 + 4 + 24) /* bytes of the server, without its name */

struct viewer {
	struct conversation *c;
	size_t got, before;
	bool greeted, used, refused, answered;
};

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct viewer *v = data;
	(void)bytes;
	cr_assert_eq(channel, 0);
	v->got += len;
	v->greeted = v->got > GREETING;
	v->answered = v->got > v->before;
	conversation_consumed(c, len);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct viewer *v = data;
	bool refused = ((const struct msg_used *)args)->refused;
	cr_assert_eq(message, &message_used);
	v->refused |= refused;
	v->used |= !refused;
	conversation_consumed(c, cost);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	(void)c, (void)answer, (void)data;
	cr_assert_fail("%s", err ? err->text : "closed");
}

static void say(struct viewer *v, const void *bytes, size_t len)
{
	cr_assert_eq(conversation_write(v->c, 0, bytes, len), len);
}

static void look(struct bench *b, struct viewer *v)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data, .on_message = on_message, .on_end = on_end
	};
	*v = (struct viewer){ .before = SIZE_MAX };
	v->c = guest_rfb(vm_guest(b->vm), &(struct guest_viewer){ 0 }, &handlers, v);
	say(v, "RFB 003.008\n\1\1", 14);
	host_until(&b->host, &v->greeted);
}

static void press(struct viewer *v, const char *keys)
{
	for (; *keys; keys++) {
		uint8_t key[16] = { 4, 1, [8] = 4 };
		bytes_put_u32(key + 4, (uint32_t)*keys);
		bytes_put_u32(key + 12, (uint32_t)*keys);
		say(v, key, sizeof(key));
	}
}

/* What it said before has been done when its request is answered. */
static void settle(struct bench *b, struct viewer *v)
{
	v->before = v->got;
	say(v, "\3\0\0\0\0\0\0\1\0\1", 10);
	host_until(&b->host, &v->answered);
}

/* NULL: of none.  Not waited for. */
static struct answer *give(struct bench *b, const struct viewer *v)
{
	struct answer *a = answer_new();
	guest_control(vm_guest(b->vm), v ? v->c : NULL, on_json, a);
	return a;
}

static void until_given(struct bench *b, struct answer *a)
{
	host_until(&b->host, &a->done);
	cr_expect_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	answer_free(a);
}

static void open_terminal(struct bench *b)
{
	struct answer *a = answer_new();
	guest_launch(vm_guest(b->vm), b->dialect->terminal, NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	answer_free(a);
}

static void type(struct bench *b, const char *text)
{
	struct observe observe;
	struct action action = typing(text);
	struct answer *a = answer_new();
	observe_init(&observe, OBSERVE_NONE);
	guest_act(vm_guest(b->vm), &action, 1, &observe, on_act, a);
	host_until(&b->host, &a->done);
	cr_assert_eq(a->act.done, 1, "%s%s", a->err.text, a->act.failed.text);
	answer_free(a);
}

static void expect_typed(struct bench *b, const char *text)
{
	struct answer *a = host_exec(&b->host, b->vm, b->dialect->read_back, 60000);
	cr_expect_str_eq(a->out, text);
	answer_free(a);
}

/* The text of `typed` in two parts, of a viewer and of the agent; the other viewer, and the one that has
 * lost control, type in vain. */
static void only_the_holder_types(struct bench *b)
{
	static struct viewer first, second;
	const char *typed = b->dialect->typed;
	char part[32];
	snprintf(part, sizeof(part), "%.*s", (int)strcspn(typed, "\xc3"), typed);
	open_terminal(b);
	look(b, &first);
	look(b, &second);
	press(&second, "no");
	host_until(&b->host, &second.refused);
	until_given(b, give(b, &first));
	press(&second, "no");
	press(&first, part);
	host_until(&b->host, &first.used);
	settle(b, &first);
	struct answer *taken = give(b, NULL);
	press(&first, "late");
	type(b, typed + strlen(part));
	until_given(b, taken);
	expect_typed(b, b->dialect->read);
	cr_expect(!second.used);
	conversation_close(first.c);
	conversation_close(second.c);
}

static void control_ends_with_the_viewer(struct bench *b)
{
	static struct viewer gone, other;
	look(b, &gone);
	look(b, &other);
	until_given(b, give(b, &gone));
	conversation_close(gone.c);
	struct answer *ping = answer_new();
	guest_ping(vm_guest(b->vm), on_json, ping);
	host_until(&b->host, &ping->done);
	answer_free(ping);
	press(&other, "x");
	host_until(&b->host, &other.refused);
	until_given(b, give(b, &other));
	conversation_close(other.c);
}

static const struct contract cases[] = {
	CASE(control_ends_with_the_viewer),
	CASE_ALONE(only_the_holder_types),
};

CONTRACT(control, cases)
