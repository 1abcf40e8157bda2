#ifndef VM_SPEC_SPEC_H
#define VM_SPEC_SPEC_H

#include "base/field.h"
#include "vm/wire/geometry.h"

/* The specification of a sandbox, and the configuration of the pool. */

/* Limits of one sandbox.  Plain values; zero is the pool's default. */
struct vm_limits {
	int64_t memory_mib;
	int64_t processes;
	int64_t files;
	int64_t disk_mib; /* of each private file system */
	int64_t cpus;     /* virtual CPUs; with namespaces shares of real ones, if cgroups work */
};

enum vm_network { VM_NETWORK_NONE, VM_NETWORK_INTERNET };
extern const char *const vm_network_names[]; /* "none", "internet" */

enum vm_on_timeout { VM_TIMEOUT_KILL, VM_TIMEOUT_PAUSE };
extern const char *const vm_on_timeout_names[];

/* The specification of a new sandbox.  A zero or NULL member is the pool's default, except network
 * and on_timeout, whose zero is a value.  Copied. */
struct vm_spec {
	const char *image; /* a recipe's name or an image's id */
	struct size screen;
	int64_t scale; /* how large programs draw, in percent */
	struct vm_limits limits;
	int network;               /* enum vm_network */
	int64_t timeout_ms;        /* from creation; -1: none */
	int64_t idle_ms;           /* without a call; -1: none */
	int on_timeout;            /* enum vm_on_timeout */
	const json_t *labels;      /* an object of short strings */
	const json_t *environment; /* variables of its commands and programs, an object of texts */
	const json_t *api;         /* an object of the API that created it, which only that reads */
	/* a snapshot's id, which then determines image, screen, scale, limits and network */
	const char *from;
};

/* The same in the form of arguments and options: a screen as "1280x800", a timeout in seconds, 0
 * for none.  A member that is not set is NULL or negative. */
struct vm_spec_args {
	const char *image, *screen;
	int64_t scale, memory, cpus, processes, files, disk, timeout, idle_timeout;
	int network, on_timeout;
	const json_t *labels, *environment, *api;
};

/* One member of a specification, for options, tools and files on disk. */
struct vm_spec_row {
	/* of struct vm_spec_args: its form, its bounds, and the default of an unconfigured server */
	struct field field;
	const char *stored; /* its name on disk */
	size_t at;          /* offset in struct vm_spec */
	int ms;             /* of a time: milliseconds per unit; otherwise 0 */
};
enum vm_spec_member {
	VM_SPEC_IMAGE,
	VM_SPEC_MEMORY,
	VM_SPEC_CPUS,
	VM_SPEC_SCREEN,
	VM_SPEC_SCALE,
	VM_SPEC_NETWORK,
	VM_SPEC_PROCESSES,
	VM_SPEC_FILES,
	VM_SPEC_DISK,
	VM_SPEC_TIMEOUT,
	VM_SPEC_IDLE_TIMEOUT,
	VM_SPEC_ON_TIMEOUT,
	VM_SPEC_LABELS,
	VM_SPEC_ENVIRONMENT,
	VM_SPEC_API,
	VM_SPEC_MEMBERS
};
extern const struct vm_spec_row vm_spec_rows[VM_SPEC_MEMBERS];
/* The row in a table for a struct T, whose member m is a struct vm_spec_args. */
#define VM_SPEC_FIELD(T, m, called, which, ...) \
	{ \
		.name = called, .like = &vm_spec_rows[which].field, \
		.offset = FIELD_AT(T, m, struct vm_spec_args), __VA_ARGS__ \
	}

#define VM_WARM_IMAGES_MAX 16

struct vm_config {
	const char *backend;         /* "auto" or one of vm_backend_names */
	struct vm_spec default_spec; /* the default of new sandboxes */
	const char *state_dir;       /* NULL: state_default_dir() */
	const char *accel;           /* "auto", "kvm", "tcg" */
	bool keep;                   /* sandboxes continue when the server ends */
	/* and when it is killed; the next server reattaches to them */
	bool outlive;
	/* commands and sandbox tools work while a user has control */
	bool commands_during_takeover;
	int64_t warm; /* size of the warm pool of default sandboxes */
	struct vm_warm_image {
		/* a recipe's name or an image's id; everything else as in the default */
		char image[65];
		int64_t count;
	} warm_images[VM_WARM_IMAGES_MAX]; /* warm pools of other images */
	size_t n_warm_images;
	int64_t max_sandboxes;
	int64_t max_saved, max_saved_mib; /* of an owner without own limits */
	int64_t start_timeout_ms;         /* with a template; a cold boot gets ten times as long */
	/* path of vitrine-agent; NULL: this program's directory, then LIBEXECDIR */
	const char *agent;
};

/* Applies the members that are set to *spec, which then points into *args.  called: the name of the
 * screen argument in an error. */
bool vm_spec_apply(const struct vm_spec_args *args, const char *called, struct vm_spec *spec,
	struct err *err) NODISCARD;
/* Replaces each 0 by the value of an unconfigured server. */
void vm_spec_fill(struct vm_spec *spec);
/* Completes spec with all defaults, checks and copies it.  If true, *ret must be released with
 * vm_spec_done(). */
bool vm_spec_make(const struct vm_spec *default_spec, const struct vm_spec *asked,
	struct vm_spec *ret, struct err *err) NODISCARD;
void vm_spec_copy(const struct vm_spec *from, struct vm_spec *ret);
void vm_spec_done(struct vm_spec *spec);
/* Replaces what of an owned spec is not of its machine: labels, environment, api.  NULL: none. */
void vm_spec_describe(struct vm_spec *spec, const struct vm_spec *as);
/* Whether both can share one VM, whose screen can be resized. */
bool vm_spec_same_machine(const struct vm_spec *a, const struct vm_spec *b);

/* The form on disk.  Reading is strict and includes vm_spec_make(). */
json_t *vm_spec_encode(const struct vm_spec *spec);
bool vm_spec_decode(const json_t *stored, struct vm_spec *ret, struct err *err) NODISCARD;

#endif
