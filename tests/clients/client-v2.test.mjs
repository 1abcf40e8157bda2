// The MCP client of version 2, in both eras and with its own choice between them.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { main_path } from './lib/mainpath.mjs';
import { serve, vitrine } from './lib/server.mjs';

const modes = [
	{ mode: 'legacy', era: 'legacy', version: '2025-11-25' },
	{ mode: { pin: '2026-07-28' }, era: 'modern', version: '2026-07-28' },
	{ mode: 'auto', era: 'modern', version: '2026-07-28' },
];

for (const { mode, era, version } of modes) {
	describe(`mode ${JSON.stringify(mode)}`, () => {
		const client = new Client({ name: 'client-v2-test', version: '1.0.0' },
			{ versionNegotiation: { mode } });
		const session = { client, call: (params, options) => client.callTool(params, options) };
		before(() => client.connect(
			new StdioClientTransport({ command: vitrine, args: serve('fake') })));
		after(() => client.close());

		test(`speaks ${version}`, () => {
			assert.equal(client.getProtocolEra(), era);
			assert.equal(client.getNegotiatedProtocolVersion(), version);
			assert.ok(client.getInstructions().length > 100);
		});
		for (const [name, step] of Object.entries(main_path)) {
			test(name, () => step(session));
		}
	});
}
