// USES vm
/* Agents that never open a viewer's connection, or never let go of it: the viewer hears of it, and
 * nothing is kept. */

#include "tests/support/liar.h"

struct viewer {
	bool heard, ended;
	int times;
	struct err err;
};

static void take_data(struct guest_pipe *pipe, const void *bytes, size_t len, void *data)
{
	(void)bytes;
	((struct viewer *)data)->heard = true;
	guest_pipe_consumed(pipe, len);
}

static void ignore_writable(struct guest_pipe *pipe, void *data)
{
	(void)pipe, (void)data;
}

static void note_end(struct guest_pipe *pipe, const struct err *err, void *data)
{
	struct viewer *viewer = data;
	(void)pipe;
	viewer->ended = true;
	viewer->times++;
	viewer->err = err ? *err : (struct err){ 0 };
}

static const struct guest_pipe_handlers viewing = { take_data, ignore_writable, note_end };

Test(hostile_pipe, a_connection_that_an_agent_never_opens_ends, .timeout = 60)
{
	struct host host;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lazy, NULL);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = 30;
	guest_rfb(vm_guest(vm), 0, &viewing, &viewer);
	host_until(&host, &viewer.ended);
	cr_expect_eq(viewer.err.kind, ERR_TIMEOUT, "%s", viewer.err.text);
	cr_expect_not_null(strstr(viewer.err.text, "did not open"), "%s", viewer.err.text);
	vm->core->guest.guard_ms = 30;
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
	vm->core->guest.grace_ms = vm->core->guest.guard_ms = 30;
	struct guest_pipe *pipe = guest_rfb(vm_guest(vm), 0, &viewing, &viewer);
	if (closed) {
		guest_pipe_close(pipe);
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

Test(hostile_pipe, an_agent_that_keeps_a_connection_ends, .timeout = 60)
{
	stubborn_about(false);
}

Test(hostile_pipe, an_agent_that_keeps_a_closed_connection_ends, .timeout = 60)
{
	stubborn_about(true);
}

/* Says one byte, so the connection is open, and answers nothing. */
static void one_byte(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	struct link_stream **stream = data;
	static const struct link_stream_handlers nothing = { 0 };
	struct err err;
	json_int_t number =
		json_integer_value(json_object_get(json_object_get(msg->json, "args"), "stream"));
	if (number) {
		*stream = link_stream_accept(link, (uint32_t)number, &nothing, NULL, &err);
		link_stream_write(*stream, "R", 1);
	}
	only_pong(link, id, msg, NULL);
}

Test(hostile_pipe, an_open_connection_has_no_deadline, .timeout = 60)
{
	static const struct link_handlers says_one = {
		.request = one_byte, .cancel = ignore_cancel, .closed = ignore_closed
	};
	struct host host;
	struct link_stream *stream = NULL;
	struct viewer viewer = { 0 };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &says_one, &stream);
	say_ready(link);
	host_wait(&host, vm);
	vm->core->guest.grace_ms = 2000;
	struct guest_pipe *pipe = guest_rfb(vm_guest(vm), 0, &viewing, &viewer);
	host_for_ms(&host, 2500);
	cr_expect(viewer.heard);
	cr_expect_eq(viewer.times, 0, "%s", viewer.err.text);
	cr_expect_eq(vm_state(vm), VM_READY);
	guest_pipe_close(pipe);
	link_free(link);
	host_done(&host);
}
