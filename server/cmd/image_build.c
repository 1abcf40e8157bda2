/* vitrine image build: progress on the terminal until the build ends. */
#include "server/cmd/image_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/image/build.h"
#include "vm/image/image.h"
#include "vm/state/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct work {
	sd_event *event;
	struct build *build;
	sd_event_source *second;
	uint64_t began;
	bool terminal, stopping;
	const char *step; /* printed last */
	int percent;
	int status;
};

static unsigned seconds(const struct work *work)
{
	return (unsigned)((loop_now_us() - work->began) / 1000000);
}

/* On a terminal, one line that is overwritten; otherwise one line per step. */
static void show(const struct work *work)
{
	if (work->terminal) {
		printf("\r\033[K%3d %%  %s  %u s", work->percent, work->step, seconds(work));
	} else {
		printf("%3d %%  %s\n", work->percent, work->step);
	}
	fflush(stdout);
}

static void on_progress(const char *step, int percent, void *data)
{
	struct work *work = data;
	bool shows = work->terminal || !work->step || strcmp(work->step, step) != 0;
	work->step = step;
	work->percent = percent;
	if (shows) {
		show(work);
	}
}

static int on_second(sd_event_source *source, uint64_t at, void *data)
{
	(void)source;
	(void)at;
	struct work *work = data;
	loop_drop(&work->second);
	if (work->step) {
		show(work);
	}
	work->second = loop_after_ms(work->event, 1000, on_second, work);
	return 0;
}

static void on_end(const struct image *image, bool was_there, const struct err *err, void *data)
{
	struct work *work = data;
	printf("%s", work->terminal ? "\r\033[K" : "");
	if (!image) {
		work->status = image_cmd_fail(err);
	} else if (was_there) {
		printf("%s: image %s already exists for this recipe and these packages\n",
			image->name, image->id);
	} else {
		printf("%s: image %s, %lld MiB, %u s\n", image->name, image->id,
			(long long)(image->bytes >> 20), seconds(work));
	}
	fflush(stdout);
	sd_event_exit(work->event, 0);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *data)
{
	(void)source;
	(void)info;
	struct work *work = data;
	if (!work->build) {
		return 0;
	}
	if (!work->stopping) {
		fprintf(stderr, "%svitrine image: stopping...\n", work->terminal ? "\r\033[K" : "");
	}
	work->stopping = true;
	loop_drop(&work->second);
	build_cancel(work->build);
	return 0;
}

/* Closing the terminal ends the build, unless nohup ignores SIGHUP. */
static bool watch_hangup(struct work *work, struct err *err)
{
	struct sigaction is;
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	if (sigaction(SIGHUP, NULL, &is) < 0 || is.sa_handler == SIG_IGN) {
		return true;
	}
	int r = sigprocmask(SIG_BLOCK, &set, NULL) < 0
			? -errno
			: sd_event_add_signal(work->event, NULL, SIGHUP, on_signal, work);
	errno = r < 0 ? -r : 0;
	return r >= 0 || err_errno(err, "cannot detect that the terminal was closed");
}

/* A state directory that `serve` would refuse is refused. */
static bool check_state(const struct image_args *args, struct err *err)
{
	struct state *state = state_open(args->state, err);
	if (!state) {
		return false;
	}
	state_close(state);
	return true;
}

int image_cmd_build(struct image_args *args)
{
	struct err err = { 0 };
	struct work work = { .terminal = isatty(STDOUT_FILENO), .began = loop_now_us() };
	struct build_how how = {
		.images = args->images,
		.recipe = args->what,
		.name = args->name,
		.tar = args->from_tar,
		.warm = args->warm,
	};
	if (args->what && args->from_tar) {
		fprintf(stderr, "vitrine image build: a recipe cannot be combined with "
				"--from-tar\n");
		return 2;
	}
	auto_event sd_event *event = loop_new_ending_by(on_signal, &work, &err);
	work.event = event;
	bool ready = event && check_state(args, &err) && watch_hangup(&work, &err);
	work.build = ready ? build_start(event, &how, on_progress, on_end, &work, &err) : NULL;
	if (!work.build) {
		return image_cmd_fail(&err);
	}
	if (work.terminal) {
		work.second = loop_after_ms(event, 1000, on_second, &work);
	}
	sd_event_loop(event);
	loop_drop(&work.second);
	build_free(work.build);
	return work.status;
}
