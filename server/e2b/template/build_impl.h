#ifndef SERVER_E2B_TEMPLATE_BUILD_IMPL_H
#define SERVER_E2B_TEMPLATE_BUILD_IMPL_H

/* Shared by the files of this folder. */

#include "server/e2b/template/build.h"
#include "server/e2b/template/names.h"

#include "base/buf.h"
#include "base/id.h"
#include "vm/guest/conversation.h"
#include "vm/guest/guest.h"

#define BUILDS_MAX 64        /* kept, of all owners; an ended one makes room */
#define BUILDS_OPEN_MAX 8    /* not ended, of one owner */
#define BUILD_STEPS_MAX 200  /* of one build */
#define BUILD_UPLOADS_MAX 64 /* of one build */
#define BUILD_UPLOAD_MAX (1ull << 30)
#define BUILD_HELD_MAX (8ull << 30) /* bytes of uploads of one owner's builds */
#define BUILD_LOG_MAX (4u << 20)    /* bytes of memory of one build's log */
#define BUILD_LOG_LINE_MAX 4000     /* bytes */
#define BUILD_KEPT_MS (3600 * 1000) /* after its end, or without a start */

TAILQ_HEAD(builds, build);
TAILQ_HEAD(build_uploads, build_upload);

struct e2b_builds {
	struct e2b *e2b;
	struct builds list;
	size_t n;
};

/* The archive of a COPY. */
struct build_upload {
	TAILQ_ENTRY(build_upload) entry;
	char *hash;
	int fd; /* an unnamed file */
	uint64_t bytes;
};

struct build_step {
	const struct build_step_kind *kind;
	const char *args[4]; /* of the build's JSON; absent ones are "" */
	const char *hash;    /* of its files, or NULL */
	const json_t *all;   /* all arguments */
};

enum build_status { BUILD_WAITING, BUILD_RUNNING, BUILD_READY, BUILD_ERROR };

struct build {
	TAILQ_ENTRY(build) entry;
	struct e2b_builds *builds;
	char id[37], template_id[ID_LEN + 1]; /* id: a UUID, as SDKs expect it */
	char *owner, *name;                   /* name: normalized */
	json_t *tags;                         /* further ones */
	int64_t cpus, memory_mib;
	struct build_uploads uploads;
	uint64_t held; /* bytes of uploads, also of those in transit */
	int status;    /* enum build_status */
	json_t *logs;
	size_t log_bytes;
	char *reason, *reason_step;
	sd_event_source *expiry;

	/* while it runs */
	json_t *request; /* owns the texts of steps */
	struct build_step steps[BUILD_STEPS_MAX];
	size_t n_steps, at;
	const char *start_command, *ready_command;
	char *user, *directory;
	struct vm *vm;
	struct vm_wait *wait;
	unsigned pending; /* callbacks that follow */
	bool orphan;      /* it is freed with the last of them */
	int ready_tries;
	struct conversation *copy;
	struct build_upload *copied;
	void (*copied_then)(struct build *b);
	struct buf line;        /* the begin of a line of output */
	sd_event_source *again; /* of the ready command */
};

/* ---- requests.c ---- */

/* The i-th part of the path, from 0; "" without it. */
void build_path_part(const struct e2b_request *r, int i, char ret[80]);
/* owner NULL: of any.  build "": any of the template.  NULL: answered with 404. */
struct build *build_find(struct e2b_request *r, const char *owner, const char *template_id,
	const char *build) NODISCARD;

/* ---- build.c ---- */

/* Whether one more fits; an ended one is removed for it if necessary. */
bool build_make_room(struct e2b_builds *builds, const char *owner, struct err *err) NODISCARD;
struct build *build_new(struct e2b_builds *builds, const char *owner, const char *name);

void build_log(struct build *b, const char *level, const char *fmt, ...) PRINTF(3, 4);
/* Its end, once: whether it is ready; otherwise why, and at which step ("base", "1", "finalize"). */
void build_end(struct build *b, const char *step, const struct err *why);
struct build_upload *build_upload_find(struct build *b, const char *hash);
/* Takes bytes of its owner's share for uploads.  False: it is used up. */
bool build_hold(struct build *b, uint64_t bytes) NODISCARD;
/* A callback has come.  False: the build has ended meanwhile, and may be freed. */
bool build_arrived(struct build *b);
/* Gives the template its names. */
bool build_publish(struct build *b, const char *snapshot, struct err *err) NODISCARD;

/* ---- run.c ---- */

/* from: a snapshot's id, or NULL for the default image. */
bool build_run(struct build *b, const char *from, struct err *err) NODISCARD;
void build_stop(struct build *b); /* what runs; no callback follows */
/* A step is done, or failed. */
void build_step_done(struct build *b, const struct err *why);
/* Runs a command of a step in bash; its output is logged.  user NULL: the current one.  variables: an
 * object of texts, or NULL; not kept. */
/* A directory of WORKDIR, from the one before; to free(). */
char *build_directory(const char *before, const char *given);
void build_command(struct build *b, const char *user, const char *command, const json_t *variables);
/* Writes the upload into the sandbox at BUILD_ARCHIVE, then calls then(). */
#define BUILD_ARCHIVE "/tmp/vitrine-build-files"
void build_copy(struct build *b, struct build_upload *upload, void (*then)(struct build *b));

/* ---- steps.c ---- */

struct build_step_kind {
	const char *name;
	size_t args; /* required */
	void (*run)(struct build *b, const struct build_step *step);
};
const struct build_step_kind *build_step_kind_find(const char *name);

#endif
