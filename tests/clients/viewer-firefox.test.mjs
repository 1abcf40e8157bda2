// The viewer page in Firefox: the picture is the desktop's, a person takes over and types in ten scripts, and hands back.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import puppeteer from 'puppeteer-core';
import { difference } from './lib/browser.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { eventually } from './lib/server.mjs';
import { link_in } from './lib/stream.mjs';
import { SCRIPTS, install_editor, written } from './lib/typing.mjs';

const token = 'viewer-test-token-0123456789-abcdef';
let agent, server, browser, page;
const complaints = [];

async function call(name, args = {}) {
	const result = await agent.callTool({ name, arguments: args });
	assert.notEqual(result.isError, true, `${name}: ${text_in(result)}`);
	return result;
}

const text = async () => text_in(await call('run_command', { command: `cat ${written}; echo '|'` })).split('|')[0];
const shown = (selector) => page.waitForSelector(selector, { visible: true, timeout: 180_000 });
const gone = (selector) => page.waitForSelector(selector, { hidden: true, timeout: 180_000 });

before(async () => {
	server = await serve_http({ backend: 'namespace', args: ['--commands-during-takeover'], tokens: [{ name: 'ana', token }] });
	agent = new Client({ name: 'viewer-firefox-test', version: '1.0.0' });
	await agent.connect(new StreamableHTTPClientTransport(server.mcp, { requestInit: { headers: bearer(token) } }));
	await call('run_command', { command: install_editor });
	await call('launch', { application: '/home/user/editor' });
	browser = await puppeteer.launch({ browser: 'firefox', executablePath: '/usr/bin/firefox-esr' });
	page = await browser.newPage();
	page.on('pageerror', (error) => complaints.push(String(error)));
	await page.setViewport({ width: 1280, height: 800 });
	await page.goto(link_in(text_in(await call('stream_url', { mode: 'control' }))));
	await gone('#cover');
});
after(async () => {
	await browser?.close();
	await agent?.close();
	await server?.stop();
});

const equals_screen = () => eventually('the picture is the desktop', async () => {
	const screenshot = await call('screenshot');
	return await difference(page, screenshot.content.find((c) => c.type === 'image')) < 0.001;
});

test('the picture is the desktop', equals_screen);

test('ten scripts arrive as they are', async () => {
	await page.click('#take');
	await shown('#name-input');
	await page.type('#name-input', 'Ana');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.activeElement.id === 'keys-input');
	let expected = '';
	for (const [script, [keys, , , inserted]] of Object.entries(SCRIPTS)) {
		await page.keyboard.type(`${keys} `);
		await page.evaluate((words) => document.execCommand('insertText', false, words), inserted);
		await page.keyboard.press('Enter');
		expected += `${keys} ${inserted}\n`;
		await eventually(`the editor has the ${script} text`, async () => await text() === expected)
			.catch(async (error) => assert.equal(await text(), expected, error.message));
	}
	await equals_screen();
});

test('the mouse and the chords arrive, and control is handed back', async () => {
	const canvas = await page.$('#screen canvas');
	await canvas.click();
	await page.keyboard.down('Control');
	await page.keyboard.press('a');
	await page.keyboard.up('Control');
	await page.keyboard.type('x');
	await eventually('all of it was replaced', async () => await text() === 'x');
	await page.click('#give');
	await shown('#give-dialog .main');
	await page.click('#give-dialog .main');
	await gone('#give');
	assert.deepEqual(complaints, []);
});
