/* vitrine-agent: runs inside a sandbox and does everything there that touches the desktop. */
#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/agent.h"
#include "vm/agent/environment.h"

#include <stdio.h>

static int serve(const struct options *options)
{
	struct err err = { 0 };
	log_set_level((enum log_level)options->log_level);
	struct agent *agent = NULL;
	if (options_limit(options, &err) && environment_init(&err)) {
		agent = agent_new(options, &err);
	}
	if (!agent) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	int status = agent_run(agent);
	agent_free(agent);
	return status;
}

int main(int argc, char **argv)
{
	struct options options;
	struct err err = { 0 };
	if (!options_parse(argc, argv, &options, &err)) {
		log_error("%s", err.text);
		return 2;
	}
	auto_free char *answer = options_answer(&options);
	if (answer) {
		fputs(answer, stdout);
	}
	int status = answer ? (options.help || options.version ? 0 : 2) : serve(&options);
	options_done(&options);
	return status;
}
