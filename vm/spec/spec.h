#ifndef VM_SPEC_SPEC_H
#define VM_SPEC_SPEC_H

#include "base/err.h"
#include "vm/wire/geometry.h"

#include <jansson.h>
#include <stddef.h>
#include <stdbool.h>

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
#define VM_TIMEOUT_MAX_S (30 * 24 * 3600)

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

/* What was asked for, with every default filled in, checked and copied.  *ret is to be given to
 * vm_spec_done() when this was true. */
bool vm_spec_make(const struct vm_spec *preset, const struct vm_spec *asked, struct vm_spec *ret,
	struct err *err) NODISCARD;
void vm_spec_copy(const struct vm_spec *from, struct vm_spec *ret);
void vm_spec_done(struct vm_spec *spec);
/* Whether a machine of one can be that of the other. */
bool vm_spec_same_machine(const struct vm_spec *a, const struct vm_spec *b);

#endif
