#include "tests/support/kept_image.h"

const char *kept_image_dir(void)
{
	const char *dir = getenv("VITRINE_TEST_STATE");
	return dir && *dir ? dir : NULL;
}

/* The template's key; free() it.  Two tests may come at once: one boots it, the other waits. */
static char *kept_template(const struct vm_config *config)
{
	struct host host;
	struct err err;
	char path[1000];
	host_init(&host, *config);
	char *key = vm_backend_microvm.template_key(host.pool, vm_default_spec(host.pool), &err);
	cr_assert_not_null(key, "%s", err.text);
	snprintf(path, sizeof(path), "%s/templates/%s", config->state_dir, key);
	if (access(path, F_OK) < 0) {
		fprintf(stderr, "booting a machine for all tests\n");
		host_vm(&host);
	}
	host_done(&host);
	return key;
}

/* A directory that has only files. */
static void kept_link(const char *dir)
{
	char from[1000];
	struct dirent *entry;
	snprintf(from, sizeof(from), "%s/%s", kept_image_dir(), dir);
	DIR *files = opendir(from);
	cr_assert_not_null(files, "%s", from);
	cr_assert_eq(mkdir(in_scratch("state/%s", dir), 0700), 0);
	while ((entry = readdir(files))) {
		const char *to = in_scratch("state/%s/%s", dir, entry->d_name);
		cr_assert(entry->d_name[0] == '.' ||
				  linkat(dirfd(files), entry->d_name, AT_FDCWD, to, 0) == 0,
			"%s", to);
	}
	closedir(files);
}

void kept_use(struct vm_config *config)
{
	struct image image;
	struct err err;
	config->state_dir = kept_image_dir();
	config->default_spec.image = "minimal";
	char *key = kept_template(config), dir[200], images[1000];
	snprintf(images, sizeof(images), "%s/images", config->state_dir);
	cr_assert(image_find(images, "minimal", &image, &err), "%s", err.text);
	cr_assert_eq(mkdir(in_scratch("state"), 0700), 0);
	cr_assert_eq(mkdir(in_scratch("state/images"), 0700), 0);
	cr_assert_eq(mkdir(in_scratch("state/templates"), 0700), 0);
	snprintf(dir, sizeof(dir), "images/%s", image.id);
	kept_link(dir);
	snprintf(dir, sizeof(dir), "templates/%s", key);
	kept_link(dir);
	/* What is known about KVM here, if it was asked. */
	(void)!link(in_scratch("../accel"), in_scratch("state/accel"));
	config->state_dir = in_scratch("state");
	image_done(&image);
	free(key);
}
