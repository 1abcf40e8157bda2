#ifndef VM_AGENT_CORE_OPTIONS_H
#define VM_AGENT_CORE_OPTIONS_H

#include "base/field.h"
#include "vm/wire/geometry.h"

/* The command line of vitrine-agent.  A zero limit means none. */
struct options {
	int64_t link_fd; /* -1: started by hand */
	int64_t init_fd; /* -1: in namespaces; otherwise the link is a port, which may be reopened */
	const char *screen;
	int64_t scale; /* in percent */
	int64_t max_memory, max_processes, max_files;
	int64_t grace; /* ms; -1: without limit */
	int log_level;
	bool init, helper, help, version;
	const char *owner, *shot;

	struct size size; /* screen, parsed */
	json_t *given;    /* owns the texts */
};

bool options_parse(int argc, char **argv, struct options *ret_options, struct err *err) NODISCARD;
void options_done(struct options *options);
/* The text for --help, --version, or a start by hand; NULL: the agent is to run. */
char *options_answer(const struct options *options);
/* Applies the limits to this process and its future children. */
bool options_limit(const struct options *options, struct err *err) NODISCARD;

#endif
