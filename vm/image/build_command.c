#include "vm/image/build_command.h"

#include "base/cleanup.h"
#include "vm/image/host.h"
#include "vm/image/isolation.h"
#include "vm/image/plan.h"

#include <stdarg.h>
#include <string.h>

/* Its own clean-up follows links of the tree; rootfs_tidy() is used instead. */
static const char *const fixed_args[] = { "mmdebstrap", "--mode=unshare", "--format=null",
	"--variant=minbase", "--verbose",
	"--skip=cleanup/apt,cleanup/reproducible,cleanup/run,cleanup/tmp",
	"--dpkgopt=path-exclude=/usr/share/man/*",
	"--dpkgopt=path-exclude=/usr/share/locale/*/LC_MESSAGES/*",
	"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/help/*",
	"--dpkgopt=path-exclude=/usr/share/info/*", "--dpkgopt=path-exclude=/usr/share/gtk-doc/*",
	"--dpkgopt=path-include=/usr/share/doc/*/copyright" };

static void add(json_t *args, const char *fmt, ...) PRINTF(2, 3);

static void add(json_t *args, const char *fmt, ...)
{
	va_list list;
	va_start(list, fmt);
	json_array_append_new(args, json_vsprintf(fmt, list));
	va_end(list);
}

json_t *build_command_finisher(void)
{
	json_t *args = json_array();
	add(args, "/proc/self/fd/%d", PLAN_SELF);
	add(args, "image");
	add(args, "finish");
	add(args, PLAN_TREE);
	return args;
}

json_t *build_command_mmdebstrap(const struct recipe *recipe, struct err *err)
{
	size_t i;
	const json_t *one;
	json_auto_t *args = json_array(), *options = build_host_aptopts();
	json_auto_t *sources = build_host_sources(err);
	if (!sources) {
		return NULL;
	}
	for (i = 0; i < sizeof(fixed_args) / sizeof(*fixed_args); i++) {
		add(args, "%s", fixed_args[i]);
	}
	add(args, "--customize-hook=exec /proc/self/fd/%d image finish \"$1\"", PLAN_SELF);
	json_array_foreach(options, i, one)
	{
		add(args, "--aptopt=%s", json_string_value(one));
	}
	json_array_foreach(recipe->packages, i, one)
	{
		add(args, "--include=%s", json_string_value(one));
	}
	add(args, "%s", ""); /* the sources contain the suites */
	add(args, "/dev/null");
	json_array_foreach(sources, i, one)
	{
		add(args, "%s", json_string_value(one));
	}
	return json_incref(args);
}

void build_command_environment(struct buf *out)
{
	static const char *const kept[] = { "http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "HOME", "USER" };
	buf_printf(out, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n"
			"LC_ALL=C.UTF-8\nSOURCE_DATE_EPOCH=1700000000\nTMPDIR=" ISOLATION_TMP "\n");
	for (size_t i = 0; i < sizeof(kept) / sizeof(*kept); i++) {
		const char *value = getenv(kept[i]);
		if (value && !strchr(value, '\n')) {
			buf_printf(out, "%s=%s\n", kept[i], value);
		}
	}
}
