/*
 * Bytes into a real sandbox and out of it, without MCP around them: for each line on stdin that names
 * a way, 64 MiB are carried, and a line says how many microseconds that took.  The ways `tar-in` and
 * `tar-out` are what `docker cp` does: tar in the sandbox, at the other end of a pipe.
 */
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/backends.h"
#include "vm/guest/files.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#define SIZE (64u << 20)
#define BLOCK 512 /* of tar */
#define NAME "carried"

struct carry {
	struct conversation *c;
	struct buf bytes; /* to be sent */
	size_t sent, got;
	bool done;
	struct err err;
};

static void write_more(struct carry *carry)
{
	if (carry->bytes.len > carry->sent) {
		carry->sent += conversation_write(carry->c, 0, carry->bytes.data + carry->sent,
			carry->bytes.len - carry->sent);
	}
	if (carry->sent == carry->bytes.len) {
		conversation_close_write(carry->c);
	}
}

static void on_writable(struct conversation *c, void *data)
{
	(void)c;
	write_more(data);
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	(void)channel, (void)bytes;
	((struct carry *)data)->got += len;
	conversation_consumed(c, len);
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	(void)message, (void)args, (void)data;
	conversation_consumed(c, cost);
}

static void on_end(struct conversation *c, const void *answer, const struct err *err, void *data)
{
	struct carry *carry = data;
	(void)c, (void)answer;
	carry->done = true;
	carry->err = err ? *err : (struct err){ 0 };
}

static const struct conversation_handlers handlers = {
	.on_data = on_data, .on_message = on_message, .on_writable = on_writable, .on_end = on_end
};

static struct conversation *run_tar(struct vm *vm, bool in, struct carry *carry)
{
	const struct msg_exec args = {
		.command = in ? "exec tar -xf -" : "exec tar -cf - " NAME,
		.timeout_ms = 600000,
		.input = in,
	};
	const struct conversation_how how = {
		.message = &message_exec, .args = &args, .time_ms = 600000, .is_command = true
	};
	return conversation_open(vm_guest(vm), &how, &handlers, carry);
}

static void put_header(uint8_t *block)
{
	unsigned sum = 0;
	char *text = (char *)block;
	snprintf(text, 100, NAME);
	snprintf(text + 100, 25, "0000644");
	snprintf(text + 124, 25, "%011o", SIZE);
	snprintf(text + 136, 12, "%011o", 0);
	memset(text + 148, ' ', 8);
	text[156] = '0';
	for (int i = 0; i < BLOCK; i++) {
		sum += block[i];
	}
	snprintf(text + 148, 8, "%06o", sum);
}

static void fill(struct carry *carry, bool tar)
{
	size_t head = tar ? BLOCK : 0, len = head + SIZE + (tar ? 2 * BLOCK : 0);
	buf_reserve(&carry->bytes, len);
	memset(carry->bytes.data, 0, len);
	for (size_t i = 0; i < SIZE; i += 4) {
		uint32_t word = (uint32_t)i * 2654435761u;
		memcpy(carry->bytes.data + head + i, &word, 4);
	}
	if (tar) {
		put_header(carry->bytes.data);
	}
	carry->bytes.len = len;
}

static bool run(sd_event *event, struct vm *vm, const char *way, uint64_t *ret_us)
{
	struct carry carry = { 0 };
	bool in = strcmp(way, "upload") == 0 || strcmp(way, "tar-in") == 0;
	bool tar = strncmp(way, "tar", 3) == 0;
	if (in) {
		fill(&carry, tar);
	}
	uint64_t began = loop_now_us();
	carry.c = tar  ? run_tar(vm, in, &carry)
		  : in ? guest_file_write(vm_guest(vm),
				 &(struct msg_file_write){ .path = NAME, .mode = -1 }, &handlers,
				 &carry)
		       : guest_file_read(vm_guest(vm), &(struct msg_file_read){ .path = NAME },
				 &handlers, &carry);
	if (in) {
		write_more(&carry);
	}
	while (!carry.done && sd_event_run(event, UINT64_MAX) >= 0) {
	}
	*ret_us = loop_now_us() - began;
	buf_done(&carry.bytes);
	if (!carry.err.kind && !in && carry.got < SIZE) {
		err_set(&carry.err, ERR_HOST, "%zu bytes came", carry.got);
	}
	if (carry.err.kind) {
		fprintf(stderr, "bench-files: %s: %s\n", way, carry.err.text);
	}
	return !carry.err.kind;
}

static bool serve(sd_event *event, struct vm *vm)
{
	static const char *const ways[] = { "upload", "download", "tar-in", "tar-out" };
	char line[256];
	uint64_t us;
	for (long id = 1; fgets(line, sizeof(line), stdin); id++) {
		size_t way = 0;
		while (way < 3 && !strstr(line, ways[way])) { /* the method */
			way++;
		}
		if (!run(event, vm, ways[way], &us)) {
			return false;
		}
		printf("{\"id\":%ld,\"us\":%llu}\n", id, (unsigned long long)us);
		fflush(stdout);
	}
	return true;
}

struct start {
	bool done;
	struct err err;
};

static void on_ready(struct vm *vm, const struct err *err, void *data)
{
	struct start *start = data;
	(void)vm;
	start->done = true;
	start->err = err ? *err : (struct err){ 0 };
}

/* Arguments: a backend, and a state directory with an image for microVMs. */
int main(int argc, char **argv)
{
	struct err err = { 0 };
	auto_event sd_event *event = loop_new(&err);
	struct vm_config config = { .backend = argc > 1 ? argv[1] : "namespace",
		.state_dir = argc > 2 ? argv[2] : NULL,
		.default_spec = { .screen = { 1280, 800 } } };
	struct vm_pool *pool = event ? vm_pool_new(event, &config, vm_backends) : NULL;
	struct vm *vm = pool ? vm_create(pool, "bench", NULL, &err) : NULL;
	struct start start = { 0 };
	const struct vm_wait_handlers waiting = { .done = on_ready };
	if (vm && vm_wait(vm, &waiting, &start)) {
		while (!start.done && sd_event_run(event, UINT64_MAX) >= 0) {
		}
	}
	err = start.err.kind ? start.err : err;
	if (err.kind) {
		fprintf(stderr, "bench-files: %s\n", err.text);
	}
	bool ok = vm && !err.kind && serve(event, vm);
	vm_pool_free(pool);
	return ok ? 0 : 1;
}
