// USES wire
/* The second agent, which does operations on files as another user (vm/agent/main/as_user.h): it serves
 * them like the first, and nothing else. */
#include "tests/support/files_client.h"

static struct client c;
static struct files_talk t;

static void start(void)
{
	static const char *const more[] = { "--helper", NULL };
	setenv(CLIENT_OWN_HOME, "1", 1);
	client_start(&c, more);
}

static void stop(void)
{
	files_done(&t);
	client_stop(&c);
}

TestSuite(files_helper, .init = start, .fini = stop, .timeout = 120);

#define RUN(op, ...) \
	do { \
		files_done(&t); \
		files_run(&c, &message_file_##op, json_pack(__VA_ARGS__), &t); \
	} while (0)

Test(files_helper, what_is_written_is_read)
{
	static uint8_t bytes[3000000];
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	}
	files_write(&c, json_pack("{s:s, s:s, s:b}", "path", "d/f", "how", "truncate", "parents", 1),
		bytes, sizeof(bytes), &t);
	cr_expect_eq(files_number(&t, "bytes"), sizeof(bytes), "%s", t.answer.err.text);
	RUN(read, "{s:s}", "path", "~/d/f");
	cr_assert_eq(t.bytes.len, sizeof(bytes), "%s", t.answer.err.text);
	cr_expect_eq(memcmp(t.bytes.data, bytes, sizeof(bytes)), 0);
}

Test(files_helper, it_does_nothing_else)
{
	struct answer a;
	client_call(&c, "exec", json_pack("{s:s}", "command", "true"), &a);
	cr_expect_eq(a.err.kind, ERR_UNSUPPORTED, "%s", a.err.text);
	answer_done(&a);
	client_call(&c, "nonsense", NULL, &a);
	cr_expect_eq(a.err.kind, ERR_UNSUPPORTED);
	answer_done(&a);
	cr_expect_eq(json_array_size(c.events), 0);
}

Test(files_helper, a_write_in_progress_is_given_up_with_the_link)
{
	files_write(&c, json_pack("{s:s}", "path", "f"), "x", 1, &t);
	cr_expect_eq(files_number(&t, "bytes"), 1);
	files_done(&t);
	t = (struct files_talk){ .writes = true, .keeps_open = true, .left = 100000 };
	files_open(&c, &message_file_write, json_pack("{s:s}", "path", "f"), &t);
	cr_assert(client_until(&c, t.messages));
}
