/*
 * Options without effect: the feature they belong to is not enabled, or does not exist.  Ignoring
 * them silently would suggest a limit, a token or an image that is not used.  On the command line
 * they are errors.  In the configuration file, which serves several ways to start, they cause
 * warnings.
 */
#include "server/config/options.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "vm/image/image.h"
#include "vm/state/state.h"

#include <stdio.h>
#include <string.h>

enum condition { HTTP, LISTENER, E2B, NO_HTTP, MACHINES };

/* What each option requires.  Streams use the other options of HTTP even over stdio. */
static const struct rule {
	const char *option;
	enum condition needs;
} rules[] = {
	{ "stdio", LISTENER },
	{ "tokens", LISTENER },
	{ "no-auth", LISTENER },
	{ "open-metrics", HTTP },
	{ "auth-server", HTTP },
	{ "stream-listen", NO_HTTP },
	{ "e2b-domain", E2B },
	{ "image", MACHINES },
	{ "network", MACHINES },
	{ "accel", MACHINES },
	{ "keep", MACHINES },
	{ "warm", MACHINES },
	{ "max-saved", MACHINES },
	{ "max-saved-mib", MACHINES },
	{ "on-timeout", MACHINES },
};

static const char *const sentences[] = {
	[HTTP] = "has no effect without --http; add an address to listen at, such as --http "
		 "127.0.0.1:8765, or remove it",
	[LISTENER] = "has no effect without --http or --e2b; add an address to listen at, such as "
		     "--http 127.0.0.1:8765, or remove it",
	[E2B] = "has no effect without --e2b or --e2b-tls; add an address to listen at, such as --e2b "
		"127.0.0.1:3000, or remove it",
	[NO_HTTP] = "has no effect with --http, whose listener also serves the streams; remove one "
		    "of the two",
	[MACHINES] = "applies to microVMs, but --backend is namespace; remove one of the two",
};

static bool holds(const struct config *config, enum condition condition)
{
	switch (condition) {
	case HTTP:
		return config->http.listen;
	case LISTENER:
		return config_listens(config);
	case E2B:
		return config_serves_e2b(config);
	case NO_HTTP:
		return !config->http.listen;
	default:
		return strcmp(config->vm.backend, "namespace") != 0;
	}
}

/* Giving the default explicitly has no effect anywhere, so it is accepted. */
static bool is_changed(const struct config *config, const char *name)
{
	struct field field[2] = { option_find(name)->field };
	json_auto_t *changed = field_encode(field, config);
	return json_object_size(changed) > 0;
}

/* False: it was on the command line. */
static bool refuse(
	const struct config *config, const char *name, const char *sentence, struct err *err)
{
	if (json_is_true(json_object_get(config->given, name))) {
		return err_set(err, ERR_ARGUMENT, "--%s %s", name, sentence);
	}
	log_warning("%s: '%s' %s", config->file ? config->file : "", name, sentence);
	return true;
}

/* ---- images ---- */

static char *images_dir(const struct config *config, struct err *err)
{
	auto_free char *dir =
		config->vm.state_dir ? must(strdup(config->vm.state_dir)) : state_default_dir(err);
	auto_buf struct buf path = { 0 };
	if (!dir) {
		return NULL;
	}
	buf_printf(&path, "%s/images", dir);
	return (char *)take_ptr(&path.data);
}

static bool check_image(const struct config *config, const char *images, const char *option,
	const char *image, struct err *err)
{
	char sentence[sizeof(err->text)];
	auto_image struct image found = { 0 };
	struct err why = { 0 };
	if (image_find(images, image, &found, &why)) {
		return true;
	}
	snprintf(sentence, sizeof(sentence), "cannot be used: %.440s", why.text);
	return refuse(config, option, sentence, err);
}

/* The fake backend accepts any name. */
static bool check_images(const struct config *config, const char *const *taken, struct err *err)
{
	const struct vm_config *vm = &config->vm;
	bool warms = option_is_taken("warm", taken);
	bool needed = vm->default_spec.image || (warms && (vm->warm || vm->n_warm_images));
	if (!needed || !holds(config, MACHINES) || strcmp(vm->backend, "fake") == 0) {
		return true;
	}
	auto_free char *images = images_dir(config, err);
	bool good = images && (!vm->default_spec.image || check_image(config, images, "image",
								  vm->default_spec.image, err));
	if (good && warms && vm->warm && !vm->default_spec.image) {
		good = check_image(config, images, "warm", NULL, err);
	}
	for (size_t i = 0; good && warms && i < vm->n_warm_images; i++) {
		good = check_image(config, images, "warm", vm->warm_images[i].image, err);
	}
	return good;
}

bool config_check_effect(const struct config *config, const char *const *taken, struct err *err)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		const struct rule *rule = &rules[i];
		if (option_is_taken(rule->option, taken) && !holds(config, rule->needs) &&
			is_changed(config, rule->option) &&
			!refuse(config, rule->option, sentences[rule->needs], err)) {
			return false;
		}
	}
	return check_images(config, taken, err);
}
