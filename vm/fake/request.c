/* A request in flight, from its arrival to its answer, and what the fake agent sends unasked. */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/loop.h"

static void request_free(struct fake_request *req)
{
	TAILQ_REMOVE(&req->fake->requests, req, entry);
	loop_drop(&req->timer);
	if (req->done) {
		req->done(req);
	}
	json_decref(req->json);
	free(req->args);
	free(req);
}

void fake_reply(struct fake_request *req, json_t *result, const void *tail, size_t tail_len)
{
	link_reply(req->fake->link, req->id, result, tail, tail_len);
	request_free(req);
}

void fake_answer(struct fake_request *req, const struct message *message, const void *answer)
{
	fake_reply(req, must(message_encode(&message->answer, answer)), NULL, 0);
}

void fake_fail(struct fake_request *req, const struct err *why)
{
	link_reply_err(req->fake->link, req->id, why);
	request_free(req);
}

int64_t fake_ms(const struct fake_request *req)
{
	return (int64_t)(loop_now_us() - req->start_us) / 1000;
}

void fake_after(struct fake_request *req, int64_t ms, sd_event_time_handler_t fn)
{
	loop_drop(&req->timer);
	req->timer = loop_after_ms(req->fake->event, (uint64_t)ms, fn, req);
}

void fake_forget_requests(struct fake_vm *fake, const struct fake_request *but)
{
	struct fake_request *req = TAILQ_FIRST(&fake->requests);
	while (req) {
		struct fake_request *next = TAILQ_NEXT(req, entry);
		if (req != but) {
			request_free(req);
		}
		req = next;
	}
}

void fake_send_event(struct fake_vm *fake, const struct message *event, const void *said)
{
	link_event(fake->link, event->name, message_encode(&event->request, said));
}
