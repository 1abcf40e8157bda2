#include "tools/system/file_link.h"
#include "tools/system/files.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "tools/sandbox/stream.h"

#include <string.h>

/* file_url: a link for programs outside of the sandbox, which carry files of any size. */

struct url_args {
	const char *sandbox, *path;
	int method;
	int64_t expires;
};

static const struct field fields[] = {
	FILES_PATH(struct url_args, path, "Absolute, or from the home directory."),
	FIELD_ONE_OF(struct url_args, method,
		"read = the URL returns the file; write = the file can be uploaded to it.",
		file_link_methods),
	FIELD_NUM(struct url_args, expires, "Lifetime of the URL in seconds.", .min = 1,
		.max = FILE_LINK_SECONDS_MAX, .default_value = FILE_LINK_SECONDS),
	CALL_SANDBOX(struct url_args),
	{ 0 },
};

static void format(
	struct buf *out, const struct file_link *link, const char *base, const struct digest *key)
{
	buf_printf(out, "URL to %s ", file_link_methods[link->method]);
	files_format_path(out, link->path);
	buf_printf(out, " of sandbox %s:\n%s", link->sandbox, base);
	file_link_write(out, key, link);
	buf_printf(out,
		"\nUse it with %s. Whoever has it can %s this file, without a token, until ",
		link->method == FILE_LINK_READ ? "GET, such as: curl -o FILE 'URL'"
					       : "PUT, such as: curl -T FILE 'URL'",
		file_link_methods[link->method]);
	stream_format_time(out, link->expires * 1000);
	buf_printf(out, ".");
}

static void begin(struct call *call, void *data)
{
	const struct url_args *args = data;
	const struct file_link link = {
		.sandbox = vm_id(call_vm(call)),
		.path = args->path,
		.method = (enum file_link_method)args->method,
		.expires = clock_wall_ms() / 1000 + args->expires,
	};
	auto_buf struct buf text = { 0 };
	auto_free char *base = NULL;
	struct digest key;
	struct err err;
	if (!call_stream_base(call, &base, &err) || !vm_pool_key(call_vms(call), &key, &err)) {
		call_fail(call, &err);
		return;
	}
	format(&text, &link, base, &key);
	call_reply_text(call, buf_text(&text));
}

static void run(struct call *call, const void *args)
{
	const struct url_args *url = args;
	call_summarize(call, url->path);
	call_start(call, url->sandbox, begin, (void *)args);
}

const struct tool tool_file_url = {
	.name = "file_url",
	.title = "Get a URL for a file",
	.help = "Returns a URL with which a program outside of the sandbox downloads or uploads one file "
		"of any size, without a token.",
	.toolset = "files",
	.hints = TOOL_EXTRA,
	.order = TOOL_RUNS,
	.fields = fields,
	.args_size = sizeof(struct url_args),
	.run = run,
};
