// Programs that speak MCP over HTTP: the Inspector, mcp-remote and mcporter.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { bearer, call, serve_http } from './lib/http.mjs';
import { image_in, text_in } from './lib/image.mjs';
import { tools } from './lib/mainpath.mjs';
import { run } from './lib/run.mjs';
import { modules } from './lib/server.mjs';

const TOKEN = 'a-token-for-the-programs-0123456789';
const authorization = `Authorization: Bearer ${TOKEN}`;
const home = mkdtempSync(join(tmpdir(), 'http-clients-')); // they keep files in the home folder
const env = { ...process.env, HOME: home };
const program = (name, ...args) => [process.execPath, join(modules, '.bin', name), ...args];

let server;
before(async () => { server = await serve_http({ tokens: [{ name: 'programs', token: TOKEN }] }); });
after(async () => {
	await server.stop();
	rmSync(home, { recursive: true });
});

const inspected = [
	{ transport: 'http', at: 'mcp', era: 'legacy' }, { transport: 'http', at: 'mcp', era: 'auto' },
	{ transport: 'http', at: 'mcp', era: 'modern' }, { transport: 'sse', at: 'sse', era: 'legacy' },
];
for (const { transport, at, era } of inspected) {
	describe(`Inspector, ${transport}, ${era}`, () => {
		const inspect = async (...options) => {
			const { code, out, err } = await run(program('mcp-inspector', '--cli', server[at].href,
				'--transport', transport, '--header', authorization, '--protocol-era', era,
				...options, '--format', 'json'), { env });
			assert.equal(code, 0, `${out.slice(-600)}${err.slice(-600)}`);
			const printed = JSON.parse(out);
			return printed.result ?? printed;
		};
		const inspect_call = (name, args) => inspect('--method', 'tools/call', '--tool-name', name,
			'--tool-args-json', JSON.stringify(args));

		test('it lists the tools', async () => {
			const listed = (await inspect('--method', 'tools/list', '--strict')).tools.map((t) => t.name);
			assert.deepEqual(tools.filter((t) => !listed.includes(t)), []);
		});
		test('it takes a screenshot and clicks', async () => {
			assert.equal(image_in(await inspect_call('screenshot', {})).width, 1280);
			assert.match(text_in(await inspect_call('left_click', { coordinate: [10, 20] })), /^Clicked\./);
		});
	});
}

// Every run of the Inspector is a new connection; what it moved stays moved.
test('a program that connects anew for every call keeps its desktop', async () => {
	await run(program('mcp-inspector', '--cli', server.mcp.href, '--transport', 'http', '--header',
		authorization, '--method', 'tools/call', '--tool-name', 'mouse_move', '--tool-args-json',
		'{"coordinate":[123,45]}'), { env });
	const { result } = await call(server, 'cursor_position', {}, { token: TOKEN });
	assert.match(text_in(result), /X=123,Y=45/);
});

for (const [how, at] of [['http-only', 'mcp'], ['sse-only', 'sse']]) {
	test(`mcp-remote, ${how}, as a stdio server`, async () => {
		const [command, ...args] = program('mcp-remote', server[at].href, '--allow-http',
			'--transport', how, '--header', authorization);
		const client = new Client({ name: 'through-mcp-remote', version: '1.0.0' });
		await client.connect(new StdioClientTransport({ command, args, env, stderr: 'ignore' }));
		try {
			assert.ok((await client.listTools()).tools.length >= tools.length);
			assert.equal(image_in(await client.callTool({ name: 'screenshot', arguments: {} })).width, 1280);
			const clicked = await client.callTool(
				{ name: 'left_click', arguments: { coordinate: [10, 20] } });
			assert.match(text_in(clicked), /^Clicked\./);
		} finally {
			await client.close();
		}
	});
}

for (const [type, at] of [['http', 'mcp'], ['sse', 'sse']]) {
	test(`mcporter, ${type}`, async () => {
		const config = join(home, `${type}.json`);
		writeFileSync(config, JSON.stringify({ mcpServers: {
			desk: { type, url: server[at].href, headers: bearer(TOKEN) } } }));
		const mcporter = (...args) => run(program('mcporter', '--config', config, ...args),
			{ env, cwd: home });
		const listed = await mcporter('list', 'desk', '--json');
		assert.equal(listed.code, 0, listed.err);
		assert.match(listed.out, /left_click_drag/);
		const clicked = await mcporter('call', 'desk.left_click', '--args', '{"coordinate": [10, 20]}');
		assert.equal(clicked.code, 0, clicked.err);
		assert.match(clicked.out, /Clicked\./);
	});
}
