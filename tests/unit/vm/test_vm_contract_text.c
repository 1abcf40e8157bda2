// USES vm
/* Text on the screen, on each backend.  An image without an OCR program says how to add it. */
#include "tests/support/contract.h"

#include "vm/wire/messages.h"

static struct got find(struct bench *b, struct msg_find_text args)
{
	struct got found = { 0 };
	guest_find_text(vm_guest(b->vm), &args, on_got, &found);
	cr_assert(!found.done, "from the loop");
	host_until(&b->host, &found.done);
	return found;
}

static size_t matches(const struct got *found)
{
	return json_array_size(json_object_get(found->json, "matches"));
}

/* This machine may have no OCR program, and the image of tests has none. */
static bool can_read(const struct bench *b)
{
	return strcmp(b->dialect->backend, "fake") == 0 ||
	       (strcmp(b->dialect->backend, "namespace") == 0 &&
		       access("/usr/bin/tesseract", X_OK) == 0);
}

static void open_editor(struct bench *b)
{
	struct answer *a = answer_new();
	bool fake = strcmp(b->dialect->backend, "fake") == 0;
	guest_launch(vm_guest(b->vm), fake ? "editor" : "mousepad", NULL, 60000, on_launch, a);
	host_until(&b->host, &a->done);
	cr_assert(a->launch.has_window, "%s", a->err.text);
	answer_free(a);
}

static void an_element_is_found_by_its_name(struct bench *b)
{
	open_editor(b);
	/* The first question starts the accessibility bus, and a slow machine may not answer in time. */
	struct got found = { 0 };
	for (int i = 0; i < 20 && !matches(&found); i++) {
		json_decref(found.json);
		found = find(b, (struct msg_find_text){ .text = "File", .source = TEXT_ELEMENTS });
	}
	cr_assert_geq(matches(&found), 1, "%s", found.err.text);
	const json_t *match = json_array_get(json_object_get(found.json, "matches"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(match, "role")), "menu");
	json_decref(found.json);
}

static void the_picture_is_read(struct bench *b)
{
	struct got found =
		find(b, (struct msg_find_text){ .text = "Untitled", .source = TEXT_PICTURE });
	if (!can_read(b)) {
		cr_expect_eq(found.err.kind, ERR_UNSUPPORTED, "%s", found.err.text);
		cr_expect(strstr(found.err.text, "tesseract-ocr"), "%s", found.err.text);
		return;
	}
	cr_assert(found.json, "%s", found.err.text);
	cr_expect_geq(matches(&found), 1, "%s", json_dumps(found.json, 0));
	json_decref(found.json);
	found = find(b, (struct msg_find_text){ .text = "no such words", .source = TEXT_PICTURE });
	cr_assert(found.json, "%s", found.err.text);
	cr_expect_eq(matches(&found), 0, "%s", json_dumps(found.json, 0));
	json_decref(found.json);
}

static void a_region_off_the_screen_is_refused(struct bench *b)
{
	struct got found = find(
		b, (struct msg_find_text){ .text = "File", .region = { 4, { 0, 0, 20000, 10 } } });
	cr_expect_eq(found.err.kind, ERR_ARGUMENT, "%s", found.err.text);
}

static void a_text_is_waited_for(struct bench *b)
{
	struct got got = { 0 };
	if (!can_read(b)) {
		return;
	}
	guest_wait(vm_guest(b->vm),
		&(struct msg_wait){ .until = WAIT_TEXT, .text = "Untitled", .timeout_ms = 60000 },
		on_got, &got);
	host_until(&b->host, &got.done);
	cr_assert(got.json, "%s", got.err.text);
	cr_expect(
		json_is_true(json_object_get(got.json, "happened")), "%s", json_dumps(got.json, 0));
	cr_expect(json_object_get(got.json, "match"));
	json_decref(got.json);
}

static const struct contract cases[] = {
	CASE(an_element_is_found_by_its_name), /* in an editor, which the next ones use */
	CASE(the_picture_is_read),
	CASE(a_region_off_the_screen_is_refused),
	CASE(a_text_is_waited_for),
};

CONTRACT(text, cases)
