#ifndef VM_GUEST_CODE_H
#define VM_GUEST_CODE_H

#include "vm/guest/guest.h"

/*
 * Code with state, in Jupyter kernels of the sandbox.  A runner (vm/guest/code_runner/) is a process
 * in the background there, which the first request starts; each request is a further connection to
 * it, found by its tag.  So nothing is kept here between requests, and a fork, a pause or another
 * server finds the kernels as they are.
 */

#define CODE_MAX (512u << 10) /* bytes of one request's code */
#define CODE_NAME_MAX 100     /* of a language, of a context */
#define CODE_TIMEOUT_MAX_MS (3600 * 1000)

enum code_op { CODE_RUN, CODE_LIST, CODE_CREATE, CODE_RESTART, CODE_REMOVE };

struct code_request {
	int op;                    /* enum code_op */
	const char *code;          /* run */
	const char *language;      /* run, create; NULL: Python */
	const char *context;       /* run: NULL: the default one of the language */
	const char *cwd;           /* create; NULL: the home directory */
	int64_t timeout_ms;        /* run; 0: none */
	const json_t *environment; /* run: {name: text}, set for this run only; NULL: none */
	bool charts;         /* run: also the data of plots and tables, as e2b/chart and e2b/data */
	int64_t image_bytes; /* larger images are made smaller; base64; 0: no limit of the caller */
	int64_t image_side;  /* in pixels; 0: the same */
};

enum code_lost { CODE_LOST_NOTHING, CODE_LOST_RUNNER, CODE_LOST_KERNEL, CODE_LOST_STOPPED };
enum code_status { CODE_OK, CODE_ERROR, CODE_TIMEOUT, CODE_CANCELLED, CODE_DIED };

/* What a run tells, in order; all of it is checked, UTF-8 and bounded, and valid during the callback. */
struct code_begin {
	const char *context, *language;
	int lost; /* enum code_lost: why the state of an earlier run is gone */
};
struct code_stream {
	int name; /* EXEC_STDOUT, EXEC_STDERR */
	const char *text;
	int64_t omitted; /* characters before it that are not told */
};
struct code_result {
	const json_t *data;      /* {type: text}, see code_kinds */
	const json_t *too_large; /* {type: bytes}: of representations that are left out; or NULL */
	bool main;               /* the value of the last expression */
};
struct code_error {
	const char *name, *value, *traceback;
};
struct code_end {
	int status;         /* enum code_status; of a run */
	const char *reason; /* how its kernel ended; NULL: it runs */
	int64_t ms, count;  /* count: executions of the context */
	const json_t
		*contexts; /* of list, create, restart: array of code_context_fields; or NULL */
	const json_t *languages; /* of list: array of texts; or NULL */
};
struct code_context {
	const char *id, *language, *kernel, *cwd;
	int64_t executions;
	bool is_default, busy, running;
};
extern const struct field code_context_fields[];

enum code_form { CODE_TEXT, CODE_BYTES };
struct code_kind {
	const char *type; /* MIME */
	int form;         /* enum code_form; bytes are base64 */
};
extern const struct code_kind code_kinds[]; /* ends with a row without a type */

struct code;
/* Those before on_end() are called for a run only, and may be NULL otherwise. */
struct code_handlers {
	void (*on_begin)(const struct code_begin *begin, void *data);
	void (*on_stream)(const struct code_stream *stream, void *data);
	void (*on_result)(const struct code_result *result, void *data);
	void (*on_clear)(void *data); /* what was told before is to be replaced */
	void (*on_error)(const struct code_error *error, void *data);
	/* Once, unless code_close() was called before; frees it.  end NULL: it failed.
	 * ERR_UNSUPPORTED: a program is missing, which the text names; ERR_NOT_FOUND: no such context,
	 * language or directory. */
	void (*on_end)(const struct code_end *end, const struct err *err, void *data);
};

/* NULL: the request is too large.  handlers is borrowed, the rest copied. */
struct code *code_open(struct guest *guest, const struct code_request *request,
	const struct code_handlers *handlers, void *data, struct err *err) NODISCARD;
/* Interrupts a run; on_end() follows, with CODE_CANCELLED or ERR_CANCELLED. */
void code_cancel(struct code *code);
/* Interrupts and forgets it: no callback follows.  NULL-safe. */
void code_close(struct code *code);

#endif
