// The SDK clients over Streamable HTTP and HTTP+SSE, in every era they know.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Client as ClientV2, SSEClientTransport as SseV2, StreamableHTTPClientTransport as HttpV2 }
	from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport as SseV1 } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { bearer, serve_http } from './lib/http.mjs';
import { main_path } from './lib/mainpath.mjs';

const TOKEN = 'a-token-for-the-sdk-clients-0123456789';
const who = { name: 'http-test', version: '1.0.0' };
const v1 = () => {
	const client = new ClientV1(who);
	return { client, call: (params, options) => client.callTool(params, undefined, options) };
};
const v2 = (mode) => () => {
	const client = new ClientV2(who, { versionNegotiation: { mode } });
	return { client, call: (params, options) => client.callTool(params, options),
		version: () => client.getNegotiatedProtocolVersion() };
};

const ways = [
	{ name: 'SDK v1, Streamable HTTP', make: v1, Transport: HttpV1, at: 'mcp' },
	{ name: 'SDK v1, HTTP+SSE', make: v1, Transport: SseV1, at: 'sse' },
	{ name: 'v2 auto', make: v2('auto'), Transport: HttpV2, at: 'mcp', version: '2026-07-28' },
	{ name: 'v2 pinned', make: v2({ pin: '2026-07-28' }), Transport: HttpV2, at: 'mcp', version: '2026-07-28' },
	{ name: 'v2 legacy', make: v2('legacy'), Transport: HttpV2, at: 'mcp', version: '2025-11-25' },
	{ name: 'v2 legacy, HTTP+SSE', make: v2('legacy'), Transport: SseV2, at: 'sse', version: '2025-11-25' },
];

for (const { name, make, Transport, at, version } of ways) {
	describe(name, () => {
		const session = make();
		let server;
		before(async () => {
			server = await serve_http({ tokens: [{ name: 'sdk', token: TOKEN }] });
			await session.client.connect(
				new Transport(server[at], { requestInit: { headers: bearer(TOKEN) } }));
		});
		after(async () => {
			await session.client.close();
			await server.stop();
		});

		test('it is told whom it speaks to', () => {
			assert.equal(session.client.getServerVersion().name, 'vitrine');
			assert.ok(session.client.getInstructions().length > 100);
			if (version) {
				assert.equal(session.version(), version);
			}
		});
		for (const [step_name, step] of Object.entries(main_path)) {
			test(step_name, () => step(session));
		}
	});
}
