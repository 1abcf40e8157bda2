/* The steps of a build, with the arguments that E2B's SDKs send. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"

#include <string.h>

static const struct build_step *current(const struct build *b)
{
	return &b->steps[b->at];
}

/* RUN COMMAND [USER] */
static void run_run(struct build *b, const struct build_step *step)
{
	build_command(b, step->args[1][0] ? step->args[1] : NULL, step->args[0], NULL);
}

/*
 * COPY SOURCE DESTINATION [USER] [MODE], as in a Dockerfile: the contents of a directory are copied,
 * and several sources go into a directory.  SOURCE is a pattern in the archive.
 */
static const char copy_script[] =
	"set -eu\n"
	"work=$(mktemp -d)\n"
	"trap 'rm -rf \"$work\" " BUILD_ARCHIVE "' EXIT\n"
	"tar -xf " BUILD_ARCHIVE " --no-same-owner -C \"$work\"\n"
	"cd \"$work\"\n"
	"shopt -s dotglob nullglob\n"
	"IFS=\n"
	"[ -e \"$COPY_SOURCE\" ] && sources=(\"$COPY_SOURCE\") || sources=($COPY_SOURCE)\n"
	"[ ${#sources[@]} -gt 0 ] || { echo \"no file matches '$COPY_SOURCE'\" >&2; exit 1; }\n"
	"chown -hR \"$COPY_USER\": \"$work\"\n"
	"[ -z \"$COPY_MODE\" ] || chmod -R \"$COPY_MODE\" \"${sources[@]}\"\n"
	"case $COPY_DESTINATION in /*) to=$COPY_DESTINATION ;; *) to=$COPY_DIRECTORY/$COPY_DESTINATION ;; esac\n"
	"directory() { [ -d \"$1\" ] || { mkdir -p \"$1\"; chown \"$COPY_USER\": \"$1\"; }; }\n"
	"for from in \"${sources[@]}\"; do\n"
	"	if [ -d \"$from\" ] && [ ! -L \"$from\" ]; then\n"
	"		directory \"$to\"; cp -a -- \"$from/.\" \"$to/\"\n"
	"	elif [ ${#sources[@]} -gt 1 ] || [ -d \"$to\" ] || [ \"${to%/}\" != \"$to\" ]; then\n"
	"		directory \"$to\"; cp -a -- \"$from\" \"$to/\"\n"
	"	else\n"
	"		directory \"$(dirname \"$to\")\"; cp -a -- \"$from\" \"$to\"\n"
	"	fi\n"
	"done\n";

static void copy_arrived(struct build *b)
{
	const struct build_step *step = current(b);
	json_auto_t *variables = must(json_pack("{s:s, s:s, s:s, s:s, s:s}", "COPY_SOURCE",
		step->args[0], "COPY_DESTINATION", step->args[1], "COPY_USER",
		step->args[2][0] ? step->args[2] : b->user, "COPY_MODE", step->args[3],
		"COPY_DIRECTORY", b->directory));
	build_command(b, "root", copy_script, variables);
}

static void run_copy(struct build *b, const struct build_step *step)
{
	struct build_upload *upload = step->hash ? build_upload_find(b, step->hash) : NULL;
	struct err err;
	if (upload) {
		build_copy(b, upload, copy_arrived);
		return;
	}
	err_set(&err, ERR_ARGUMENT, "the files of COPY %.200s were not uploaded", step->args[0]);
	build_step_done(b, &err);
}

/* WORKDIR DIRECTORY */
static void run_workdir(struct build *b, const struct build_step *step)
{
	char *path = build_directory(b->directory, step->args[0]);
	json_auto_t *variables =
		must(json_pack("{s:s, s:s}", "MADE_DIRECTORY", path, "MADE_USER", b->user));
	free(b->directory);
	b->directory = path;
	build_command(b, "root",
		"[ -d \"$MADE_DIRECTORY\" ] || { mkdir -p \"$MADE_DIRECTORY\" && "
		"chown \"$MADE_USER\": \"$MADE_DIRECTORY\"; }",
		variables);
}

/* USER NAME */
static void run_user(struct build *b, const struct build_step *step)
{
	free(b->user);
	b->user = must(strdup(step->args[0]));
	json_auto_t *variables = must(json_pack("{s:s}", "USER_NAME", b->user));
	build_command(b, "root", "id -u -- \"$USER_NAME\" > /dev/null", variables);
}

/* ENV NAME VALUE ...: set when the sandbox was created (run.c). */
static void run_env(struct build *b, const struct build_step *step)
{
	(void)step;
	build_step_done(b, NULL);
}

static const struct build_step_kind kinds[] = {
	{ "RUN", 1, run_run },
	{ "COPY", 2, run_copy },
	{ "ENV", 2, run_env },
	{ "WORKDIR", 1, run_workdir },
	{ "USER", 1, run_user },
};

const struct build_step_kind *build_step_kind_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			return &kinds[i];
		}
	}
	return NULL;
}
