/*
 * One table of typed rows reads the command line, checks it and prints the help.  An option becomes
 * a member of a JSON object, which is decoded like any other.
 */
#include "vm/agent/core/options.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#define LIMIT_MAX (1 << 24)

static const struct field fields[] = {
	FIELD_NUM(struct options, link_fd, "descriptor of the link to the host", .min = 0,
		.max = 1 << 20, .default_value = -1),
	FIELD_NUM(struct options, init_fd,
		"in a microVM: descriptor of the connection to its first process", .min = 0,
		.max = 1 << 20, .default_value = -1),
	FIELD_STR(struct options, screen, "screen size, WIDTHxHEIGHT", .min = 3, .max = 11,
		.default_text = "1280x800"),
	FIELD_NUM(struct options, scale, "how large programs draw, in percent", .min = SCALE_MIN,
		.max = SCALE_MAX, .default_value = SCALE_MIN),
	FIELD_NUM(struct options, max_memory, "maximum memory of each program, in MiB; 0: no limit",
		.min = 0, .max = LIMIT_MAX),
	FIELD_NUM(struct options, max_processes, "maximum number of processes; 0: no limit",
		.min = 0, .max = LIMIT_MAX),
	FIELD_NUM(struct options, max_files, "maximum open files of each program; 0: no limit",
		.min = 0, .max = LIMIT_MAX),
	FIELD_NUM(struct options, grace,
		"ms to continue after the host has disconnected; -1: without limit", .min = -1,
		.max = 86400000),
	FIELD_ONE_OF(struct options, log_level, "log level on stderr", log_level_names,
		.default_value = LOG_LEVEL_WARNING),
	FIELD_FLAG(struct options, init, "run as the first process of a microVM"),
	FIELD_FLAG(struct options, helper, "serve operations on files only, for another agent"),
	FIELD_STR(struct options, owner, "of a helper of root: what is new belongs to this user",
		.min = 1, .max = 32),
	FIELD_STR(struct options, shot, "only write the screen, with the pointer, to this PNG file",
		.min = 1, .max = 4000),
	FIELD_FLAG(struct options, help, "print this"),
	FIELD_FLAG(struct options, version, "print the version"),
	{},
};

/* "--max-memory" selects the row max_memory. */
static void row_name(const char *option, char *ret_name, size_t size)
{
	snprintf(ret_name, size, "%s", option);
	for (char *c = ret_name; *c; c++) {
		*c = *c == '-' ? '_' : *c;
	}
}

static bool unknown(const char *arg, struct err *err)
{
	const char *names[sizeof(fields) / sizeof(*fields)] = { 0 };
	char name[40];
	for (size_t i = 0; fields[i].name; i++) {
		names[i] = fields[i].name;
	}
	row_name(arg[0] == '-' && arg[1] == '-' ? arg + 2 : arg, name, sizeof(name));
	const char *near = nearest_name(name, names);
	return err_set(err, ERR_ARGUMENT, "unknown option '%.60s'%s%s; see vitrine-agent --help",
		arg, near ? ": did you mean --" : "", near ? near : "");
}

static bool number(const char *option, const char *text, json_t **ret, struct err *err)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end) {
		return err_set(
			err, ERR_ARGUMENT, "%s must be a whole number, not '%.60s'", option, text);
	}
	*ret = json_integer(value);
	return true;
}

static bool take(int argc, char **argv, int *i, json_t *given, struct err *err)
{
	const char *option = argv[*i];
	char name[40];
	row_name(strncmp(option, "--", 2) == 0 ? option + 2 : "", name, sizeof(name));
	const struct field *row = field_find(fields, name);
	if (!row) {
		return unknown(option, err);
	}
	json_t *value = NULL;
	if (row->type == FIELD_BOOL) {
		value = json_true();
	} else if (*i + 1 >= argc) {
		return err_set(err, ERR_ARGUMENT, "%s needs a value: %s", option, row->help);
	} else if (row->type != FIELD_INT) {
		value = json_string(argv[++*i]);
	} else if (!number(option, argv[++*i], &value, err)) {
		return false;
	}
	if (json_object_set_new(given, name, value) < 0) {
		return err_set(err, ERR_ARGUMENT, "%s must be UTF-8", option);
	}
	return true;
}

bool options_parse(int argc, char **argv, struct options *ret_options, struct err *err)
{
	json_auto_t *given = must(json_object());
	*ret_options = (struct options){ 0 };
	for (int i = 1; i < argc; i++) {
		if (!take(argc, argv, &i, given, err)) {
			return false;
		}
	}
	struct options options = { 0 };
	if (!field_decode(fields, given, &options, err) ||
		!geometry_read(options.screen, "--screen", &options.size, err)) {
		return false;
	}
	options.given = take_ptr(&given);
	*ret_options = options;
	return true;
}

void options_done(struct options *options)
{
	json_decref(options->given);
	options->given = NULL;
}

static void describe(struct buf *text)
{
	buf_printf(text, "usage: vitrine-agent --link-fd N [options]\n\n");
	for (const struct field *row = fields; row->name; row++) {
		char name[40];
		snprintf(name, sizeof(name), "%s", row->name);
		for (char *c = name; *c; c++) {
			*c = *c == '_' ? '-' : *c;
		}
		buf_printf(text, "  --%-15s %s", name, row->help);
		for (int i = 0; row->choices && row->choices[i]; i++) {
			buf_printf(text, "%s%s%s", i ? ", " : ": ", row->choices[i],
				i == (int)row->default_value ? " (default)" : "");
		}
		if (row->default_text) {
			buf_printf(text, " (default %s)", row->default_text);
		}
		buf_printf(text, "\n");
	}
}

char *options_answer(const struct options *options)
{
	auto_buf struct buf text = { 0 };
	if (options->version) {
		buf_printf(&text, "vitrine-agent " VITRINE_VERSION "\n");
	} else if (options->help) {
		describe(&text);
	} else if (options->link_fd < 0 && !options->init && !options->shot) {
		buf_printf(&text,
			"vitrine-agent is the part of Vitrine that runs inside a desktop. "
			"`vitrine serve` starts it; do not start it by hand.\n");
	} else {
		return NULL;
	}
	return must(strdup(buf_text(&text)));
}

/* ---- limits ---- */

/*
 * Memory is limited as data, not as address space, because browsers reserve far more than they use.
 * The limit would include the shadow memory of AddressSanitizer, so builds with it set none.
 */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_IS_LIMITED false
#else
#define MEMORY_IS_LIMITED true
#endif

static bool limit(int which, rlim_t value, const char *what, struct err *err)
{
	struct rlimit now;
	if (getrlimit(which, &now) < 0) {
		return err_errno(err, "cannot read the limit on %s", what);
	}
	value = value < now.rlim_max ? value : now.rlim_max;
	if (setrlimit(which, &(struct rlimit){ value, value }) < 0) {
		return err_errno(err, "cannot limit %s", what);
	}
	return true;
}

bool options_limit(const struct options *options, struct err *err)
{
	rlim_t memory = (rlim_t)options->max_memory << 20;
	return limit(RLIMIT_CORE, 0, "core dumps", err) &&
	       (!memory || !MEMORY_IS_LIMITED || limit(RLIMIT_DATA, memory, "memory", err)) &&
	       (!options->max_processes ||
		       limit(RLIMIT_NPROC, (rlim_t)options->max_processes, "processes", err)) &&
	       (!options->max_files ||
		       limit(RLIMIT_NOFILE, (rlim_t)options->max_files, "open files", err));
}
