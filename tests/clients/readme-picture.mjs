// Takes docs/images/viewer.png, the README's picture: a real browser on the viewer page while an agent works.
// Run with the clients' Node from this folder; VITRINE_BUILD names the release build.  Not a test: look at the result.
import assert from 'node:assert/strict';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { launch_browser, live, open_page } from './lib/browser.mjs';
import { serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';

const server = await serve_http({ backend: 'namespace' });
const agent = new Client({ name: 'readme-picture', version: '1.0.0' });
await agent.connect(new StreamableHTTPClientTransport(server.mcp));
const browser = await launch_browser();

async function call(name, args) {
	const result = await agent.callTool({ name, arguments: args });
	assert.notEqual(result.isError, true, text_in(result));
	return text_in(result);
}

await call('screenshot');
const page = await open_page(browser, { viewport: { width: 1280, height: 730 }, colorScheme: 'light' });
await page.goto(/http:\S+#\S+/.exec(await call('stream_url', { mode: 'control' }))[0]);
await live(page);
await call('launch', { application: 'xterm', observe: 'settled' });
await call('type', { text: 'seq 2291 2299 | xargs -n3\n', observe: 'settled' });
await call('launch', { application: 'mousepad', observe: 'settled' });
await call('type', { text: 'Invoices of March\n\n2291  paid\n2292  paid\n2293  open: ask Zażółć, Привет, 你好\n', observe: 'settled' });
await call('key', { text: 'ctrl+Home', observe: 'settled' });
await call('triple_click', { coordinate: [90, 470], observe: 'settled' });
const pictures = page.locator('#actions-list img');
await page.waitForFunction(() => [...document.querySelectorAll('#actions-list img')].slice(0, 6).every((i) => i.complete && i.naturalWidth));
assert.ok(await pictures.count() >= 6, 'each action has its picture');
await page.screenshot({ path: new URL('../../docs/images/viewer.png', import.meta.url).pathname });
await browser.close();
await agent.close();
await server.stop();
