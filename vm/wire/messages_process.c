#include "vm/wire/messages_process.h"

#include "vm/wire/message_table.h"

#define DAY_MS 86400000

/* Which process a request means. */
#define NAMED(T) \
	FIELD_NUM(T, pid, "Its pid, as announced.", .min = 1, .max = ID_MAX), \
		FIELD_STR( \
			T, tag, "Instead of the pid: its tag.", .min = 1, .max = MESSAGE_TAG_MAX)
#define TERMINAL_SIZE(T, ...) \
	FIELD_NUM(T, columns, "Columns of its terminal.", .min = 1, .max = MESSAGE_TERMINAL_MAX, \
		__VA_ARGS__), \
		FIELD_NUM(T, rows, "Rows of its terminal.", .min = 1, .max = MESSAGE_TERMINAL_MAX, \
			__VA_ARGS__)
/* How it ended. */
#define ENDED(T) \
	FIELD_NUM(T, status, "Exit status.", .min = 0, .max = 255, .default_value = -1), \
		FIELD_NUM(T, signal, "The signal that killed it.", .min = 1, .max = 64), \
		FIELD_FLAG(T, timed_out, "It was killed at its timeout.")

#define EXEC struct msg_exec
static const struct field exec_fields[] = {
	FIELD_STR(EXEC, command,
		"Command for a login shell; if this and `arguments` are absent, it is the tail.",
		.min = 1, .max = MESSAGE_COMMAND_MAX),
	FIELD_NUM(EXEC, arguments,
		"Instead of a shell, a program with its arguments: so many texts in the tail, a NUL "
		"after each.",
		.min = 1, .max = MESSAGE_ARGV_MAX),
	FIELD_STR(EXEC, cwd, "Working directory; default: the home directory.", .min = 1,
		.max = MESSAGE_PATH_MAX),
	FIELD_JSON(EXEC, environment, "An object: further variables."),
	FIELD_STR(EXEC, user,
		"Run it as this user, by sudo. unsupported: the sandbox has no such user.",
		.min = 1, .max = MESSAGE_USER_MAX),
	FIELD_STR(EXEC, tag, "A name by which requests find it.", .min = 1, .max = MESSAGE_TAG_MAX),
	FIELD_STR(EXEC, note, "A text of the server's, which `processes` returns.", .min = 1,
		.max = MESSAGE_NOTE_MAX),
	FIELD_NUM(EXEC, timeout_ms, "Time after which it is killed; absent: none.", .min = 1,
		.max = DAY_MS),
	TERMINAL_SIZE(EXEC),
	FIELD_FLAG(EXEC, input, "Its stdin is the channel `stdin`; otherwise it is empty."),
	FIELD_FLAG(EXEC, background,
		"It outlives the request: cancelling leaves it running, with its stdin open. It ends "
		"when its outputs are closed, or at once if a signal ends it."),
	FIELD_FLAG(EXEC, at_exit,
		"One in the background ends when it exits, although its children may still print."),
	END,
};

#define STARTED struct msg_started
static const struct field started_fields[] = {
	FIELD_NUM(STARTED, pid, "Of the process.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_FLAG(STARTED, ended, "It has ended already; the answer follows."),
	FIELD_NUM(STARTED, ended_ms, "Since its end.", .max = COUNT_MAX),
	FIELD_FLAG(STARTED, terminal, "It has a terminal."),
	END,
};

#define SIGNAL struct msg_signal
static const struct field signal_fields[] = {
	FIELD_NUM(SIGNAL, signal, "Its number.", REQUIRED, .min = 1, .max = 64),
	END,
};

static const struct field talk_resize_fields[] = {
	TERMINAL_SIZE(struct msg_resize, REQUIRED),
	END,
};

#define EXITED struct msg_exec_answer
static const struct field exec_answer_fields[] = {
	ENDED(EXITED),
	FIELD_NUM(EXITED, ms, "It took.", REQUIRED, .max = MS_MAX),
	END,
};

static const struct field attach_fields[] = {
	NAMED(struct msg_attach),
	END,
};

static const struct field processes_fields[] = {
	FIELD_FLAG(struct msg_processes, notes, "With their notes."),
	END,
};

#define PROCESSES struct msg_processes_answer
static const struct field processes_answer_fields[] = {
	FIELD_JSON(PROCESSES, processes, "Those that run, and the last that ended; newest first.",
		REQUIRED),
	END,
};

#define ROW struct msg_process_row
const struct field msg_process_row_fields[] = {
	FIELD_NUM(ROW, pid, "Its pid.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_STR(ROW, tag, "Its tag.", .min = 1, .max = MESSAGE_TAG_MAX),
	FIELD_STR(ROW, command, "Command, or program and arguments; its beginning.", REQUIRED,
		.max = MESSAGE_TEXT_MAX),
	FIELD_STR(ROW, cwd, "Working directory at its start.", REQUIRED, .max = MESSAGE_PATH_MAX),
	FIELD_STR(ROW, note, "Its note, if requested.", .max = MESSAGE_NOTE_MAX),
	TERMINAL_SIZE(ROW),
	FIELD_FLAG(ROW, background, "It was started in the background."),
	FIELD_FLAG(ROW, input, "Its stdin is open."),
	FIELD_FLAG(ROW, running, "It has not ended."),
	ENDED(ROW),
	FIELD_NUM(ROW, ms, "Since its start, or until its end.", REQUIRED, .max = COUNT_MAX),
	FIELD_NUM(ROW, out, "Bytes on stdout so far.", .max = COUNT_MAX),
	FIELD_NUM(ROW, err, "Bytes on stderr so far.", .max = COUNT_MAX),
	END,
};

#define OUTPUT struct msg_process_output
static const struct field output_fields[] = {
	NAMED(OUTPUT),
	FIELD_NUM(OUTPUT, out, "Offset in its stdout to read from; -1: none of it.", .min = -1,
		.max = COUNT_MAX),
	FIELD_NUM(OUTPUT, err, "Offset in its stderr to read from; -1: none of it.", .min = -1,
		.max = COUNT_MAX),
	FIELD_NUM(OUTPUT, max, "Maximum bytes.", REQUIRED, .min = 1, .max = PROCESS_OUTPUT_MAX),
	FIELD_NUM(OUTPUT, wait_ms, "Time to wait for output after the offsets, or for its end.",
		.max = DAY_MS),
	FIELD_FLAG(OUTPUT, end, "Wait for its end only."),
	END,
};

#define OUTPUT_ANSWER struct msg_process_output_answer
static const struct field output_answer_fields[] = {
	FIELD_NUM(OUTPUT_ANSWER, pid, "Of the process.", REQUIRED, .min = 1, .max = ID_MAX),
	FIELD_NUM(OUTPUT_ANSWER, out,
		"Offset of the returned bytes of stdout: later than requested if older ones are "
		"dropped.",
		.max = COUNT_MAX),
	FIELD_NUM(OUTPUT_ANSWER, err, "The same of stderr.", .max = COUNT_MAX),
	FIELD_NUM(OUTPUT_ANSWER, out_bytes, "Bytes of stdout, the beginning of the tail.",
		.max = PROCESS_OUTPUT_MAX),
	FIELD_NUM(OUTPUT_ANSWER, err_bytes, "Bytes of stderr, the rest of the tail.",
		.max = PROCESS_OUTPUT_MAX),
	FIELD_NUM(OUTPUT_ANSWER, out_total, "Bytes on stdout so far.", .max = COUNT_MAX),
	FIELD_NUM(OUTPUT_ANSWER, err_total, "Bytes on stderr so far.", .max = COUNT_MAX),
	FIELD_FLAG(OUTPUT_ANSWER, running, "It has not ended."),
	ENDED(OUTPUT_ANSWER),
	FIELD_NUM(OUTPUT_ANSWER, ms, "Since its start, or until its end.", REQUIRED,
		.max = COUNT_MAX),
	END,
};

static const char *const process_stdin_names[] = { "any", "pipe", "terminal", NULL };

static const struct field input_fields[] = {
	NAMED(struct msg_process_input),
	FIELD_ONE_OF(struct msg_process_input, to,
		"What its stdin must be; state: it is something else.", process_stdin_names),
	FIELD_TEXT_LIST(struct msg_process_input, keys,
		"After the bytes, keys pressed at its terminal: \"ctrl+c\", \"Up\", \"F5\", \"x\".",
		PROCESS_KEYS_MAX),
	FIELD_NUM(struct msg_process_input, wait_ms,
		"Answer after this time, although the process has not read everything; 0: wait.",
		.max = DAY_MS),
	FIELD_FLAG(struct msg_process_input, end, "Close its stdin after the bytes."),
	END,
};

static const struct field input_answer_fields[] = {
	FIELD_NUM(struct msg_process_input_answer, pending,
		"Bytes that wait until the process reads; they stay.", .max = COUNT_MAX),
	END,
};

static const struct field process_signal_fields[] = {
	NAMED(struct msg_process_signal),
	FIELD_NUM(struct msg_process_signal, signal, "Its number.", REQUIRED, .min = 1, .max = 64),
	FIELD_FLAG(struct msg_process_signal, tree,
		"SIGKILL it and all its descendants, whatever `signal` says."),
	END,
};

static const struct field resize_fields[] = {
	NAMED(struct msg_process_resize),
	TERMINAL_SIZE(struct msg_process_resize, REQUIRED),
	END,
};

static const struct field screen_fields[] = {
	NAMED(struct msg_process_screen),
	FIELD_NUM(struct msg_process_screen, quiet_ms,
		"Answer when it has printed nothing for so long.", .max = DAY_MS),
	FIELD_FLAG(struct msg_process_screen, printed, "And not before it has printed anything."),
	FIELD_NUM(struct msg_process_screen, wait_ms, "But after this time at the latest.",
		.max = DAY_MS),
	END,
};

#define SCREEN struct msg_process_screen_answer
static const struct field screen_answer_fields[] = {
	TERMINAL_SIZE(SCREEN, REQUIRED),
	FIELD_JSON(
		SCREEN, lines, "An array of `rows` texts, without spaces at their ends.", REQUIRED),
	FIELD_NUM(SCREEN, column, "Of the cursor, from 0.", .max = MESSAGE_TERMINAL_MAX),
	FIELD_NUM(SCREEN, row, "Of the cursor, from 0.", .max = MESSAGE_TERMINAL_MAX),
	FIELD_NUM(SCREEN, total, "Bytes that it has printed so far.", .max = COUNT_MAX),
	FIELD_FLAG(SCREEN, cursor, "It is visible."),
	FIELD_FLAG(SCREEN, alternate, "A full-screen program shows its own screen."),
	FIELD_FLAG(SCREEN, running, "It has not ended."),
	ENDED(SCREEN),
	END,
};

const struct message message_started = {
	.name = "started",
	.help = "The process runs. Comes before its output.",
	.request = PART(STARTED, started_fields),
};

const struct message message_signal = {
	.name = "signal",
	.help = "Sends a signal to the process group.",
	.request = PART(SIGNAL, signal_fields),
};

const struct message message_resize = {
	.name = "resize",
	.help = "Resizes its terminal.",
	.request = PART(struct msg_resize, talk_resize_fields),
};

static bool check_exec(const void *answer, struct err *err)
{
	const EXITED *end = answer;
	return (end->status < 0) != (end->signal == 0) ||
	       err_set(err, ERR_ARGUMENT, "either 'status' or 'signal' is required");
}

static const struct message_talk exec_talk = {
	.host = { { "stdin" }, { &message_signal, &message_resize } },
	.agent = { { "stdout", "stderr" }, { &message_started } },
};

const struct message message_exec = {
	.name = "exec",
	.help = "Runs a command as the desktop's user; unless it is in the background, it is killed "
		"with all its children when it is cancelled, and always at the timeout. Its stdin "
		"closes when the server ends its direction. With `columns` and `rows` it has a "
		"terminal, which is its stdin, stdout and stderr.",
	.request = PART(EXEC, exec_fields, .tail_max = MESSAGE_COMMAND_MAX),
	.answer = PART(EXITED, exec_answer_fields),
	.check = check_exec,
	.talk = &exec_talk,
};

const struct message message_attach = {
	.name = "attach",
	.help = "A further connection to a process, from now on: `exec` without the start. "
		"Announces it. Cancelling leaves it running. A process is as fast as its slowest "
		"reader.",
	.request = PART(struct msg_attach, attach_fields),
	.answer = PART(EXITED, exec_answer_fields),
	.check = check_exec,
	.talk = &exec_talk,
};

const struct message message_processes = {
	.name = "processes",
	.help = "What `exec` has started.",
	.request = PART(struct msg_processes, processes_fields),
	.answer = PART(PROCESSES, processes_answer_fields),
	.members = MEMBERS({ "processes", msg_process_row_fields }),
};

static bool check_output(const void *answer, struct err *err)
{
	const OUTPUT_ANSWER *out = answer;
	return out->running || (out->status < 0) != (out->signal == 0) ||
	       err_set(err, ERR_ARGUMENT, "'running', 'status' or 'signal' is required");
}

const struct message message_process_output = {
	.name = "process_output",
	.help = "The output of a process from an offset on: what is kept of it, the newest 16 MiB of "
		"each stream.",
	.request = PART(OUTPUT, output_fields),
	.answer = PART(OUTPUT_ANSWER, output_answer_fields, .tail_max = PROCESS_OUTPUT_MAX),
	.check = check_output,
};

const struct message message_process_input = {
	.name = "process_input",
	.help = "Writes the tail to the stdin of a process; answered when it was written. An error "
		"if the process has no stdin or has closed it.",
	.request = PART(struct msg_process_input, input_fields, .tail_max = PROCESS_INPUT_MAX),
	.answer = PART(struct msg_process_input_answer, input_answer_fields),
};

const struct message message_process_signal = {
	.name = "process_signal",
	.help = "Sends a signal to the process group of a process.",
	.request = PART(struct msg_process_signal, process_signal_fields),
	.answer = NOTHING,
};

const struct message message_process_resize = {
	.name = "process_resize",
	.help = "Resizes the terminal of a process.",
	.request = PART(struct msg_process_resize, resize_fields),
	.answer = NOTHING,
};

static bool check_screen(const void *answer, struct err *err)
{
	const SCREEN *screen = answer;
	size_t i;
	json_t *line;
	if (json_array_size(screen->lines) != (size_t)screen->rows) {
		return err_set(err, ERR_ARGUMENT, "'lines' must be an array of %lld texts",
			(long long)screen->rows);
	}
	json_array_foreach(screen->lines, i, line)
	{
		if (!json_is_string(line)) {
			return err_set(err, ERR_ARGUMENT, "'lines' must hold texts");
		}
	}
	return true;
}

const struct message message_process_screen = {
	.name = "process_screen",
	.help = "What the terminal of a process shows.",
	.request = PART(struct msg_process_screen, screen_fields),
	.answer = PART(SCREEN, screen_answer_fields),
	.check = check_screen,
};

const struct message *const messages_process[] = { &message_exec, &message_attach,
	&message_processes, &message_process_output, &message_process_input,
	&message_process_signal, &message_process_resize, &message_process_screen, NULL };
