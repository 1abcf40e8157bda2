// USES server
/* Keys in the file of tokens: a server accepts what was added, and not what was removed. */
#include "base/cleanup.h"
#include "server/http/auth.h"
#include "server/http/auth_file.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/vitrine-keys-XXXXXX";
static char file[64];
static struct err err;

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/tokens.json", folder);
}

static void teardown(void)
{
	unlink(file);
	cr_expect_eq(rmdir(folder), 0, "a file was left");
}

TestSuite(auth_file, .init = setup, .fini = teardown);

static void expect_name(const char *token, const char *name)
{
	struct auth *auth = auth_new(file, false, &err);
	cr_assert(auth, "%s", err.text);
	const char *got = auth_authorize(token, auth);
	cr_expect(name ? got && strcmp(got, name) == 0 : !got, "%s", got ? got : "nobody");
	auth_free(auth);
}

static void write_file(const char *text)
{
	FILE *to = fopen(file, "we");
	cr_assert(to);
	fputs(text, to);
	fclose(to);
	cr_assert_eq(chmod(file, 0600), 0);
}

Test(auth_file, keys_are_added_and_removed)
{
	char ann[AUTH_TOKEN_SIZE], bob[AUTH_TOKEN_SIZE];
	struct stat st;
	auth_make_token(ann);
	auth_make_token(bob);
	cr_expect_str_neq(ann, bob);
	cr_assert(auth_file_add(file, "ann", ann, &err), "%s", err.text);
	cr_assert(auth_file_add(file, "bob", bob, &err), "%s", err.text);
	cr_assert_eq(stat(file, &st), 0);
	cr_expect_eq(st.st_mode & 0777, 0600);
	expect_name(ann, "ann");
	expect_name(bob, "bob");
	cr_assert(auth_file_remove(file, "ann", &err), "%s", err.text);
	expect_name(ann, NULL);
	expect_name(bob, "bob");
	cr_expect_not(auth_file_remove(file, "ann", &err));
	cr_expect_eq(err.kind, ERR_NOT_FOUND);
}

Test(auth_file, what_the_file_has_stays)
{
	char ann[AUTH_TOKEN_SIZE];
	auth_make_token(ann);
	write_file("[{\"name\": \"old\", \"token\": \"correct-horse-battery\", \"calls\": 3}]");
	cr_assert(auth_file_add(file, "ann", ann, &err), "%s", err.text);
	expect_name("correct-horse-battery", "old");
	struct auth *auth = auth_new(file, false, &err);
	cr_expect_eq(auth_limits(auth, "old").calls, 3);
	auth_free(auth);
	json_auto_t *list = auth_file_read(file, &err);
	cr_assert_eq(json_array_size(list), 2);
	cr_expect_null(json_object_get(json_array_get(list, 1), "token"), "it is in clear text");
}

Test(auth_file, bad_names_and_bad_files_are_refused)
{
	static const char *const names[] = { "", "a b", "stdio", "a/b", "a\"b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
	char token[AUTH_TOKEN_SIZE];
	auth_make_token(token);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		cr_expect_not(auth_file_add(file, names[i], token, &err), "%s", names[i]);
		cr_expect_eq(err.kind, ERR_ARGUMENT);
	}
	cr_expect_neq(access(file, F_OK), 0, "a file was made");
	write_file("[{\"name\": \"ann\"}]");
	cr_expect_not(auth_file_add(file, "bob", token, &err), "it would be of no use");
	write_file("[]");
	cr_assert(auth_file_add(file, "ann", token, &err), "%s", err.text);
	cr_expect_not(auth_file_add(file, "ann", token, &err));
	cr_expect_eq(err.kind, ERR_STATE);
}
