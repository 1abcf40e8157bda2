/* vitrine-agent: runs inside a sandbox and performs all operations on the desktop. */
#include "base/cleanup.h"
#include "base/log.h"
#include "vm/agent/init/init.h"
#include "vm/agent/init/reaper.h"
#include "vm/agent/main/agent.h"
#include "vm/agent/main/as_user.h"
#include "vm/agent/main/shot.h"
#include "vm/agent/process/environment.h"

#include <stdio.h>
#include <sys/prctl.h>

/* Programs of the desktop run as the same user and must not open our memory, which may contain text
 * typed for others. */
static bool close_ourselves(struct err *err)
{
	return prctl(PR_SET_DUMPABLE, 0) == 0 ||
	       err_errno(err, "cannot prevent access by other programs");
}

static int serve(const void *data)
{
	const struct options *options = data;
	struct err err = { 0 };
	log_set_level((enum log_level)options->log_level);
	struct agent_main *agent = NULL;
	if (close_ourselves(&err) && options_limit(options, &err) && environment_init(&err)) {
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

/* Libraries need not clean up, which would take time. */
static _Noreturn void shoot(const char *path)
{
	struct err err;
	if (!shot_write(path, &err)) {
		log_error("%s", err.text);
		_exit(EXIT_FAILURE);
	}
	_exit(EXIT_SUCCESS);
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
	if (options.shot) {
		shoot(options.shot);
	}
	if (!answer && !options.init && !options.helper) {
		reaper_run(serve, &options);
	}
	int status = answer           ? (options.help || options.version ? 0 : 2)
		     : options.helper ? as_user_serve(&options)
				      : init_run();
	options_done(&options);
	return status;
}
