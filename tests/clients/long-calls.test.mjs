// Calls that take longer than a client's own limit: it goes on waiting while it hears of progress.
// Calls sent side by side: they are done in order.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { serve, vitrine } from './lib/server.mjs';

let server;
before(async () => { server = await serve_http(); });
after(() => server.stop());

const transports = {
	stdio: () => new StdioClientTransport({ command: vitrine, args: serve('fake') }),
	HTTP: () => new StreamableHTTPClientTransport(server.mcp),
};
const long = [
	['run_command', { command: 'sleep 11' }, /no output/],
	['wait', { duration: 11 }, /^Waited/],
	['hold_key', { text: 'a', duration: 11 }, /^Held/],
];

for (const [name, transport] of Object.entries(transports)) {
	describe(`SDK v1, ${name}`, { concurrency: true }, () => {
		for (const [tool, args, said] of long) {
			test(`${tool} outlives the client's limit`, async () => {
				const client = new Client({ name: 'long-calls', version: '1' });
				await client.connect(transport());
				const told = [];
				const result = await client.callTool({ name: tool, arguments: args }, undefined, {
					timeout: 8000, resetTimeoutOnProgress: true,
					onprogress: ({ progress }) => told.push(progress),
				});
				assert.match(text_in(result), said);
				assert.ok(told.every((progress, i) => !i || progress > told[i - 1]), `${told}`);
				await client.close();
			});
		}
	});
}

// Over stdio alone: HTTP requests that are sent at once may arrive in any order.
test('SDK v1, stdio: calls sent at once are done in order', async () => {
	const client = new Client({ name: 'order', version: '1' });
	await client.connect(transports.stdio());
	const ended = [];
	const calls = [['hold_key', { text: 'a', duration: 0.3 }], ['mouse_move', { coordinate: [7, 8] }],
		['cursor_position', {}], ['run_command', { command: 'echo done' }], ['screenshot', {}]];
	await Promise.all(calls.map(async ([tool, args]) => {
		const result = await client.callTool({ name: tool, arguments: args });
		ended.push(tool);
		if (tool === 'cursor_position') {
			assert.match(text_in(result), /7, ?8|X=7,Y=8/);
		}
	}));
	assert.deepEqual(ended, calls.map(([tool]) => tool));
	await client.close();
});
