// USES agent
/* Bytes as a kernel's command line: whatever they are, the arguments come in pairs and hold what
 * stands there. */
#include "base/cleanup.h"
#include "vm/agent/init/cmdline.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static struct cmdline cmdline;
	struct err err = { 0 };
	auto_free char *line = must(strndup((const char *)bytes, len));
	bool read = cmdline_read(line, &cmdline, &err);
	check(read == (err.text[0] == '\0'));
	for (int i = 0; read && i < cmdline.n; i += 2) {
		check(strncmp(cmdline.args[i], "--", 2) == 0);
		check(strstr(line, cmdline.args[i + 1]));
	}
	check(!read || (cmdline.n % 2 == 0 && !cmdline.args[cmdline.n]));
	return 0;
}
