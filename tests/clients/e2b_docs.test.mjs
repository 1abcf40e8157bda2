// The examples of docs/e2b.md, as they stand there, with E2B's SDKs on a microVM.  The image of the tests has no browser, so an
// editor takes its place.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { serve_e2b_microvms } from './lib/e2b.mjs';
import { skip } from './lib/machines.mjs';
import { modules, source } from './lib/server.mjs';

const slow = { timeout: 900_000, skip }; // software emulation on a busy machine
const page = readFileSync(join(source, 'docs/e2b.md'), 'utf8');
const examples = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
const it = serve_e2b_microvms();

/** Its output, line by line. */
async function run(example) {
	const code = example.replace("'firefox-esr', 'about:blank'", "'org.xfce.mousepad'").replaceAll('firefox-esr', 'mousepad');
	// There, so that its imports are found.
	const file = join(modules, `.example-${process.pid}.mjs`);
	writeFileSync(file, code);
	try {
		const { stdout } = await promisify(execFile)(process.execPath, [file],
			{ env: { ...process.env, ...it.server.variables }, timeout: slow.timeout });
		return stdout.split('\n').filter(Boolean);
	} finally {
		rmSync(file);
	}
}

test('the page has the examples', () => assert.equal(examples.length, 2));

test('desktop: a window as a stream, input, a screenshot, files, a pause', slow, async () => {
	const [url, picture, count, kept] = await run(examples[0]);
	assert.match(url, /^https:\/\/6080-[a-z0-9]{20}\.[^/]+\/vnc\.html\?.*password=\w+/);
	assert.match(picture, /^\d{4,} bytes of PNG$/);
	assert.equal(count, '19 note.txt');
	assert.equal(kept, 'kept across a pause');
});

test('code with state', slow, async () => assert.deepEqual(await run(examples[1]), ['42']));
