// USES vm
/* Agents that send rows which are none, or never end one: the sandbox ends and the owner hears of it
 * once; an owner may close whenever it likes. */
#include "tests/support/liar.h"

#include "vm/guest/files.h"

struct owner {
	struct file_rows *rows;
	int n_rows, times;
	bool ended, closes;
	char last[100];
	struct err err;
};

static const char *sent; /* by the agent, before it answers */
static size_t sent_len;
static const char *answered = "{}";

static void on_row(const void *row, void *data)
{
	const struct msg_file_entry *entry = row;
	struct owner *owner = data;
	owner->n_rows++;
	snprintf(owner->last, sizeof(owner->last), "%s", entry->path);
	if (owner->closes) {
		file_rows_close(owner->rows);
		owner->ended = true;
	}
}

static void on_end(const void *answer, const struct err *err, void *data)
{
	struct owner *owner = data;
	(void)answer;
	owner->ended = true;
	owner->times++;
	owner->err = err ? *err : (struct err){ 0 };
}

static void send_rows(struct link *link, uint32_t id, const struct link_msg *msg, void *data)
{
	const char *op = json_string_value(json_object_get(msg->json, "op"));
	struct err err;
	if (strncmp(op, "file_", 5) != 0) {
		only_pong(link, id, msg, data);
		return;
	}
	if (strcmp(op, "file_list") == 0) {
		cr_assert(link_accept(link, id, &(struct link_talk){ 0 }, NULL, &err));
		link_write(link, id, 0, sent, sent_len);
	}
	link_reply(link, id, json_loads(answered, 0, NULL), NULL, 0);
}

static const struct link_handlers lies = {
	.request = send_rows, .cancel = ignore_cancel, .closed = ignore_closed
};

static struct owner list(const char *rows, size_t len, bool closes, enum vm_state want)
{
	static const struct file_rows_handlers handlers = { .row = on_row, .end = on_end };
	const struct msg_file_list how = { .path = "/", .depth = 1, .limit = 10 };
	struct host host;
	struct owner owner = { .closes = closes };
	struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
	struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lies, NULL);
	say_ready(link);
	host_wait(&host, vm);
	sent = rows;
	sent_len = len;
	owner.rows = file_rows_open(vm_guest(vm), &message_file_list, &how, 60000,
		GUEST_ASKER_AGENT, &handlers, &owner);
	host_until(&host, &owner.ended);
	host_for_ms(&host, 20);
	cr_expect_eq(vm_state(vm) == VM_READY, want == VM_READY, "%s", owner.err.text);
	link_free(link);
	host_done(&host);
	cr_expect_eq(owner.times, closes ? 0 : 1);
	return owner;
}

#define LIST(text, want) list(text, strlen(text), false, want)

Test(hostile_files, whole_rows_are_taken, .timeout = 60)
{
	struct owner owner = LIST("{\"path\":\"/a\",\"type\":\"file\"}\n"
				  "{\"path\":\"/b\",\"type\":\"directory\",\"size\":5}\n",
		VM_READY);
	cr_expect_eq(owner.err.kind, ERR_NONE, "%s", owner.err.text);
	cr_expect_eq(owner.n_rows, 2);
	cr_expect_str_eq(owner.last, "/b");
}

Test(hostile_files, what_is_no_row_ends_the_sandbox, .timeout = 60)
{
	static const char *const none[] = { "[]\n", "{}\n", "x\n", "\n", "{\"path\":\"\"}\n",
		"{\"path\":\"/a\",\"type\":\"file\",\"more\":1}\n",
		"{\"path\":\"/a\",\"type\":\"teapot\"}\n",
		"{\"path\":\"/a\",\"type\":\"file\",\"size\":-1}\n",
		"{\"path\":\"/\377\",\"type\":\"file\"}\n" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct owner owner = LIST(none[i], VM_GONE);
		cr_expect_eq(owner.err.kind, ERR_GONE, "%s: %s", none[i], owner.err.text);
		cr_expect_eq(owner.n_rows, 0);
	}
}

Test(hostile_files, a_row_without_end_is_bounded, .timeout = 60)
{
	static char endless[MESSAGE_FILE_LINE_MAX + 10];
	memset(endless, ' ', sizeof(endless));
	struct owner owner = list(endless, sizeof(endless), false, VM_GONE);
	cr_expect_eq(owner.err.kind, ERR_GONE, "%s", owner.err.text);
	owner = LIST("{\"path\":\"/a\"", VM_READY);
	cr_expect_eq(owner.err.kind, ERR_HOST, "%s", owner.err.text);
	cr_expect(strstr(owner.err.text, "not complete"), "%s", owner.err.text);
}

Test(hostile_files, an_owner_may_close_in_a_row, .timeout = 60)
{
	struct owner owner = list("{\"path\":\"/a\",\"type\":\"file\"}\n"
				  "{\"path\":\"/b\",\"type\":\"file\"}\n{",
		57, true, VM_READY);
	cr_expect_eq(owner.n_rows, 1);
}

static void on_answer(
	const void *answer, const void *tail, size_t tail_len, const struct err *err, void *data)
{
	struct owner *owner = data;
	(void)answer, (void)tail, (void)tail_len;
	owner->ended = true;
	owner->err = err ? *err : (struct err){ 0 };
}

Test(hostile_files, an_entry_is_checked, .timeout = 60)
{
	static const struct {
		const char *answer;
		enum err_kind kind;
	} rows[] = {
		{ "{\"entry\":{\"path\":\"/a\",\"type\":\"file\"}}", ERR_NONE },
		{ "{\"entry\":{\"path\":\"/a\"}}", ERR_GONE },
		{ "{\"entry\":\"/a\"}", ERR_GONE },
		{ "{}", ERR_GONE },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct host host;
		struct owner owner = { 0 };
		struct vm *vm = liar_new(&host, (struct vm_config){ .backend = "fake" });
		struct link *link = link_new(host.event, take_fd(&liar_last->fd), &lies, NULL);
		say_ready(link);
		host_wait(&host, vm);
		answered = rows[i].answer;
		guest_file(vm_guest(vm), &message_file_stat, &(struct msg_file_stat){ .path = "/" },
			on_answer, &owner);
		host_until(&host, &owner.ended);
		cr_expect_eq(owner.err.kind, rows[i].kind, "%s: %s", answered, owner.err.text);
		link_free(link);
		host_done(&host);
	}
}
