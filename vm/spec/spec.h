#ifndef VM_SPEC_SPEC_H
#define VM_SPEC_SPEC_H

#include "base/field.h"
#include "vm/wire/geometry.h"

/* What a sandbox is to be, and how the server is set up. */

/* What one sandbox gets.  Plain values; a zero means the pool's default. */
struct vm_limits {
	int64_t memory_mib;
	int64_t processes;
	int64_t files;
	int64_t disk_mib; /* of each private file system */
	int64_t cpus; /* virtual processors; in namespaces shares of real ones, where cgroups work
		       */
};

enum vm_network { VM_NETWORK_NONE, VM_NETWORK_INTERNET };
extern const char *const vm_network_words[]; /* "none", "internet" */

enum vm_on_timeout { VM_TIMEOUT_KILL, VM_TIMEOUT_PAUSE };
extern const char *const vm_on_timeout_words[];

/* What a new sandbox is to be.  A zero or NULL member means the pool's default, but for network
 * and on_timeout, where it is a word.  Copied. */
struct vm_spec {
	const char *image; /* a recipe's name or an image's id */
	struct size screen;
	struct vm_limits limits;
	int network;          /* enum vm_network */
	int64_t timeout_ms;   /* from its creation to its end; -1: none */
	int64_t idle_ms;      /* without a call; -1: none */
	int on_timeout;       /* enum vm_on_timeout */
	const json_t *labels; /* an object of short strings */
	const char *from;     /* a snapshot's id: image, screen, limits and network are then its */
};

/* The same as people and programs write it: a screen as "1280x800", a timeout in seconds, 0 for
 * none.  A member that is left open is NULL or negative. */
struct vm_spec_args {
	const char *image, *screen;
	int64_t memory, cpus, processes, files, disk, timeout, idle_timeout;
	int network, on_timeout;
	const json_t *labels;
};

/* One member of a specification, for everyone who takes one: options, tools, files on disk. */
struct vm_spec_row {
	struct field field; /* of struct vm_spec_args: how it is written, what it may be, the
			       default of a server that was told nothing */
	const char *stored; /* its name on disk */
	size_t at;          /* where it is in struct vm_spec */
	int ms;             /* of a time: milliseconds in its unit; else 0 */
};
enum vm_spec_member {
	VM_SPEC_IMAGE,
	VM_SPEC_MEMORY,
	VM_SPEC_CPUS,
	VM_SPEC_SCREEN,
	VM_SPEC_NETWORK,
	VM_SPEC_PROCESSES,
	VM_SPEC_FILES,
	VM_SPEC_DISK,
	VM_SPEC_TIMEOUT,
	VM_SPEC_IDLE_TIMEOUT,
	VM_SPEC_ON_TIMEOUT,
	VM_SPEC_LABELS,
	VM_SPEC_MEMBERS
};
extern const struct vm_spec_row vm_spec_rows[VM_SPEC_MEMBERS];
/* The row in a table about a struct T, whose member m is a struct vm_spec_args. */
#define VM_SPEC_FIELD(T, m, called, which, ...) \
	{ \
		.name = called, .like = &vm_spec_rows[which].field, \
		.offset = FIELD_AT(T, m, struct vm_spec_args), __VA_ARGS__ \
	}

#define VM_WARM_IMAGES_MAX 16

struct vm_config {
	const char *backend;           /* "auto" or one of vm_backend_words */
	struct vm_spec preset;         /* what a new sandbox is when nobody says otherwise */
	const char *state_dir;         /* NULL: state_default_dir() */
	const char *accel;             /* "auto", "kvm", "tcg" */
	bool keep;                     /* sandboxes go on when the server ends */
	bool outlive;                  /* and when it is killed, for the next one to take over */
	bool commands_during_takeover; /* commands and sandbox tools go on while a person has control */
	int64_t warm;                  /* ready clones of the preset kept in reserve */
	struct vm_warm_image {
		char image[65]; /* a recipe's name or an image's id; all else is as in the preset */
		int64_t count;
	} warm_images[VM_WARM_IMAGES_MAX]; /* and of other images */
	size_t n_warm_images;
	int64_t max_sandboxes;
	int64_t max_saved, max_saved_mib; /* of an owner without limits of its own */
	int64_t start_timeout_ms; /* for one that comes from a template; a cold boot gets ten times
				     that */
	const char *agent; /* path of vitrine-agent; NULL: beside this program, then LIBEXECDIR */
};

/* Lays what is not left open over *spec, which then points into *args.  called: the screen's name in
 * an error. */
bool vm_spec_apply(const struct vm_spec_args *args, const char *called, struct vm_spec *spec,
	struct err *err) NODISCARD;
/* What a server that was told nothing gives a sandbox, in place of each 0. */
void vm_spec_fill(struct vm_spec *spec);
/* What was asked for, with every default filled in, checked and copied.  *ret is to be given to
 * vm_spec_done() when this was true. */
bool vm_spec_make(const struct vm_spec *preset, const struct vm_spec *asked, struct vm_spec *ret,
	struct err *err) NODISCARD;
void vm_spec_copy(const struct vm_spec *from, struct vm_spec *ret);
void vm_spec_done(struct vm_spec *spec);
/* Whether a machine of one can be that of the other. */
bool vm_spec_same_machine(const struct vm_spec *a, const struct vm_spec *b);

/* As it is kept on disk.  Reading is strict, and ends in vm_spec_make(). */
json_t *vm_spec_encode(const struct vm_spec *spec);
bool vm_spec_decode(const json_t *stored, struct vm_spec *ret, struct err *err) NODISCARD;

#endif
