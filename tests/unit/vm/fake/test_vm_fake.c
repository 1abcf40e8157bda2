// USES vm PkgConfig::turbojpeg PkgConfig::spng
/* What only the fake desktop does: its pictures are real files, and it records what it was told to
 * do. */

#include "tests/support/vm_host.h"
#include "vm/fake/fake.h"

#include <criterion/parameterized.h>
#include <spng.h>
#include <turbojpeg.h>

ParameterizedTestParameters(fake, images)
{
	static struct size sizes[] = { { 1, 1 }, { 7, 9 }, { 8, 8 }, { 17, 24 }, { 33, 8 },
		{ 640, 400 }, { 1280, 800 }, { 1568, 1003 } };
	return cr_make_param_array(struct size, sizes, sizeof(sizes) / sizeof(sizes[0]));
}

/* libjpeg warns about entropy data that ends early, and the decoder then reports failure. */
static void expect_jpeg(struct size want)
{
	auto_buf struct buf image = { 0 };
	int width, height, subsampling, colours;
	tjhandle decoder = tjInitDecompress();
	uint8_t *pixels = malloc((size_t)want.width * (size_t)want.height);
	fake_image(&image, FORMAT_JPEG, want);
	cr_assert_eq(tjDecompressHeader3(decoder, image.data, image.len, &width, &height,
			     &subsampling, &colours),
		0, "%s", tjGetErrorStr2(decoder));
	cr_assert_eq(width, want.width);
	cr_assert_eq(height, want.height);
	cr_assert_eq(tjDecompress2(decoder, image.data, image.len, pixels, width, 0, height,
			     TJPF_GRAY, TJFLAG_STOPONWARNING),
		0, "%s", tjGetErrorStr2(decoder));
	cr_assert_eq(pixels[0], 128);
	cr_assert_eq(pixels[width * height - 1], 128);
	free(pixels);
	tjDestroy(decoder);
}

static void expect_png(struct size want)
{
	auto_buf struct buf image = { 0 };
	struct spng_ihdr header;
	spng_ctx *decoder = spng_ctx_new(0);
	size_t len;
	fake_image(&image, FORMAT_PNG, want);
	cr_assert_eq(spng_set_png_buffer(decoder, image.data, image.len), 0);
	cr_assert_eq(spng_get_ihdr(decoder, &header), 0);
	cr_assert_eq((int)header.width, want.width);
	cr_assert_eq((int)header.height, want.height);
	cr_assert_eq(spng_decoded_image_size(decoder, SPNG_FMT_RGBA8, &len), 0);
	uint8_t *pixels = malloc(len);
	int r = spng_decode_image(decoder, pixels, len, SPNG_FMT_RGBA8, 0);
	cr_assert_eq(r, 0, "%s", spng_strerror(r));
	cr_assert_eq(spng_decode_chunks(decoder), 0, "the end of the file is not in order");
	free(pixels);
	spng_ctx_free(decoder);
}

ParameterizedTest(struct size *size, fake, images)
{
	expect_jpeg(*size);
	expect_png(*size);
}

Test(fake, records_what_it_was_told, .timeout = 20)
{
	struct host host;
	host_init(&host, (struct vm_config){ .backend = "fake" });
	struct vm *vm = host_vm(&host);
	struct action list[] = {
		{ .kind = ACTION_CLICK,
			.at = { 2, { 10, 20 } },
			.button = BUTTON_RIGHT,
			.count = 2,
			.modifiers = "ctrl+shift" },
		{ .kind = ACTION_SCROLL, .direction = SCROLL_UP, .amount = 3 },
		{ .kind = ACTION_DRAG, .from = { 2, { 1, 2 } }, .at = { 2, { 3, 4 } } },
		{ .kind = ACTION_KEY, .text = "ctrl+t", .repeat = 2 },
		{ .kind = ACTION_TYPE, .text = "ab\xc3\xa9" },
		{ .kind = ACTION_KEY, .text = "BackSpace", .repeat = 1 },
	};
	answer_free(host_act(&host, vm, list, 6));
	struct answer *a = host_exec(&host, vm, "cat events", 1000);
	cr_assert_str_eq(a->out, "click right 10,20 count=2 ctrl+shift\n"
				 "scroll up 3 10,20\n"
				 "drag left 3,4 from=1,2\n"
				 "key ctrl+t repeat=2\n"
				 "type\n"
				 "key BackSpace\n");
	answer_free(a);
	a = host_exec(&host, vm, "cat typed", 1000);
	cr_assert_str_eq(a->out, "ab");
	answer_free(a);
	host_done(&host);
}

Test(fake, a_program_without_a_window_says_so, .timeout = 20)
{
	struct host host;
	host_init(&host, (struct vm_config){ .backend = "fake" });
	struct vm *vm = host_vm(&host);
	struct answer *a = answer_new();
	guest_launch(vm_guest(vm), "hang", NULL, 30, on_launch, a);
	host_until(&host, &a->done);
	cr_assert_eq(a->err.kind, ERR_NONE, "%s", a->err.text);
	cr_assert(!a->launch.has_window);
	answer_free(a);
	host_done(&host);
}

Test(fake, is_never_chosen_by_itself)
{
	struct host host;
	struct err err;
	host_init(&host, (struct vm_config){ .backend = "auto", .agent = "/nowhere" });
	cr_assert_null(vm_create(host.pool, "alice", NULL, &err));
	host_done(&host);
	host_init(&host, (struct vm_config){ .backend = "qemu" });
	cr_assert_null(vm_create(host.pool, "alice", NULL, &err));
	cr_assert_eq(err.kind, ERR_UNSUPPORTED);
	host_done(&host);
}
