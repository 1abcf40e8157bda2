// A person at the viewer page types in ten scripts, by keys and by an input method, on a desktop and on a phone, in turns with the
// agent.  An editor on the desktop says what arrived.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { devices } from 'playwright-core';
import { close_page, hand_back, launch_browser, leave_pages, live, open_page, shot, take_over } from './lib/browser.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { reverse_proxy } from './lib/proxy.mjs';
import { eventually } from './lib/server.mjs';
import { SCRIPTS, install_editor, written } from './lib/typing.mjs';

const source = new URL('../../', import.meta.url);
const token = 'viewer-test-token-0123456789-abcdef';
const phone = { ...devices['Pixel 7'], defaultBrowserType: undefined };
let agent, server, proxy, browser;
let expected = ''; // in the editor

const try_call = (name, args = {}) => agent.callTool({ name, arguments: args });

async function call(name, args) {
	const result = await try_call(name, args);
	assert.notEqual(result.isError, true, `${name}: ${text_in(result)}`);
	return text_in(result);
}

async function watch(options) {
	const page = await open_page(browser, options);
	await page.goto(/http:\S+#\S+/.exec(await call('stream_url', { mode: 'control' }))[0]);
	await live(page);
	return page;
}

const text = async () => (await call('run_command', { command: `cat ${written}; echo '|'` })).split('|')[0];
const arrives = () => eventually('the editor has it', async () => await text() === expected)
	.catch(async (error) => assert.equal(await text(), expected, error.message));

async function type_keys(session, words) {
	for (const key of words) {
		await session.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code: 'KeyA', text: key, unmodifiedText: key });
		await session.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: 'KeyA' });
	}
	expected += words;
}

/** As an input method does: what is composed changes, and then stands. */
async function compose(session, first, words) {
	for (const part of [first, words]) {
		await session.send('Input.imeSetComposition', { text: part, selectionStart: part.length, selectionEnd: part.length });
	}
	await session.send('Input.insertText', { text: words });
	expected += words;
}

/** As an emoji picker or dictation does. */
async function insert(session, words) {
	await session.send('Input.insertText', { text: words });
	expected += words;
}

before(async () => {
	proxy = await reverse_proxy('/desk');
	server = await serve_http({ backend: 'namespace', args: ['--public-url', proxy.url, '--commands-during-takeover'],
		tokens: [{ name: 'ana', token }] });
	proxy.lead_to(server.port);
	browser = await launch_browser();
	agent = new Client({ name: 'viewer-input-test', version: '1.0.0' });
	await agent.connect(new StreamableHTTPClientTransport(server.mcp, { requestInit: { headers: bearer(token) } }));
	await call('run_command', { command: install_editor });
	await call('launch', { application: '/home/user/editor' });
	await arrives();
});
afterEach(async () => {
	proxy.speak();
	await leave_pages(browser);
	await eventually('the agent has control again', async () => !/Ana/.test(await call('control_status')));
});
after(async () => {
	await browser?.close();
	await agent?.close();
	proxy?.close();
	await server?.stop();
});

test('ten scripts arrive as they are, by keys and as text, in turns with the agent', async () => {
	const page = await watch();
	const session = await page.context().newCDPSession(page);
	for (const [keys, first, composed, inserted] of Object.values(SCRIPTS)) {
		await take_over(page);
		await type_keys(session, keys);
		await compose(session, first, composed);
		await insert(session, inserted);
		await page.keyboard.type(' ab ');
		expected += ' ab ';
		await arrives();
		await hand_back(page);
		await call('type', { text: `${inserted} ${keys}\n` });
		expected += `${inserted} ${keys}\n`;
		await arrives();
	}
	await close_page(page);
});

test('a long text arrives whole, and keys after it come after it', async () => {
	const page = await watch();
	const session = await page.context().newCDPSession(page);
	await take_over(page);
	await insert(session, 'Ünïcödé, все буквы, 全部の文字。'.repeat(60));
	await page.keyboard.type('end');
	await page.keyboard.press('Enter');
	expected += 'end\n';
	await arrives();
	await hand_back(page);
	await close_page(page);
});

test('what is composed is seen, and a click shows where', async () => {
	const page = await watch({ colorScheme: 'dark' });
	const session = await page.context().newCDPSession(page);
	await take_over(page);
	const box = await page.locator('#screen canvas').boundingBox();
	await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
	await session.send('Input.imeSetComposition', { text: 'かな', selectionStart: 2, selectionEnd: 2 });
	const field = page.locator('#keys-input.composing');
	await field.waitFor();
	assert.equal(await field.evaluate((f) => f.value.trim()), 'かな');
	await shot(page, 'composing');
	await session.send('Input.insertText', { text: 'かな' });
	await page.locator('#keys-input:not(.composing)').waitFor();
	await hand_back(page);
	await call('key', { text: 'ctrl+End' });
	expected = await text();
	assert.match(expected, /かな/);
	await close_page(page);
});

test('a phone has the keys that it lacks, corrects, pastes, and leaves the picture where it is', async () => {
	const page = await watch({ ...phone, colorScheme: 'dark', permissions: ['clipboard-read', 'clipboard-write'] });
	const mode = () => page.locator('#keys-input').evaluate((f) => f.inputMode);
	const pressed = (id) => page.locator(id).getAttribute('aria-pressed');
	assert.equal(await page.locator('#touch').isVisible(), false);
	await take_over(page);
	await page.locator('#touch').waitFor();
	assert.equal(await mode(), 'none', 'the keyboard stays closed');
	assert.equal(await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth), 0, 'it fits');
	assert.equal(await page.locator('#touch').evaluate((b) => b.scrollWidth - b.clientWidth), 0, 'and so does the bar');
	const place = await page.locator('#stage').boundingBox();

	await page.tap('#keys');
	assert.deepEqual([await mode(), await pressed('#keys')], ['text', 'true']);
	await page.tap('[data-key=ControlLeft]');
	assert.equal(await pressed('[data-key=ControlLeft]'), 'true');
	await shot(page, 'phone-keys');
	await page.keyboard.insertText('a'); // with Ctrl: all of it, which the next letter replaces
	assert.equal(await pressed('[data-key=ControlLeft]'), 'false');
	await page.keyboard.insertText('teh cat');
	await page.evaluate(() => {
		const field = document.activeElement;
		const at = field.value.indexOf('teh');
		field.setSelectionRange(at, at + 3);
		document.execCommand('insertText', false, 'the');
	});
	expected = 'the cat';
	await arrives();
	await page.tap('[data-key=ArrowLeft]');
	await page.keyboard.insertText('e');
	await page.tap('[data-key=Tab]');
	await page.keyboard.press('Backspace');
	expected = 'the caet';
	await arrives();
	await page.evaluate(() => navigator.clipboard.writeText('漢字\nß '));
	const session = await page.context().newCDPSession(page);
	await session.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key: 'Unidentified', windowsVirtualKeyCode: 229,
		commands: ['paste'] }); // as the phone's menu does, without a key
	expected = 'the cae漢字\nß t';
	await arrives();
	await page.tap('#keys');
	assert.deepEqual([await mode(), await pressed('#keys')], ['none', 'false']);

	await call('run_command', { command: 'true' });
	await page.locator('#actions-list li').first().waitFor();
	assert.deepEqual(await page.locator('#stage').boundingBox(), place);
	await page.locator('#delay', { hasText: 'ms' }).waitFor({ state: 'attached' });
	await hand_back(page);
	await page.locator('#touch').waitFor({ state: 'hidden' });
	await close_page(page);
});

test('a picture stays where it is when the first action is listed', async (t) => {
	const other = await serve_http({ backend: 'fake', tokens: [{ name: 'ana', token }] });
	t.after(() => other.stop());
	const client = new Client({ name: 'viewer-input-test', version: '1.0.0' });
	await client.connect(new StreamableHTTPClientTransport(other.mcp, { requestInit: { headers: bearer(token) } }));
	t.after(() => client.close());
	for (const options of [phone, {}]) {
		const page = await open_page(browser, options);
		const tell = async (name, args = {}) => text_in(await client.callTool({ name, arguments: args }));
		await page.goto(/http:\S+#\S+/.exec(await tell('stream_url', { mode: 'view' }))[0]);
		await live(page);
		await page.locator('#delay', { hasText: 'ms' }).waitFor();
		const place = await page.locator('#stage').boundingBox();
		await tell('left_click', { x: 100, y: 100 });
		await page.locator('#actions-list li').first().waitFor();
		assert.deepEqual(await page.locator('#stage').boundingBox(), place);
		await close_page(page);
	}
});

/** Ids of what has the focus, from the beginning to the end. */
async function stops(page) {
	const ids = [];
	await page.evaluate(() => document.activeElement.blur());
	for (;;) {
		await page.keyboard.press('Tab');
		const id = await page.evaluate(() => document.activeElement.id || document.activeElement.dataset.key || '');
		if (!id || ids.includes(id)) {
			return ids;
		}
		ids.push(id);
	}
}

test('everything can be reached and used by the keyboard', async () => {
	const page = await watch(phone);
	assert.deepEqual(await stops(page), ['take', 'sound', 'help', 'actions']);
	await page.locator('#take').focus();
	await page.keyboard.press('Enter');
	await page.keyboard.type('Ana');
	await page.keyboard.press('Enter');
	await page.waitForFunction(() => document.activeElement.id === 'keys-input');
	await page.keyboard.press('Control+Alt+Shift');
	await page.waitForFunction(() => document.activeElement.id === 'give');
	const keys = ['Escape', 'Tab', 'ControlLeft', 'AltLeft', 'ArrowLeft', 'ArrowUp', 'ArrowDown', 'ArrowRight', 'keys'];
	for (const key of keys) {
		await page.locator(`[data-key=${key}], #${key}`).first().focus();
		assert.equal(await page.evaluate(() => document.activeElement.matches('#touch button:focus-visible')), true, key);
	}
	await page.locator('[data-key=AltLeft]').focus();
	await page.keyboard.press('Space');
	assert.equal(await page.locator('[data-key=AltLeft]').getAttribute('aria-pressed'), 'true');
	await page.keyboard.press('Space');
	assert.equal(await page.locator('[data-key=AltLeft]').getAttribute('aria-pressed'), 'false');
	await page.locator('#give').focus();
	await page.keyboard.press('Enter');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await page.locator('#give').waitFor({ state: 'hidden' });
	await close_page(page);
});

/** What a screen reader has of the page, without what differs from run to run. */
const tree = async (page) => (await page.locator('body').ariaSnapshot())
	.replace(/[a-z0-9]{20}/g, '<id>').replace(/since \d\d:\d\d( [AP]M)?/g, 'since <time>')
	.replace(/(Good|Fair|Slow) · \d+ ms( · [\d.]+ Mbit\/s)?/g, '<quality>').replace(/^( *)- list:\n(\1 .*\n?)*/gm, '$1- list\n');

test('a screen reader is told all of it', async () => {
	const golden = new URL('tests/golden/viewer-tree.txt', source);
	const page = await watch(phone);
	const quality = () => page.locator('#delay', { hasText: 'ms' }).waitFor();
	await quality();
	let told = `# The viewer page on a phone, as a screen reader has it.\n\n# Watching.\n${await tree(page)}\n`;
	await take_over(page);
	await quality();
	told += `\n# In control.\n${await tree(page)}\n`;
	await page.click('#give');
	told += `\n# Handing back.\n${await tree(page)}\n`;
	await page.keyboard.press('Escape');
	await hand_back(page);
	await close_page(page);
	if (process.env.VITRINE_GOLDEN === 'write') {
		writeFileSync(golden, told);
	}
	assert.equal(told, readFileSync(golden, 'utf8'));
});
