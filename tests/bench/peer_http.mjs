// The smallest MCP server over HTTP that Node and the official SDK give: sessions, answers as plain JSON.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '../clients/node_modules/@modelcontextprotocol/sdk/dist/esm/server/mcp.js';
import { StreamableHTTPServerTransport } from '../clients/node_modules/@modelcontextprotocol/sdk/dist/esm/server/streamableHttp.js';

const sessions = new Map();

async function open() {
	const server = new McpServer({ name: 'peer', version: '1.0.0' });
	server.registerTool('hello', { description: 'Says hello.' },
		async () => ({ content: [{ type: 'text', text: 'hello' }] }));
	const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID,
		enableJsonResponse: true, onsessioninitialized: (id) => sessions.set(id, transport) });
	await server.connect(transport);
	return transport;
}

const http = createServer(async (request, response) => {
	const transport = sessions.get(request.headers['mcp-session-id']) ?? await open();
	await transport.handleRequest(request, response);
});
http.listen(0, '127.0.0.1', () => console.error(`http://127.0.0.1:${http.address().port}`));
