/*
 * The table of options.  Each row is a field (base/field.h) of struct config.  Its decoder checks
 * values of all sources, and errors use the name the user wrote: 'screen' in a file, '--screen' on
 * the command line.
 */
#include "server/config/options.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/nearest.h"
#include "server/config/public_url.h"
#include "tools/call/tool.h"
#include "transport/mcp/transport.h"
#include "vm/backends.h"

#include <string.h>

#define AT(member, type) .offset = FIELD_AT(struct config, member, type)
#define WORD(option, member, list, first, text) \
	{ \
		.field = { \
			.name = option, \
			.type = FIELD_ENUM, \
			AT(member, int), \
			.choices = list, \
			.default_value = first, \
			.help = text \
		} \
	}
#define TEXT(option, member, what, most, first, text) \
	{ \
		.field = { .name = option, \
			.type = FIELD_STRING, \
			AT(member, const char *), \
			.max = most, \
			.default_text = first, \
			.help = text }, \
		.value = what \
	}
/* Must not be empty. */
#define NAME(option, member, what, most, first, text) \
	{ \
		.field = { .name = option, \
			.type = FIELD_STRING, \
			AT(member, const char *), \
			.min = 1, \
			.max = most, \
			.default_text = first, \
			.help = text }, \
		.value = what \
	}
#define COUNT(option, member, what, least, most, first, text) \
	{ \
		.field = { .name = option, \
			.type = FIELD_INT, \
			AT(member, int64_t), \
			.min = least, \
			.max = most, \
			.default_value = first, \
			.help = text }, \
		.value = what \
	}
/* A member of a sandbox's specification. */
#define SPEC(option, member, what, text, ...) \
	{ \
		.field = VM_SPEC_FIELD(struct config, sandbox, option, member), .value = what, \
		.note = text, __VA_ARGS__ \
	}
#define FLAG(option, member, text) \
	{ \
		.field = {.name = option, .type = FIELD_BOOL, AT(member, bool), .help = text } \
	}

static const char *const accel_names[] = { "auto", "kvm", "tcg", NULL };

/* clang-format off */
static const struct option desktops[] = {
	WORD("backend", backend, vm_backend_names, 0,
		"Backend that runs the sandboxes.  auto selects the first one that works on this machine; it never "
		"selects fake, a scripted desktop for tests."),
	SPEC("image", VM_SPEC_IMAGE, "NAME",
		"`vitrine image list` shows them.  Without it, the newest image."),
	SPEC("screen", VM_SPEC_SCREEN, "WIDTHxHEIGHT", "1280x800 fits every model's image size limit."),
	SPEC("scale", VM_SPEC_SCALE, "PERCENT", NULL),
	COUNT("max-sandboxes", vm.max_sandboxes, "N", 1, 1000, 8, "Maximum number of running sandboxes."),
	COUNT("max-saved", vm.max_saved, "N", 1, 10000, 100,
		"Maximum number of snapshots and paused sandboxes per client, counted together."),
	COUNT("max-saved-mib", vm.max_saved_mib, "MIB", 1, 1 << 30, 16384,
		"Maximum size on disk of a client's snapshots and paused sandboxes, in MiB."),
	SPEC("memory", VM_SPEC_MEMORY, "MIB", "Without it, the image's value (namespace: 4096)."),
	SPEC("cpus", VM_SPEC_CPUS, "N",
		"Without it, the image's value.  With the namespace backend, a CPU limit, where cgroups are "
		"available."),
	SPEC("network", VM_SPEC_NETWORK, NULL,
		"internet allows public addresses and this machine's name server; it never allows this machine or "
		"private networks."),
	SPEC("processes", VM_SPEC_PROCESSES, "N", NULL, .file_only = true),
	SPEC("files", VM_SPEC_FILES, "N", NULL, .file_only = true),
	SPEC("disk", VM_SPEC_DISK, "MIB",
		"Each holds at most 128 files per MiB, but at least 4096.  A microVM has one file system, which "
		"takes at most 55 % of its memory."),
	COUNT("start-timeout", start_timeout, "SECONDS", 1, 600, 30,
		"Maximum time until a new desktop is ready.  A microVM that boots without a template gets ten times as long."),
	SPEC("timeout", VM_SPEC_TIMEOUT, "SECONDS", NULL),
	SPEC("idle-timeout", VM_SPEC_IDLE_TIMEOUT, "SECONDS", NULL),
	SPEC("on-timeout", VM_SPEC_ON_TIMEOUT, NULL,
		"kill ends the sandbox.  pause writes it to disk; the next call resumes it (microvm only)."),
	WORD("accel", accel, accel_names, 0,
		"Accelerator of microVMs.  auto selects kvm where it works, else tcg, which is slow software "
		"emulation."),
};

static const struct option state[] = {
	NAME("state-dir", vm.state_dir, "DIR", 4000, NULL,
		"Directory of images, templates, snapshots and paused sandboxes.  Without it, $STATE_DIRECTORY "
		"(set by systemd), else /var/lib/vitrine for root, else $XDG_STATE_HOME/vitrine or "
		"~/.local/state/vitrine."),
	FLAG("commands-during-takeover", vm.commands_during_takeover,
		"Allow run_command and the tools that end or pause a sandbox or set its timeout while a user has "
		"control."),
	FLAG("keep", vm.keep,
		"Keep sandboxes running when the server exits; the next server reattaches to them (microvm only)."),
	TEXT("warm", warm, "LIST", 1000, "0",
		"Size of the warm pool: the number of pre-started sandboxes with default settings (microvm only).  "
		"IMAGE=NUMBER sets the number for another image.  Separate entries by commas: 2,desktop=1."),
};

static const struct option serving[] = {
	TEXT("tools", tools, "LIST", 1000, TOOLS_DEFAULT,
		"Tools to offer, separated by commas: names of tools and toolsets, default, "
		"or all.  Toolsets: computer, shell, terminal, files, code, sandbox, stream, control, media.  Dialects, which all does not "
		"contain: claude, openai, gemini."),
	COUNT("max-calls", max_calls, "N", 1, 1000, 32,
		"Maximum number of tool calls in flight per connection or session.  Further calls are refused."),
	WORD("log-level", log_level, log_level_names, LOG_LEVEL_WARNING,
		"Lowest severity of the messages written to stderr."),
};

static const struct option over_http[] = {
	TEXT("http", http.listen, "ADDRESS", 300, NULL,
		"Serve HTTP at this address: 127.0.0.1:8765, [::1]:0 (0: any free port), unix:PATH, or systemd "
		"(sockets passed by socket activation)."),
	FLAG("stdio", http.stdio, "With --http or --e2b: also serve a client on stdin and stdout."),
	TEXT("tokens", http.tokens, "FILE", 4000, NULL,
		"File of access tokens: a JSON array of {\"name\", \"token\" or \"sha256\"}, each with optional limits "
		"\"sandboxes\", \"calls\", \"saved\" and \"saved_mib\".  Other users must not be able to read the file. "
		"Without it, the environment variable VITRINE_TOKEN holds the token.  Without either, tokens.json in the "
		"state directory is read (`vitrine key`).  If that does not exist, the server generates a token."),
	FLAG("no-auth", http.no_auth, "Accept requests without a token, from this machine only."),
	TEXT("tls-cert", http.tls_cert, "FILE", 4000, NULL, "Certificate chain for HTTPS, in PEM format."),
	TEXT("tls-key", http.tls_key, "FILE", 4000, NULL, "Private key of the certificate, in PEM format."),
	FLAG("behind-proxy", http.behind_proxy,
		"A reverse proxy terminates HTTPS.  Permits listening beyond this machine without a certificate."),
	TEXT("allow-hosts", http.allow_hosts, "LIST", 4000, NULL,
		"Accepted Host names, separated by commas, in addition to localhost and the listening address."),
	TEXT("allow-origins", http.allow_origins, "LIST", 4000, NULL,
		"Web origins that may use this server, separated by commas, such as https://desk.example."),
	COUNT("max-connections", http.max_connections, "N", 1, 100000, 1024,
		"Maximum number of HTTP connections."),
	COUNT("max-body", http.max_body_kib, "KIB", 1, TRANSPORT_MESSAGE_MAX >> 10,
		TRANSPORT_MESSAGE_MAX >> 10, "Maximum size of a request body in KiB."),
	FLAG("open-metrics", http.open_metrics, "Serve /metrics without a token."),
	TEXT("auth-server", http.auth_server, "URL", 1000, NULL,
		"OAuth authorization server that clients are referred to (RFC 9728).  A proxy in front must verify "
		"its tokens; this server accepts only its own."),
};

static const struct option streams[] = {
	TEXT("public-url", http.public_url, "URL", PUBLIC_URL_MAX, NULL,
		"URL at which browsers reach this server, including a proxy's path: https://desk.example/vitrine. "
		"Stream links start with it.  Without it, they start with the Host of the client's request."),
	TEXT("stream-listen", http.stream_listen, "ADDRESS", 300, "127.0.0.1:0",
		"Without --http: address of the stream listener, which starts with the first link.  Port 0: any free port."),
	TEXT("vnc", vnc_listen, "ADDRESS", 300, NULL,
		"Serve streams to VNC viewers at this address: 127.0.0.1:5901, or unix:PATH.  Other machines require "
		"--tls-cert.  A stream link ends in /s/ID/#TICKET: the user name is ID, the password TICKET."),
	TEXT("frame-ancestors", http.frame_ancestors, "LIST", 1000, NULL,
		"Web origins that may embed the viewer in a frame, separated by spaces, such as https://app.example. "
		"Without it, none."),
};

static const struct option e2b[] = {
	TEXT("e2b", e2b.listen, "ADDRESS", 300, NULL,
		"Serve E2B's API at this address, for its SDKs: 127.0.0.1:3000, or unix:PATH.  Its keys are the tokens "
		"(--tokens)."),
	TEXT("e2b-tls", e2b.tls_listen, "ADDRESS", 300, NULL,
		"Serve it with TLS by names at this address, so that URLs of ports work, too: 127.0.0.1:8443.  Without "
		"--tls-cert, a certificate is made at the first start."),
	NAME("e2b-domain", e2b.domain, "NAME", 200, "vitrine.localhost",
		"Domain of the names PORT-ID.NAME and api.NAME, by which E2B's clients reach a port of a sandbox and the API."),
};
/* clang-format on */

#define GROUP(title, options) \
	{ \
		title, options, sizeof(options) / sizeof(*(options)) \
	}
static const struct option_group groups[] = {
	GROUP("Desktops", desktops),
	GROUP("State", state),
	GROUP("Serving", serving),
	GROUP("HTTP", over_http),
	GROUP("Streams", streams),
	GROUP("E2B", e2b),
};
#define N_GROUPS (sizeof(groups) / sizeof(*groups))
#define N_OPTIONS \
	(sizeof(desktops) / sizeof(*desktops) + sizeof(state) / sizeof(*state) + \
		sizeof(serving) / sizeof(*serving) + sizeof(over_http) / sizeof(*over_http) + \
		sizeof(streams) / sizeof(*streams) + sizeof(e2b) / sizeof(*e2b))

const struct option_group *option_group_at(size_t i)
{
	return i < N_GROUPS ? &groups[i] : NULL;
}

const struct option *option_at(size_t i)
{
	for (size_t g = 0; g < N_GROUPS; g++) {
		if (i < groups[g].count) {
			return &groups[g].options[i];
		}
		i -= groups[g].count;
	}
	return NULL;
}

struct field option_field(const struct option *option)
{
	return field_row(&option->field);
}

const struct option *option_find(const char *name)
{
	const struct option *option;
	for (size_t i = 0; (option = option_at(i)); i++) {
		if (strcmp(option->field.name, name) == 0) {
			break;
		}
	}
	return option;
}

bool option_is_taken(const char *name, const char *const *taken)
{
	for (; taken && *taken; taken++) {
		if (strcmp(*taken, name) == 0) {
			return true;
		}
	}
	return !taken;
}

const char *option_nearest(const char *wrong, const char *const *taken, const char *extra)
{
	const char *names[N_OPTIONS + 2] = { 0 };
	size_t n = 0;
	for (size_t i = 0; taken && taken[i] && n < N_OPTIONS; i++) {
		names[n++] = taken[i];
	}
	for (size_t i = 0; !taken && i < N_OPTIONS; i++) {
		if (!extra || !option_at(i)->file_only) {
			names[n++] = option_at(i)->field.name;
		}
	}
	names[n] = extra;
	return nearest_name(wrong, names);
}

bool option_is_flag(const struct option *option)
{
	return option_field(option).type == FIELD_BOOL;
}

/* ---- one value ---- */

#define WARM_MAX 100

static bool read_count(const char *text, size_t len, int64_t *ret_count)
{
	char digits[4] = "";
	if (!len || len >= sizeof(digits) || strspn(text, "0123456789") < len) {
		return false;
	}
	memcpy(digits, text, len);
	*ret_count = strtol(digits, NULL, 10);
	return *ret_count <= WARM_MAX;
}

/* "2" or "desktop=2": a plain number applies to the default image. */
static bool read_warm_part(struct vm_config *vm, const char *part, size_t len)
{
	const char *equals = memchr(part, '=', len);
	if (!equals) {
		return read_count(part, len, &vm->warm);
	}
	size_t name = (size_t)(equals - part);
	struct vm_warm_image *image = &vm->warm_images[vm->n_warm_images];
	if (!name || name >= sizeof(image->image) || vm->n_warm_images == VM_WARM_IMAGES_MAX ||
		!read_count(equals + 1, len - name - 1, &image->count)) {
		return false;
	}
	memcpy(image->image, part, name);
	image->image[name] = '\0';
	for (size_t i = 0; i < vm->n_warm_images; i++) {
		if (strcmp(vm->warm_images[i].image, image->image) == 0) {
			return false;
		}
	}
	vm->n_warm_images++;
	return true;
}

static bool read_warm(struct config *config, struct err *err)
{
	struct vm_config *vm = &config->vm;
	vm->warm = 0;
	vm->n_warm_images = 0;
	for (const char *part = config->warm, *end;; part = end + 1) {
		end = strchrnul(part, ',');
		if (!read_warm_part(vm, part, (size_t)(end - part))) {
			return err_set(err, ERR_ARGUMENT,
				"'warm' must be a number from 0 to %d, IMAGE=NUMBER, or up to "
				"%d of them separated by commas, each image once; got \"%.100s\"",
				WARM_MAX, VM_WARM_IMAGES_MAX, config->warm);
		}
		if (!*end) {
			return true;
		}
	}
}

/* Sets the members that are derived from other values. */
static bool derive(struct config *config, const char *called, struct err *err)
{
	config->vm.backend = vm_backend_names[config->backend];
	config->vm.accel = accel_names[config->accel];
	config->vm.start_timeout_ms = config->start_timeout * 1000;
	return read_warm(config, err) &&
	       vm_spec_apply(&config->sandbox, called, &config->vm.default_spec, err);
}

bool option_set(struct config *config, const struct option *option, const char *called,
	json_t *value, struct err *err)
{
	struct field field[2] = { option->field };
	field->name = called;
	json_auto_t *object = must(json_object());
	if (option_find("warm") == option && json_is_integer(value)) {
		json_int_t count = json_integer_value(value); /* in a file, a number is allowed */
		json_decref(value);
		value = json_sprintf("%lld", (long long)count);
	}
	json_object_set_new(object, called, value);
	if (!field_decode(field, object, config, err) || !derive(config, called, err)) {
		return false;
	}
	json_array_append(config->values, value);
	config->given = config->given ? config->given : must(json_object());
	json_object_set_new(config->given, option->field.name, json_boolean(called[0] == '-'));
	return true;
}

bool option_set_defaults(struct config *config, struct err *err)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		struct field field[2] = { option_at(i)->field };
		if (!field_decode(field, NULL, config, err)) {
			return false;
		}
	}
	return derive(config, "screen", err);
}
