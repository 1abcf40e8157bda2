#include "tests/support/vm_host.h"

void host_init(struct host *host, struct vm_config config)
{
	struct err err;
	*host = (struct host){ .config = config };
	host->event = loop_new(&err);
	cr_assert_not_null(host->event, "%s", err.text);
	host->pool = vm_pool_new(host->event, &host->config, vm_backends);
}

void host_done(struct host *host)
{
	vm_pool_free(host->pool);
	sd_event_unref(host->event);
}

void host_until(struct host *host, const bool *done)
{
	while (!*done) {
		cr_assert_geq(sd_event_run(host->event, UINT64_MAX), 0);
	}
}

static int host_set_flag(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	*(bool *)data = true;
	return 0;
}

void host_for_ms(struct host *host, uint64_t ms)
{
	bool over = false;
	sd_event_source *timer = loop_after_ms(host->event, ms, host_set_flag, &over);
	host_until(host, &over);
	loop_drop(&timer);
}

static int answers_in_order;

struct answer *answer_new(void)
{
	return calloc(1, sizeof(struct answer));
}

void answer_free(struct answer *answer)
{
	json_decref(answer->json);
	free(answer);
}

static bool answer_came(struct answer *answer, const struct err *err)
{
	answer->done = true;
	answer->times++;
	answer->order = ++answers_in_order;
	if (err) {
		answer->err = *err;
	}
	return !err;
}

void on_act(const struct guest_act *res, const struct err *err, void *data)
{
	struct answer *answer = data;
	cr_assert(!res == !!err);
	if (answer_came(answer, err)) {
		answer->act = *res;
		answer->image_len = res->frame.len;
		memcpy(answer->image_start,
			res->frame.bytes ? res->frame.bytes : (const uint8_t *)"",
			res->frame.len < 8 ? 0 : 8);
	}
}

void on_exec(const struct guest_exec *res, const struct err *err, void *data)
{
	struct answer *answer = data;
	cr_assert(!res == !!err);
	if (answer_came(answer, err)) {
		answer->exec = *res;
		snprintf(answer->out, sizeof(answer->out), "%s", res->out.head);
		snprintf(answer->out_tail, sizeof(answer->out_tail), "%s", res->out.tail);
		snprintf(answer->errors, sizeof(answer->errors), "%s", res->err.head);
	}
}

void on_launch(const struct guest_launch *res, const struct err *err, void *data)
{
	struct answer *answer = data;
	cr_assert(!res == !!err);
	if (answer_came(answer, err)) {
		answer->launch = *res;
	}
}

void on_json(const json_t *result, const struct err *err, void *data)
{
	struct answer *answer = data;
	cr_assert(!result == !!err);
	if (answer_came(answer, err)) {
		answer->json = json_deep_copy(result);
	}
}

static void on_stage(const char *stage, unsigned step, unsigned of, void *data)
{
	struct waited *waited = data;
	cr_assert_gt(step, waited->stages);
	waited->stages = step;
	waited->of = of;
	snprintf(waited->last_stage, sizeof(waited->last_stage), "%s", stage);
}

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct waited *waited = data;
	cr_assert_not_null(vm);
	waited->done = true;
	waited->times++;
	if (err) {
		waited->err = *err;
	}
}

const struct vm_wait_handlers wait_handlers = { on_stage, on_ready };

struct waited host_wait(struct host *host, struct vm *vm)
{
	struct waited waited = { 0 };
	vm_wait(vm, &wait_handlers, &waited);
	cr_assert(!waited.done, "a wait must not end inside vm_wait()");
	host_until(host, &waited.done);
	return waited;
}

struct vm *host_vm(struct host *host)
{
	struct err err;
	struct vm *vm = vm_create(host->pool, "alice", NULL, &err);
	cr_assert_not_null(vm, "%s", err.text);
	struct waited waited = host_wait(host, vm);
	cr_assert_eq(waited.err.kind, ERR_NONE, "%s", waited.err.text);
	return vm;
}

struct answer *host_act(struct host *host, struct vm *vm, const struct action *actions, size_t n)
{
	struct answer *answer = answer_new();
	guest_act(vm_guest(vm), actions, n, NULL, on_act, answer);
	cr_assert(!answer->done);
	host_until(host, &answer->done);
	return answer;
}

struct answer *host_exec(struct host *host, struct vm *vm, const char *command, int64_t timeout_ms)
{
	struct answer *answer = answer_new();
	guest_exec(vm_guest(vm), command, NULL, timeout_ms, on_exec, answer);
	cr_assert(!answer->done);
	host_until(host, &answer->done);
	return answer;
}
