#include "tests/support/tiny_machine.h"

static const uint8_t tiny_code[] = {
	0x31, 0xc0,                   /*        xor %ax,%ax */
	0x8e, 0xd8,                   /*        mov %ax,%ds */
	0x8e, 0xc0,                   /*        mov %ax,%es */
	0x31, 0xf6,                   /*        xor %si,%si */
	0xbf, 0x00, 0x70,             /*        mov $0x7000,%di */
	0xb9, 0x80, 0x00,             /*        mov $128,%cx */
	0xf3, 0x2e, 0xa4,             /*        rep movsb %cs:(%si),(%di) */
	0xea, 0x16, 0x70, 0x00, 0x00, /*        ljmp $0,$0x7016 */
	0xba, 0xfd, 0x03,             /*        mov $0x3fd,%dx */
	0xec,                         /* wait:  in %dx,%al */
	0xa8, 0x01,                   /*        test $1,%al */
	0x74, 0xfb,                   /*        jz wait */
	0xb2, 0xf8,                   /*        mov $0xf8,%dl */
	0xec,                         /*        in %dx,%al */
	0x3c, 'i',                    /*        cmp $'i',%al */
	0x74, 0x10,                   /*        je inc */
	0x3c, 'f',                    /*        cmp $'f',%al */
	0x74, 0x15,                   /*        je fill */
	0x3c, 'z',                    /*        cmp $'z',%al */
	0x74, 0x18,                   /*        je zero */
	0xa0, 0x00, 0x90,             /* get:   movb 0x9000,%al */
	0xee,                         /* put:   out %al,%dx */
	0xb2, 0xfd,                   /*        mov $0xfd,%dl */
	0xeb, 0xe4,                   /*        jmp wait */
	0xfe, 0x06, 0x00, 0x80,       /* inc:   incb 0x8000 */
	0xa0, 0x00, 0x80,             /*        movb 0x8000,%al */
	0xeb, 0xf2,                   /*        jmp put */
	0xc6, 0x06, 0x00, 0x90, 0xaa, /* fill:  movb $0xaa,0x9000 */
	0xeb, 0xe8,                   /*        jmp get */
	0xc6, 0x06, 0x00, 0x90, 0x00, /* zero:  movb $0,0x9000 */
	0xeb, 0xe1,                   /*        jmp get */
};

static void tiny_event(const char *name, const json_t *values, void *data)
{
	saved_event(((struct tiny *)data)->saved, name, values);
}

static void tiny_closed(const struct err *why, void *data)
{
	(void)why;
	((struct tiny *)data)->closed = true;
}

/* The processor begins 16 bytes below the end of the firmware. */
static int tiny_firmware(void)
{
	static const uint8_t jump[] = { 0xe9, 0x0d, 0x00 }; /* from 0xfff3 to 0x10000: to 0 */
	int fd = memfd_create("firmware", MFD_CLOEXEC);
	cr_assert_eq(ftruncate(fd, 65536), 0);
	cr_assert_eq(pwrite(fd, tiny_code, sizeof(tiny_code), 0), (ssize_t)sizeof(tiny_code));
	cr_assert_eq(pwrite(fd, jump, sizeof(jump), 0xfff0), (ssize_t)sizeof(jump));
	return fd;
}

static void tiny_pair(int *ours, int *theirs)
{
	int ends[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	*ours = ends[0];
	*theirs = ends[1];
}

void tiny_start(
	struct tiny *tiny, sd_event *event, struct ram *ram, bool waits, const char *const *wrap)
{
	static const struct qmp_handlers handlers = { tiny_event, tiny_closed };
	static const char *const words[] = { "qemu-system-x86_64", "-M",
		"microvm,isa-serial=on,memory-backend=mem,suppress-vmdesc=on", "-object",
		"memory-backend-file,id=mem,size=32M,mem-path=/proc/self/fd/10,share=off", "-accel",
		"tcg", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-bios",
		"/proc/self/fd/11", "-chardev", "socket,id=serial,fd=12", "-serial",
		"chardev:serial", "-chardev", "socket,id=qmp,fd=13", "-mon",
		"chardev=qmp,mode=control", "-global", "migration.send-configuration=off", NULL };
	static const char *const waiting[] = { "-S", "-incoming", "defer", NULL };
	const char *argv[60];
	size_t n = 0;
	for (size_t i = 0; wrap && wrap[i]; i++) {
		argv[n++] = wrap[i];
	}
	for (size_t i = 0; words[i]; i++) {
		argv[n++] = words[i];
	}
	for (size_t i = 0; waits && waiting[i]; i++) {
		argv[n++] = waiting[i];
	}
	argv[n] = NULL;
	int qmp;
	auto_close int firmware = tiny_firmware(), their_serial = -1, their_qmp = -1;
	tiny_pair(&tiny->serial, &their_serial);
	tiny_pair(&qmp, &their_qmp);
	const struct spawn_fd fds[] = { { ram_fd(ram), 10 }, { firmware, 11 }, { their_serial, 12 },
		{ their_qmp, 13 }, { 2, 2 } };
	const struct spawn how = { .argv = argv, .fds = fds, .n_fds = 5, .die_with_us = true };
	struct err err;
	tiny->ram = ram;
	tiny->pid = spawn_start(&how, &err);
	cr_assert_gt(tiny->pid, 0, "%s", err.text);
	tiny->qmp = qmp_new(event, qmp, QMP_LIMIT_MS, &handlers, tiny);
	tiny->machine = (struct machine){ event, tiny->qmp, tiny->pid, tiny->ram,
		"key-of-tiny-machines", "tiny" };
}

int tiny_ask(struct tiny *tiny, char what)
{
	uint8_t answer;
	struct pollfd readable = { tiny->serial, POLLIN, 0 };
	cr_assert_eq(write(tiny->serial, &what, 1), 1);
	cr_assert_eq(poll(&readable, 1, 60000), 1, "the guest does not answer");
	cr_assert_eq(read(tiny->serial, &answer, 1), 1);
	return answer;
}

void tiny_end(struct tiny *tiny)
{
	saved_close(tiny->saved);
	qmp_free(tiny->qmp);
	kill(tiny->pid, SIGKILL);
	waitpid(tiny->pid, NULL, 0);
	close(tiny->serial);
	ram_unref(tiny->ram);
	*tiny = (struct tiny){ 0 };
}
