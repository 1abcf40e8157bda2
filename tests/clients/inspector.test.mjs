// The MCP Inspector's command line, in every era it knows, and its lint for portable schemas.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { image_in, text_in } from './lib/image.mjs';
import { tools } from './lib/mainpath.mjs';
import { run } from './lib/run.mjs';
import { modules, serve, vitrine } from './lib/server.mjs';

const OK = 0, TOOL_FAILED = 5; // its exit codes; 6 is a schema that is not portable
const home = mkdtempSync(join(tmpdir(), 'inspector-')); // it keeps a catalog in the home folder
after(() => rmSync(home, { recursive: true }));

const inspect = (...options) => run([process.execPath, join(modules, '.bin/mcp-inspector'), '--cli',
	vitrine, ...serve('fake'), ...options, '--format', 'json'], { env: { ...process.env, HOME: home } });

function result_of({ code, out, err }, expected = OK) {
	assert.equal(code, expected, `${out.slice(-600)}${err.slice(-600)}`);
	const printed = JSON.parse(out);
	return printed.result ?? printed;
}

for (const era of ['legacy', 'auto', 'modern']) {
	describe(`era ${era}`, () => {
		const method = (name, ...rest) => inspect('--protocol-era', era, '--method', name, ...rest);
		const call = (name, args) => method('tools/call', '--tool-name', name,
			'--tool-args-json', JSON.stringify(args));

		test('every tool passes the strict lint', async () => {
			const ran = await method('tools/list', '--strict');
			const listed = result_of(ran).tools.map((t) => t.name);
			assert.deepEqual(tools.filter((t) => !listed.includes(t)), []);
			assert.doesNotMatch(ran.err, /warning/i);
		});
		test('a click and a screenshot', async () => {
			assert.match(text_in(result_of(await call('left_click', { coordinate: [10, 20] }))), /^Clicked\./);
			assert.equal(image_in(result_of(await call('screenshot', {}))).width, 1280);
		});
		test('a failed tool is seen as failed', async () => {
			const failed = await call('left_click', { coordinate: [-1, 20] });
			assert.equal(failed.code, TOOL_FAILED, failed.err);
		});
		test('prompts and templates', async () => {
			assert.equal(result_of(await method('prompts/list')).prompts.length, 1);
			assert.ok(result_of(await method('resources/templates/list')).resourceTemplates.length > 0);
		});
	});
}
