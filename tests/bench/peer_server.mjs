// The smallest MCP server that Node and the official SDK give: what ours is compared with.
import { McpServer } from '../clients/node_modules/@modelcontextprotocol/sdk/dist/esm/server/mcp.js';
import { StdioServerTransport } from '../clients/node_modules/@modelcontextprotocol/sdk/dist/esm/server/stdio.js';

const server = new McpServer({ name: 'peer', version: '1.0.0' });
server.registerTool('hello', { description: 'Says hello.' },
	async () => ({ content: [{ type: 'text', text: 'hello' }] }));
await server.connect(new StdioServerTransport());
