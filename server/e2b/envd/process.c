#include "server/e2b/envd/process.h"

#include "base/cleanup.h"
#include "server/e2b/envd/proto.h"
#include "vm/wire/messages_process.h"

#include <stdio.h>
#include <string.h>

#define PID_MAX 4294967295.0
#define END \
	{ \
		0 \
	}

#define SELECTOR struct process_selector
const struct field process_selector_fields[] = {
	FIELD_NUM(SELECTOR, pid, "Of the process.", .min = 1, .max = PID_MAX),
	FIELD_STR(SELECTOR, tag, "Of the process.", .min = 1, .max = MESSAGE_TAG_MAX),
	END,
};

#define CONFIG struct process_config
const struct field process_config_fields[] = {
	FIELD_STR(CONFIG, cmd, "The program.", .required = true, .min = 1, .max = 4000),
	FIELD_STR(CONFIG, cwd, "Working directory.", .max = 4000),
	FIELD_JSON(CONFIG, args, "An array of texts."),
	FIELD_JSON(CONFIG, envs, "An object of texts."),
	END,
};

/* ---- a program ---- */

static bool check_args(const json_t *args, struct err *err)
{
	size_t i, bytes = 0;
	json_t *arg;
	if (args && (!json_is_array(args) || json_array_size(args) >= MESSAGE_ARGV_MAX)) {
		return err_set(err, ERR_ARGUMENT,
			"'process.args' must be an array of fewer than %d texts", MESSAGE_ARGV_MAX);
	}
	json_array_foreach((json_t *)args, i, arg)
	{
		if (!json_is_string(arg)) {
			return err_set(err, ERR_ARGUMENT, "'process.args[%zu]' must be a text", i);
		}
		bytes += json_string_length(arg) + 1;
	}
	return bytes < MESSAGE_COMMAND_MAX - 8192 ||
	       err_set(err, ERR_ARGUMENT, "'process.args' have %zu bytes; at most %u are possible",
		       bytes, MESSAGE_COMMAND_MAX - 8192);
}

static bool check_envs(const json_t *envs, struct err *err)
{
	const char *name;
	json_t *value;
	if (envs && !json_is_object(envs)) {
		return err_set(err, ERR_ARGUMENT, "'process.envs' must be an object of texts");
	}
	json_object_foreach((json_t *)envs, name, value)
	{
		if (!json_is_string(value)) {
			return err_set(
				err, ERR_ARGUMENT, "'process.envs.%.60s' must be a text", name);
		}
	}
	return true;
}

bool process_config_check(const struct process_config *config, struct err *err)
{
	return check_args(config->args, err) && check_envs(config->envs, err);
}

int64_t process_config_arguments(const struct process_config *config, struct buf *to)
{
	size_t i;
	json_t *arg;
	buf_append(to, config->cmd, strlen(config->cmd) + 1);
	json_array_foreach((json_t *)config->args, i, arg)
	{
		buf_append(to, json_string_value(arg), json_string_length(arg) + 1);
	}
	return 1 + (int64_t)json_array_size(config->args);
}

/* Variables are left out first. */
char *process_config_note(const struct process_config *config)
{
	json_auto_t *all = must(json_pack("{s:s, s:s*, s:O*, s:O*}", "cmd", config->cmd, "cwd",
		config->cwd && *config->cwd ? config->cwd : NULL, "args", config->args, "envs",
		config->envs));
	for (int i = 0; i < 2; i++) {
		auto_free char *text = must(json_dumps(all, JSON_COMPACT));
		if (strlen(text) <= MESSAGE_NOTE_MAX) {
			return take_ptr(&text);
		}
		json_object_del(all, "envs");
	}
	return NULL;
}

/* ---- a terminal ---- */

struct pty {
	const json_t *size;
};
static const struct field pty_fields[] = {
	FIELD_JSON(struct pty, size, "Of the terminal."),
	END,
};

#define SIZE struct process_size
static const struct field size_fields[] = {
	FIELD_NUM(SIZE, cols, "Columns.", .max = MESSAGE_TERMINAL_MAX),
	FIELD_NUM(SIZE, rows, "Rows.", .max = MESSAGE_TERMINAL_MAX),
	END,
};

bool process_size_read(const json_t *pty, struct process_size *ret_size, struct err *err)
{
	struct pty outer = { 0 };
	json_auto_t *kept = NULL, *kept_size = NULL;
	*ret_size = (struct process_size){ 0 };
	if (!pty || json_is_null(pty)) {
		return true;
	}
	if (!proto_decode(pty_fields, pty, &kept, &outer, err) ||
		!proto_decode(size_fields, outer.size, &kept_size, ret_size, err)) {
		return err_while(err, "'pty.size'");
	}
	ret_size->cols = ret_size->cols ? ret_size->cols : 80;
	ret_size->rows = ret_size->rows ? ret_size->rows : 24;
	return true;
}

/* ---- the end ---- */

/* Names as Go has them. */
static const char *const signal_names[] = {
	[1] = "hangup",
	[2] = "interrupt",
	[3] = "quit",
	[4] = "illegal instruction",
	[5] = "trace/breakpoint trap",
	[6] = "aborted",
	[7] = "bus error",
	[8] = "floating point exception",
	[9] = "killed",
	[10] = "user defined signal 1",
	[11] = "segmentation fault",
	[12] = "user defined signal 2",
	[13] = "broken pipe",
	[14] = "alarm clock",
	[15] = "terminated",
};
#define N_SIGNALS ((int64_t)(sizeof(signal_names) / sizeof(*signal_names)))

void process_status(int64_t status, int64_t signal, char ret_text[PROCESS_STATUS_SIZE])
{
	if (!signal) {
		snprintf(ret_text, PROCESS_STATUS_SIZE, "exit status %lld", (long long)status);
	} else if (signal > 0 && signal < N_SIGNALS) {
		snprintf(ret_text, PROCESS_STATUS_SIZE, "signal: %s", signal_names[signal]);
	} else {
		snprintf(ret_text, PROCESS_STATUS_SIZE, "signal: signal %lld", (long long)signal);
	}
}
