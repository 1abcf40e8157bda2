// USES vm
/* Agents that never begin a conversation, never let go of it, die in it, or say what they may not:
 * its owner hears of the end, once, and nothing is kept. */

#include "tests/support/liar.h"

#include "vm/guest/conversation.h"

struct viewer {
	bool heard, ended;
	int times;
	struct err err;
};

static void take_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	(void)channel, (void)bytes;
	((struct viewer *)data)->heard = true;
	conversation_consumed(c, len);
}

static void note_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct viewer *viewer = data;
	(void)c, (void)answer;
	viewer->ended = true;
	viewer->times++;
	viewer->err = err ? *err : (struct err){ 0 };
}

static const struct conversation_handlers viewing = { .on_data = take_data, .on_end = note_end };

Test(hostile_conversation, one_that_an_agent_never_begins_ends, .timeout = 60)
{
	struct host host;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lazy, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = 30;
	guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &viewing, &viewer);
	host_until(&host, &viewer.ended);
	cr_expect_eq(viewer.err.kind, ERR_TIMEOUT, "%s", viewer.err.text);
	cr_expect_not_null(strstr(viewer.err.text, "did not begin"), "%s", viewer.err.text);
	vm->core->guest.liveness_ms = 30;
	host_for_ms(&host, 150);
	cr_expect_eq(vm_state(vm), VM_READY, "the request was taken back, and that is all");
	link_free(link);
	host_done(&host);
	cr_expect_eq(viewer.times, 1);
}

/* Whether the viewer still waits for it, or has gone: the request is not kept for ever. */
static void stubborn_about(bool closed)
{
	struct host host;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lazy_and_stubborn, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = vm->core->guest.liveness_ms = 30;
	struct conversation *c =
		guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &viewing, &viewer);
	if (closed) {
		conversation_close(c);
	}
	while (vm_state(vm) == VM_READY) {
		cr_assert_geq(sd_event_run(host.event, UINT64_MAX), 0);
	}
	struct waited waited = host_wait(&host, vm);
	cr_expect_not_null(strstr(waited.err.text, "cancellation"), "%s", waited.err.text);
	link_free(link);
	host_done(&host);
	cr_expect_eq(viewer.times, closed ? 0 : 1);
}

Test(hostile_conversation, an_agent_that_keeps_one_ends, .timeout = 60)
{
	stubborn_about(false);
}

Test(hostile_conversation, an_agent_that_keeps_a_closed_one_ends, .timeout = 60)
{
	stubborn_about(true);
}

/* Says one byte in each conversation, and answers nothing. */
static void one_byte(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	struct err err;
	if (strcmp(op, "rfb") == 0 || strcmp(op, "exec") == 0) {
		cr_assert(link_accept(link, id, &(struct link_talk){ 0 }, NULL, &err));
		link_write(link, id, 0, "R", 1);
	}
	only_pong(link, id, msg, data);
}

static const struct link_handlers says_one = {
	.request = one_byte, .cancel = ignore_cancel, .closed = ignore_closed
};

Test(hostile_conversation, one_that_has_begun_has_no_deadline, .timeout = 60)
{
	struct host host;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &says_one, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = 2000;
	struct conversation *c =
		guest_rfb(vm_guest(vm), &(struct guest_viewer){ 0 }, &viewing, &viewer);
	host_for_ms(&host, 2500);
	cr_expect(viewer.heard);
	cr_expect_eq(viewer.times, 0, "%s", viewer.err.text);
	cr_expect_eq(vm_state(vm), VM_READY);
	conversation_close(c);
	link_free(link);
	host_done(&host);
}

/* One that has heard a byte of it, and then the agent does as `then` says. */
static struct viewer after_one_byte(void (*then)(struct link **link, uint32_t id),
	const struct message *message, const void *args)
{
	struct host host;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &says_one, NULL);
	const struct conversation_how how = { .message = message, .args = args };
	say_ready(link);
	host_wait(&host, vm);
	conversation_open(vm_guest(vm), &how, &viewing, &viewer);
	host_until(&host, &viewer.heard);
	then(&link, 1);
	host_until(&host, &viewer.ended);
	host_for_ms(&host, 20);
	link_free(link);
	host_done(&host);
	cr_expect_eq(viewer.times, 1);
	return viewer;
}

static void die(struct link **link, uint32_t id)
{
	(void)id;
	link_free(*link);
	*link = NULL;
}

Test(hostile_conversation, an_agent_that_dies_in_it, .timeout = 60)
{
	struct viewer viewer = after_one_byte(die, &message_rfb, &(struct msg_rfb){ 0 });
	cr_expect_eq(viewer.err.kind, ERR_GONE, "%s", viewer.err.text);
	cr_expect_not_null(strstr(viewer.err.text, "was lost"), "%s", viewer.err.text);
}

static void say_on_channel_7(struct link **link, uint32_t id)
{
	link_write(*link, id, 7, "x", 1);
}

static void say_nonsense(struct link **link, uint32_t id)
{
	cr_assert(link_send_message(
		*link, id, json_pack("{s:s, s:{}}", "message", "dance", "args"), NULL, 0));
}

static void say_a_bad_pid(struct link **link, uint32_t id)
{
	cr_assert(link_send_message(*link, id,
		json_pack("{s:s, s:{s:i}}", "message", "started", "args", "pid", -1), NULL, 0));
}

static void answer_nonsense(struct link **link, uint32_t id)
{
	link_reply(*link, id, json_pack("{s:i}", "surprise", 1), NULL, 0);
}

Test(hostile_conversation, an_agent_that_says_what_it_may_not, .timeout = 60)
{
	static const struct {
		void (*say)(struct link **link, uint32_t id);
		const char *words;
	} all[] = { { say_on_channel_7, "channel 7" }, { say_nonsense, "'dance'" },
		{ say_a_bad_pid, "'pid'" }, { answer_nonsense, "'surprise'" } };
	const struct msg_exec exec = { .command = "x", .timeout_ms = 1000 };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct viewer viewer = after_one_byte(all[i].say, &message_exec, &exec);
		cr_expect_eq(viewer.err.kind, ERR_GONE, "%s", viewer.err.text);
		cr_expect_not_null(strstr(viewer.err.text, "agent sent"), "%s", viewer.err.text);
		cr_expect_not_null(strstr(viewer.err.text, all[i].words), "%s", viewer.err.text);
	}
}
