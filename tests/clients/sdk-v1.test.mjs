// The MCP SDK of the legacy revisions, version 1, over stdio.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { main_path } from './lib/mainpath.mjs';
import { all_gone, descendants, serve, vitrine } from './lib/server.mjs';

const client = new Client({ name: 'sdk-v1-test', version: '1.0.0' });
const transport = new StdioClientTransport({ command: vitrine, args: serve('fake') });
const session = { client, call: (params, options) => client.callTool(params, undefined, options) };

before(() => client.connect(transport));
after(() => client.close());

test('initialize names the server and tells how to work', () => {
	assert.equal(client.getServerVersion().name, 'vitrine');
	assert.match(client.getServerVersion().version, /^\d+\.\d+\.\d+/);
	assert.ok(client.getInstructions().length > 100);
	for (const capability of ['tools', 'resources', 'prompts', 'completions', 'logging']) {
		assert.ok(client.getServerCapabilities()[capability], capability);
	}
});

test('ping and logging/setLevel are answered', async () => {
	await client.ping();
	await client.setLoggingLevel('debug');
});

for (const [name, step] of Object.entries(main_path)) {
	test(name, () => step(session));
}

test('closing the client ends the server', async () => {
	const pid = transport.pid;
	const server = [...descendants(process.pid)].filter((p) => p.pid === pid);
	assert.equal(server.length, 1);
	await client.close();
	await all_gone(server);
});
