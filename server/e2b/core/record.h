#ifndef SERVER_E2B_CORE_RECORD_H
#define SERVER_E2B_CORE_RECORD_H

#include "vm/core/vm.h"

/*
 * What E2B's API knows of a sandbox beyond its specification.  It is the `api` member of the
 * specification, so it survives a pause, a restart and a fork.
 */
struct e2b_record {
	const char *template_id;
	bool auto_resume; /* a request resumes it when it is paused */
	bool forgets;     /* its programs do not survive a pause */
	bool has_network; /* it was said whether it has internet access */
	bool is_closed;   /* its ports require the traffic token */
	const char *
		mask_host; /* the Host for programs in it, "localhost:${PORT}"; NULL: the client's */
	const json_t *network; /* as given; NULL: not */
	/* Of commands that name none, by its template; NULL: the desktop's user, the home directory. */
	const char *user, *directory;
};

/* Of any sandbox; what was not created by this API has the defaults.  Valid as long as its spec. */
struct e2b_record e2b_record_of(const struct vm_spec *spec);

/* The member for a new sandbox; checks what the API has given.  network: as given, or NULL. */
json_t *e2b_record_make(const struct e2b_record *record, struct err *err) NODISCARD;

#endif
