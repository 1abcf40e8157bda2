// USES agent
/* What a desktop does before it is saved as a template, as far as this host can be one. */
#include "tests/support/agent_client.h"

static json_t *times(int window_ms, int rest_ms)
{
	return json_pack("{s:i, s:i, s:i}", "window_ms", window_ms, "rest_ms", rest_ms,
		"warm_rest_ms", rest_ms);
}

/* Whether there is rest here depends on what else runs here; but the time it may take is over. */
Test(prepare, ends_with_rest_or_its_time, .timeout = 60)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	client_call(&c, "prepare", times(1000, 0), &a);
	cr_expect_eq(a.err.kind, ERR_NONE, "%s", a.err.text);
	answer_done(&a);
	client_stop(&c);
}

Test(prepare, refuses_what_is_no_time, .timeout = 60)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	client_call(&c, "prepare", times(0, 0), &a);
	cr_expect_eq(a.err.kind, ERR_ARGUMENT);
	cr_expect(strstr(a.err.text, "window_ms"), "%s", a.err.text);
	answer_done(&a);
	client_stop(&c);
}

Test(prepare, can_be_taken_back, .timeout = 60)
{
	struct client c;
	struct answer a;
	client_start_ready(&c);
	uint32_t id = client_ask(&c, "prepare", times(1000, 3600000), &a);
	link_cancel(c.link, id);
	cr_assert(client_until(&c, a.came));
	cr_expect(a.err.kind == ERR_CANCELLED || a.err.kind == ERR_NONE, "%s", a.err.text);
	answer_done(&a);
	client_stop(&c);
}
