// USES server
/* Who gets in with which token, where tokens come from, and what a bad file is told: never the
 * token. */
#include "base/cleanup.h"
#include "base/loop.h"
#include "server/http/auth.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static char folder[] = "/tmp/vitrine-auth-XXXXXX";
static char file[64];
static struct auth *auth;
static struct err err;

#define SECRET "correct-horse-battery"
#define OTHER "another.horse~battery+/="
/* printf %s correct-horse-battery | sha256sum */
#define SECRET_SHA256 "62249369389075490555a758353aec61500c6218fa597252d52dc4bd0148f12d"

static void setup(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/tokens.json", folder);
	unsetenv("VITRINE_TOKEN");
}

static void teardown(void)
{
	auth_free(auth);
	unlink(file);
	rmdir(folder);
}

static bool load_mode(const char *text, mode_t mode)
{
	FILE *to = fopen(file, "we");
	cr_assert(to);
	fputs(text, to);
	fclose(to);
	cr_assert_eq(chmod(file, mode), 0);
	auth_free(auth);
	err = (struct err){ 0 };
	auth = auth_new(file, false, &err);
	return auth;
}

static bool load(const char *text)
{
	return load_mode(text, 0600);
}

static void expect_name(const char *token, const char *name)
{
	const char *got = auth_authorize(token, auth);
	cr_expect(name ? got && strcmp(got, name) == 0 : !got, "%s is %s", token ? token : "none",
		got ? got : "nobody");
}

TestSuite(auth, .init = setup, .fini = teardown);

Test(auth, one_is_made_when_none_is_given_and_told_once)
{
	auth = auth_new(NULL, false, &err);
	cr_assert(auth, "%s", err.text);
	char *made = auth_take_made(auth);
	cr_assert(made);
	cr_expect_eq(strncmp(made, "e2b_", 4), 0);
	cr_expect_eq(strlen(made), 4 + 40); /* 160 bits */
	cr_expect_eq(strspn(made + 4, "0123456789abcdef"), 40);
	cr_expect_null(auth_take_made(auth));
	expect_name(made, "default");
	expect_name(NULL, NULL);
	expect_name("", NULL);
	made[10] = made[10] == 'a' ? 'b' : 'a';
	expect_name(made, NULL);
	auth_forget(made);
	cr_expect_eq(auth_count(auth), 1);
}

Test(auth, no_two_made_ones_are_the_same)
{
	auth = auth_new(NULL, false, &err);
	struct auth *second = auth_new(NULL, false, &err);
	char *made = auth_take_made(auth);
	cr_expect_null(auth_authorize(made, second));
	auth_forget(made);
	auth_free(second);
}

Test(auth, several_from_a_file_with_limits)
{
	cr_assert(load("[{\"name\": \"ann\", \"token\": \"" SECRET "\", \"sandboxes\": 2, "
		       "\"calls\": 3, \"saved\": 4, \"saved_mib\": 5}, {\"name\": \"bob@example\", "
		       "\"token\": \"" OTHER "\"}]"),
		"%s", err.text);
	expect_name(SECRET, "ann");
	expect_name(OTHER, "bob@example");
	expect_name("correct-horse-batterx", NULL);
	expect_name(NULL, NULL);
	cr_expect_null(auth_take_made(auth));
	cr_expect_eq(auth_count(auth), 2);
	cr_expect_eq(auth_limits(auth, "ann").sandboxes, 2);
	cr_expect_eq(auth_limits(auth, "ann").calls, 3);
	cr_expect_eq(auth_limits(auth, "ann").saved, 4);
	cr_expect_eq(auth_limits(auth, "ann").saved_mib, 5);
	cr_expect_eq(auth_limits(auth, "bob@example").sandboxes, 0);
	cr_expect_eq(auth_limits(auth, "stdio").calls, 0);
}

Test(auth, a_digest_stands_for_its_token)
{
	cr_assert(load("[{\"name\": \"ann\", \"sha256\": \"" SECRET_SHA256 "\"}]"), "%s", err.text);
	expect_name(SECRET, "ann");
	expect_name(SECRET_SHA256, NULL);
}

Test(auth, an_empty_list_lets_nobody_in)
{
	cr_assert(load("[]"), "%s", err.text);
	expect_name("", NULL);
	expect_name(NULL, NULL);
	expect_name(SECRET, NULL);
}

Test(auth, the_variable_is_taken_and_wiped)
{
	setenv("VITRINE_TOKEN", SECRET, 1);
	const char *was = getenv("VITRINE_TOKEN");
	auth = auth_new(NULL, false, &err);
	cr_assert(auth, "%s", err.text);
	expect_name(SECRET, "env");
	cr_expect_null(getenv("VITRINE_TOKEN"));
	cr_expect_str_eq(was, "");
}

Test(auth, a_weak_variable_is_refused)
{
	static const char *const weak[] = { "", "short", "with spaces in the middle",
		"quote\"quote\"quote\"" };
	for (size_t i = 0; i < sizeof(weak) / sizeof(*weak); i++) {
		setenv("VITRINE_TOKEN", weak[i], 1);
		cr_expect_null(auth_new(NULL, false, &err));
		cr_expect_str_eq(err.text,
			"the variable VITRINE_TOKEN must be 16 to 512 letters, digits or -._~+/= ; "
			"generate one with: openssl rand -hex 24");
	}
}

Test(auth, a_file_stands_before_the_variable)
{
	setenv("VITRINE_TOKEN", OTHER, 1);
	cr_assert(load("[{\"name\": \"ann\", \"token\": \"" SECRET "\"}]"), "%s", err.text);
	expect_name(SECRET, "ann");
	expect_name(OTHER, NULL);
}

Test(auth, without_tokens)
{
	auth = auth_new(NULL, true, &err);
	cr_assert(auth, "%s", err.text);
	expect_name(NULL, "anyone");
	expect_name(SECRET, "anyone");
	setenv("VITRINE_TOKEN", SECRET, 1);
	cr_expect_null(auth_new(NULL, true, &err));
	cr_expect(strstr(err.text, "--no-auth"), "%s", err.text);
}

Test(auth, a_file_others_may_read_is_refused)
{
	static const mode_t open_modes[] = { 0604, 0644, 0602, 0620, 0666, 0601 };
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(*open_modes); i++) {
		cr_expect_not(load_mode("[]", open_modes[i]), "%o was taken", open_modes[i]);
	}
	cr_expect(load_mode("[]", 0400), "%s", err.text);
	cr_expect(load_mode("[]", 0440), "%s", err.text); /* systemd's credentials */
	char wanted[256];
	load_mode("[]", 0644);
	snprintf(wanted, sizeof(wanted),
		"other users can read or change the tokens in %s (mode 644); run: chmod 600 %s",
		file, file);
	cr_expect_str_eq(err.text, wanted);
}

/* The error is FILE and `text`. */
static void expect_refused(const char *json, const char *text)
{
	char wanted[600];
	snprintf(wanted, sizeof(wanted), "%s%s", file, text);
	cr_expect_not(load(json), "taken: %s", json);
	cr_expect_str_eq(err.text, wanted);
	cr_expect_not(strstr(err.text, SECRET), "the token is shown: %s", err.text);
}

#define TOKEN "\"token\": \"" SECRET "\""
#define LIST \
	" must be a JSON array of at most 1000 entries, such as [{\"name\": \"ann\", " \
	"\"sha256\": \"...\"}]"

Test(auth, wrong_files)
{
	expect_refused("", ":1: not valid JSON");
	expect_refused("[{\"name\": \"ann\",\n \"token\": " SECRET "}]", ":2: not valid JSON");
	expect_refused("[{\"name\": \"ann\", \"name\": \"b\", " TOKEN "}]", ":1: not valid JSON");
	expect_refused("{}", LIST);
	expect_refused("[[]]", ", entry 1: it must be an object");
	expect_refused("[{" TOKEN "}]",
		", entry 1: 'name' is missing; it must be a string of 1 to 64 bytes");
	expect_refused(
		"[{\"name\": \"ann\"}]", ", entry 1: either 'token' or 'sha256' is required");
	expect_refused("[{\"name\": \"ann\", " TOKEN ", \"sha256\": \"" SECRET_SHA256 "\"}]",
		", entry 1: either 'token' or 'sha256' is required");
	expect_refused("[{\"name\": \"ann lee\", " TOKEN "}]",
		", entry 1: 'name' must be letters, digits or -._@ ; got \"ann lee\"");
	expect_refused("[{\"name\": \"stdio\", " TOKEN "}]",
		", entry 1: 'name' must not be \"stdio\"; choose another");
	expect_refused("[{\"name\": \"ann\", \"token\": \"short\"}]",
		", entry 1: 'token' must be 16 to 512 letters, digits or -._~+/= ; generate one with: "
		"openssl rand -hex 24");
	expect_refused("[{\"name\": \"ann\", \"sha256\": \"" SECRET "\"}]",
		", entry 1: 'sha256' must be 64 hexadecimal digits; compute them with: printf %s TOKEN "
		"| sha256sum");
	expect_refused("[{\"name\": \"ann\", " TOKEN "}, {\"name\": \"ann\", \"token\": \"" OTHER
		       "\"}]",
		", entry 2: it has the name of entry 1; each must be unique");
	expect_refused("[{\"name\": \"ann\", " TOKEN "}, {\"name\": \"bob\", \"sha256\": "
		       "\"" SECRET_SHA256 "\"}]",
		", entry 2: it has the token of entry 1; each must be unique");
	expect_refused("[{\"name\": \"ann\", " TOKEN ", \"calls\": 0}]",
		", entry 1: 'calls' must be an integer from 1 to 1000; got 0");
	expect_refused("[{\"name\": \"ann\", " TOKEN ", \"admin\": true}]",
		", entry 1: unknown argument 'admin'; the arguments are 'name', 'token', 'sha256', "
		"'sandboxes', 'calls', 'saved', 'saved_mib'");
}

Test(auth, a_file_that_is_missing_or_none)
{
	cr_expect_null(auth_new(file, false, &err));
	cr_expect(strstr(err.text, "cannot read the tokens in "), "%s", err.text);
	cr_expect_null(auth_new(folder, false, &err));
	cr_expect(strstr(err.text, " must be a file"), "%s", err.text);
}

/* ---- a file that changes ---- */

static char gone[200];
static int told;

static void on_gone(const char *name, void *data)
{
	cr_assert_eq(data, &told);
	if (name) {
		snprintf(gone + strlen(gone), sizeof(gone) - strlen(gone), "%s ", name);
	} else {
		told++;
	}
}

static bool lets_in(const char *token)
{
	return auth_authorize(token, auth);
}

static void write_file(const char *name, const char *text)
{
	char path[100];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *to = fopen(path, "we");
	cr_assert(to);
	fchmod(fileno(to), 0600);
	fputs(text, to);
	fclose(to);
}

static void wait_for(sd_event *event, int times)
{
	uint64_t limit = loop_now_us() + 20000000;
	while (told < times) {
		cr_assert_lt(loop_now_us(), limit, "it was not read again");
		sd_event_run(event, 100000);
	}
}

#define ENTRY(name, token) "{\"name\": \"" name "\", \"token\": \"" token "\"}"
#define ANN_AND_BOB "[" ENTRY("ann", SECRET) ", " ENTRY("bob", OTHER) "]"
#define ONLY_BOB "[" ENTRY("bob", OTHER) "]"
#define BOB_ANEW "[" ENTRY("bob", "a-third-token-of-bobs") "]"

static sd_event *begin_watch(const char *path)
{
	sd_event *event = loop_new(&err);
	auth = auth_new(path, false, &err);
	cr_assert(auth, "%s", err.text);
	cr_assert(auth_watch(auth, event, on_gone, &told, &err), "%s", err.text);
	return event;
}

Test(auth, a_file_that_is_written_or_replaced_is_read_again)
{
	char other[100];
	write_file("tokens.json", ANN_AND_BOB);
	sd_event *event = begin_watch(file);
	cr_expect(lets_in(SECRET) && lets_in(OTHER));
	write_file("tokens.json", ONLY_BOB);
	wait_for(event, 1);
	cr_expect(!lets_in(SECRET) && lets_in(OTHER));
	cr_expect_str_eq(gone, "ann ");
	write_file("new", BOB_ANEW);
	snprintf(other, sizeof(other), "%s/new", folder);
	cr_assert_eq(rename(other, file), 0);
	wait_for(event, 2);
	cr_expect(!lets_in(OTHER) && lets_in("a-third-token-of-bobs"));
	cr_expect_str_eq(gone, "ann bob ", "the name stays, its old token goes");
	auth_free(auth);
	auth = NULL;
	sd_event_unref(event);
}

Test(auth, a_broken_file_changes_nothing)
{
	static const char *const broken[] = { "", "[", "[{\"name\": \"ann\"}]", "{}" };
	write_file("tokens.json", ANN_AND_BOB);
	sd_event *event = begin_watch(file);
	for (size_t i = 0; i < 4; i++) {
		write_file("tokens.json", broken[i]);
		for (int k = 0; k < 5; k++) {
			sd_event_run(event, 1000);
		}
		cr_expect(lets_in(SECRET) && lets_in(OTHER), "%s", broken[i]);
	}
	unlink(file);
	for (int k = 0; k < 5; k++) {
		sd_event_run(event, 1000);
	}
	cr_expect(lets_in(SECRET) && told == 0);
	write_file("tokens.json", ONLY_BOB);
	wait_for(event, 1);
	cr_expect(!lets_in(SECRET) && lets_in(OTHER));
	auth_free(auth);
	auth = NULL;
	sd_event_unref(event);
}

/* tokens.json -> ..data/tokens.json, ..data -> a directory; a new directory, and a new ..data
 * renamed over the old one. */
Test(auth, links_as_kubernetes_swaps_them)
{
	char path[100], swapped[100];
	static const char *const dirs[] = { "..1", "..2", "..3" };
	static const char *const texts[] = { ANN_AND_BOB, ONLY_BOB, BOB_ANEW };
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, dirs[i]);
		cr_assert_eq(mkdir(path, 0700), 0);
		snprintf(path, sizeof(path), "%s/tokens.json", dirs[i]);
		write_file(path, texts[i]);
	}
	cr_assert_eq(symlink("..data/tokens.json", file), 0);
	snprintf(path, sizeof(path), "%s/..data", folder);
	snprintf(swapped, sizeof(swapped), "%s/..data_tmp", folder);
	cr_assert_eq(symlink("..1", path), 0);
	sd_event *event = begin_watch(file);
	for (int i = 1; i < 3; i++) {
		cr_assert_eq(symlink(dirs[i], swapped), 0);
		cr_assert_eq(rename(swapped, path), 0);
		wait_for(event, i);
	}
	cr_expect(!lets_in(SECRET) && !lets_in(OTHER) && lets_in("a-third-token-of-bobs"));
	auth_free(auth);
	auth = NULL;
	sd_event_unref(event);
	unlink(path);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s/tokens.json", folder, dirs[i]);
		unlink(path);
		*strrchr(path, '/') = '\0';
		rmdir(path);
	}
}
