// People watch a desktop in a real browser, take it over and hand it back, while an agent uses it over MCP.  What was typed
// is proved by the program that received it, what is shown by the agent's own screenshot.  All pages come through a proxy that
// gives the server a path of its own.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { close_page, difference, hand_back, launch_browser, leave_pages, live, open_page, says, shot, take_over } from './lib/browser.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { reverse_proxy } from './lib/proxy.mjs';
import { eventually } from './lib/server.mjs';

const received = '/home/user/received';
const token = 'viewer-test-token-0123456789-abcdef';
let agent, server, proxy, browser;
let reader; // the window of the program that reads: {number, x, y, width, height}
let short; // a page whose stream soon ends by itself, while others are tested

/** A client of this server. */
async function connect(to) {
	const client = new Client({ name: 'viewer-test', version: '1.0.0' });
	await client.connect(new StreamableHTTPClientTransport(to.mcp, { requestInit: { headers: bearer(token) } }));
	return client;
}

/** The tool's result; a refusal is one, too. */
const try_call = (name, args = {}) => agent.callTool({ name, arguments: args });

async function call(name, args) {
	const result = await try_call(name, args);
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return result;
}

async function link(mode, more = {}) {
	const text = text_in(await call('stream_url', { mode, ...more }));
	const url = new URL(/http:\S+#\S+/.exec(text)[0]);
	return { url, id: /\/s\/([^/]+)\//.exec(url.pathname)[1] };
}

/** A page on a link of its own. */
async function open_link(mode, { more, ...options } = {}) {
	const { url, id } = await link(mode, more);
	const page = await open_page(browser, options);
	await page.goto(url.href);
	return Object.assign(page, { stream: id });
}

async function watch(mode, options) {
	const page = await open_link(mode, options);
	await live(page);
	return page;
}

const seen = async () => (await call('screenshot', { format: 'png' })).content.find((c) => c.type === 'image');
const shows = (page, image) => eventually('the page shows what the agent sees',
	async () => await difference(page, image) < 0.002);

/** Lines that a program in the desktop has read from its terminal. */
const lines = async () => text_in(await call('run_command', { command: `cat ${received}` }))
	.split('\n').map((l) => l.trim()).filter((l) => /^(agent|ana|late|back|spy)\b/.test(l));
const got = (...wanted) => eventually(`the program got ${wanted}`,
	async () => JSON.stringify(await lines()) === JSON.stringify(wanted), 20)
	.catch(async (error) => assert.deepEqual(await lines(), wanted, error.message));

const last = (wanted) => eventually(`the program got ${wanted}`, async () => (await lines()).at(-1) === wanted);

/** A key that Playwright's own keyboard, an American one, does not have. */
async function press(page, key, code) {
	const session = await page.context().newCDPSession(page);
	await session.send('Input.dispatchKeyEvent', { type: 'keyDown', key, code, text: key });
	await session.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code });
	await session.detach();
}

before(async () => {
	proxy = await reverse_proxy('/desk/top');
	server = await serve_http({ backend: 'namespace', args: ['--public-url', proxy.url, '--commands-during-takeover'], tokens: [{ name: 'ana', token }] });
	proxy.lead_to(server.port);
	browser = await launch_browser();
	agent = await connect(server);
	const script = '/home/user/reader';
	await call('run_command', { command: `cat > ${script} <<'END'
#!/bin/sh
exec xterm -u8 -xrm 'XTerm*selectToClipboard: true' -e sh -c 'exec cat > ${received}'
END
chmod +x ${script}` });
	const shown = /Window (\d+) .* at \((\d+), (\d+)\), (\d+)x(\d+)/.exec(text_in(await call('launch', { application: script })));
	const [number, x, y, width, height] = shown.slice(1).map(Number);
	reader = { number, x, y, width, height };
});
/* A test that failed leaves nothing to the next one. */
afterEach(async () => {
	await leave_pages(browser, [short]);
	await eventually('the agent has control again', async () =>
		!/Ana/.test(text_in(await try_call('control_status'))));
});
after(async () => {
	await browser?.close();
	await agent?.close();
	proxy?.close();
	await server?.stop();
});

test('the page shows what the agent sees, as it types', async () => {
	const page = await watch('view');
	const empty = await seen();
	await shows(page, empty);
	await call('type', { text: 'agent one\n', observe: 'settled' });
	const typed = await seen();
	await shows(page, typed);
	assert.ok(await difference(page, empty) > 0, 'and no longer what was there before');
	await got('agent one');
	await page.locator('#actions-list strong', { hasText: 'type' }).waitFor();
	assert.match(await page.locator('#holder').innerText(), /agent has control/i);
	assert.equal(page.url().includes('#'), false, 'the ticket is gone from the address');
	assert.deepEqual([...page.asked], [proxy.origin], 'nothing is asked of anybody else');
	await shot(page, 'view');
	await close_page(page);
});

/** Speaks RFB from the page, as a page that does not keep to the rules would.  Its own words are answered in order: once the
 * picture comes, the keys before it were dropped or not. */
async function spy(page) {
	await page.evaluate(async () => {
		const reader = (await fetch('events')).body.pipeThrough(new TextDecoderStream()).getReader();
		let text = '';
		while (!/"viewer": ?"([^"]+)"/.test(text)) {
			text += (await reader.read()).value;
		}
		const viewer = /"viewer": ?"([^"]+)"/.exec(text)[1];
		const url = new URL(`socket?viewer=${viewer}`, location.href.replace('http', 'ws'));
		const socket = new WebSocket(url, 'binary');
		socket.binaryType = 'arraybuffer';
		let have = 0, wake = () => {};
		socket.onmessage = ({ data }) => { have += data.byteLength; wake(); };
		const bytes = async (n) => {
			while (have < n) {
				await new Promise((resolve) => { wake = resolve; });
			}
		};
		const send = (...b) => socket.send(new Uint8Array(b));
		await bytes(12);
		socket.send(new TextEncoder().encode('RFB 003.008\n'));
		await bytes(14);
		send(1); // no security of RFB's own
		await bytes(18);
		send(1); // shared
		await bytes(18 + 24);
		const before = have;
		for (const c of 'spy\r') {
			const key = c === '\r' ? [0xff, 0x0d] : [0, c.charCodeAt(0)];
			send(4, 1, 0, 0, 0, 0, ...key);
			send(4, 0, 0, 0, 0, 0, ...key);
		}
		send(3, 0, 0, 0, 0, 0, 0, 8, 0, 8); // a piece of the picture
		await bytes(before + 100);
		socket.close();
		reader.cancel();
	});
}

test('who may only look cannot type, not even past the page', async () => {
	const page = await watch('view');
	assert.equal(await page.locator('#take').isVisible(), false);
	await page.locator('#screen canvas').click();
	await page.keyboard.type('spy\n');
	await spy(page);
	await call('type', { text: 'agent two\n' });
	await got('agent one', 'agent two');
	await close_page(page);
});

test('a person takes over, types, and hands back with a word', async () => {
	short = await open_link('view', { more: { expires: 15 } });
	const page = await watch('control');
	await page.locator('#screen canvas').click();
	await page.keyboard.type('spy\n'); // not yet
	const asked = try_call('request_human', { reason: 'Please type the <b>secret</b> word.' });
	await page.locator('#wanted-why', { hasText: 'Please type the <b>secret</b> word.' }).waitFor();
	await shot(page, 'wanted');
	await take_over(page, '#wanted-take');
	await shot(page, 'mine');

	const refused = await try_call('type', { text: 'agent three\n' });
	assert.equal(refused.isError, true);
	assert.match(text_in(refused), /Ana/);
	await seen(); // looking still works

	await page.keyboard.type('ana Gr');
	await press(page, 'ö', 'Semicolon');
	await press(page, 'ß', 'Minus');
	await page.keyboard.type('e 1');
	await press(page, '€', 'KeyE');
	await page.keyboard.press('Enter');
	await got('agent one', 'agent two', 'ana Größe 1€');

	// The keyboard's way out of the desktop, and what it held there is let go.
	await page.keyboard.press('Control+Alt+Shift');
	await page.waitForFunction(() => document.activeElement.id === 'give');
	await page.keyboard.press('Enter');
	await page.keyboard.type('It is “swordfish”.');
	await shot(page, 'give');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	assert.match(text_in(await asked), /swordfish/);
	await call('type', { text: 'agent four\n' });
	await got('agent one', 'agent two', 'ana Größe 1€', 'agent four');
	await close_page(page);
});

/* ---- the clipboard ---- */

/** The reader's first word, "agent", which the terminal takes for copied once it is selected. */
const copy_first_word = () => call('double_click', { coordinate: [reader.x + 12, reader.y + 9] });

async function open_clipboard(page) {
	await page.click('#clipboard');
	await page.waitForFunction(() => document.getElementById('clipboard-state').textContent !== 'Loading…');
}

const shown_text = (page) => page.locator('#clipboard-from').inputValue();

async function close_clipboard(page) {
	await page.keyboard.press('Escape');
	await page.locator('#clipboard-dialog').waitFor({ state: 'hidden' });
}

/** At once: Chromium takes long to put in much as if it were typed. */
const put_in = (page, text) => page.locator('#clipboard-to').evaluate((at, value) => { at.value = value; }, text);

/** Until the server has said that it is there. */
async function set_clipboard(page, text) {
	await open_clipboard(page);
	await put_in(page, text);
	await page.click('#clipboard-send');
	await page.locator('#clipboard-dialog').waitFor({ state: 'hidden' });
	await page.locator('#said', { hasText: 'clipboard is set' }).waitFor();
}

/** Once: what was confirmed is there. */
async function paste(page) {
	await page.locator('#keys-input').focus();
	await page.keyboard.press('Shift+Insert');
}

test('who may only look gets nothing of the clipboard', async () => {
	const page = await open_page(browser);
	const received = [];
	page.on('websocket', (socket) => socket.on('framereceived', ({ payload }) => received.push(Buffer.from(payload))));
	await page.goto((await link('view')).url.href);
	await live(page);
	await copy_first_word();
	await call('type', { text: 'agent copies\n', observe: 'settled' });
	await shows(page, await seen()); // whatever followed the copy has come
	assert.equal(await page.locator('#clipboard').isVisible(), false);
	const refused = await page.evaluate(async () => (await fetch('clipboard?viewer=aaaaaaaaaaaaaaaaaaaa')).status);
	assert.equal(refused, 403);
	const pictures = received.filter((bytes) => !bytes.includes('"event"')); // events tell what was typed
	assert.ok(pictures.length > 0);
	assert.equal(pictures.some((bytes) => bytes.includes('agent')), false);
	await close_page(page);
});

test('what was copied before taking over is given to this computer', async () => {
	await copy_first_word();
	const page = await watch('control', { permissions: ['clipboard-read', 'clipboard-write'] });
	await take_over(page);
	await open_clipboard(page);
	assert.equal(await shown_text(page), 'agent');
	await page.click('#clipboard-copy');
	await page.locator('#said', { hasText: 'Copied' }).waitFor();
	assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'agent');
	await shot(page, 'clipboard');
	await close_clipboard(page);
	await hand_back(page);
	assert.equal(await page.locator('#clipboard').isVisible(), false);
	await close_page(page);
});

test('text goes to the desktop by the clipboard, and too much is refused', async () => {
	const page = await watch('control');
	await take_over(page);
	const text = 'ana käme ≠ 漢字';
	await set_clipboard(page, `${text}\n`);
	await paste(page);
	await last(text);
	await open_clipboard(page);
	assert.equal(await shown_text(page), `${text}\n`);
	await close_clipboard(page);

	// In lines, which a terminal passes on.
	const long = `${'x'.repeat(98)}7\n`.repeat(3000);
	await set_clipboard(page, long);
	await paste(page);
	const count = async () => Number(text_in(await call('run_command', { command: `grep -c '^x\\{98\\}7$' ${received}` })));
	await eventually('the desktop pasted all lines', async () => await count() === 3000);
	await set_clipboard(page, 'ana is short again\n');
	await paste(page);
	await last('ana is short again');
	assert.equal(await count(), 3000, 'and none twice');

	await open_clipboard(page);
	await put_in(page, 'y'.repeat((1 << 20) + 1));
	await page.click('#clipboard-send');
	await page.locator('#said', { hasText: 'at most 1048576 bytes' }).waitFor();
	assert.equal(await page.locator('#clipboard-dialog').isVisible(), true);
	await close_clipboard(page);
	await open_clipboard(page);
	assert.equal(await shown_text(page), 'ana is short again\n');
	await close_clipboard(page);
	await hand_back(page);
	await close_page(page);
});

test('an image goes both ways by the clipboard', async () => {
	const page = await watch('control', { permissions: ['clipboard-read', 'clipboard-write'] });
	const image = Buffer.from((await seen()).data, 'base64');
	await take_over(page);
	await open_clipboard(page);
	await page.setInputFiles('#clipboard-file', { name: 'screen.png', mimeType: 'image/png', buffer: image });
	await page.locator('#clipboard-chosen').waitFor();
	await page.click('#clipboard-send');
	await page.locator('#said', { hasText: 'clipboard is set' }).waitFor();
	const answer = page.waitForResponse((response) => response.request().method() === 'GET' && response.url().includes('/clipboard?'));
	await open_clipboard(page);
	await page.locator('#clipboard-image').waitFor();
	const back = await page.evaluate(async (url) => [...new Uint8Array(await (await fetch(url)).arrayBuffer())],
		(await answer).url()); // Playwright has no body that became a blob
	assert.deepEqual(Buffer.from(back), image, 'byte for byte');
	await page.click('#clipboard-copy');
	await page.locator('#said', { hasText: 'Copied' }).waitFor();
	const types = await page.evaluate(async () => (await navigator.clipboard.read()).flatMap((item) => item.types));
	assert.deepEqual(types, ['image/png']);
	assert.equal(await page.locator('#clipboard-save').isVisible(), true);
	await shot(page, 'clipboard-image');
	await close_clipboard(page);
	await hand_back(page);
	await close_page(page);
});

test('two watch; revoking one link closes its page alone', async () => {
	const [one, two] = [await watch('view'), await watch('control', { colorScheme: 'dark',
		viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true })];
	const image = await seen();
	await Promise.all([shows(one, image), shows(two, image)]);
	assert.equal(await two.evaluate(() => document.scrollingElement.scrollWidth), 360, 'it fits a phone');
	await shot(two, 'phone');
	await call('stream_revoke', { stream: one.stream });
	await says(one, 'revoked');
	await shot(one, 'revoked');
	await one.reload();
	await says(one, 'ended');
	await call('type', { text: 'agent five\n', observe: 'settled' });
	await shows(two, await seen());

	// A phone's own keyboard.
	await take_over(two);
	await two.click('#keys');
	await two.keyboard.insertText('ana 漢 by touch');
	await two.keyboard.press('Backspace');
	await two.keyboard.press('Enter');
	await last('ana 漢 by touc');
	await hand_back(two);
	await Promise.all([close_page(one), close_page(two)]);
});

test('a page that nobody sees takes no pictures', async () => {
	const page = await open_page(browser);
	await page.clock.install();
	await page.goto((await link('control')).url.href);
	await live(page);
	const see = (hidden) => page.evaluate((value) => {
		Object.defineProperty(document, 'hidden', { value, configurable: true });
		document.dispatchEvent(new Event('visibilitychange'));
	}, hidden);
	await see(true);
	await page.clock.fastForward(31_000);
	await page.locator('#screen canvas').waitFor({ state: 'detached' });
	const wanted = try_call('request_human', { reason: 'Look here.' });
	await page.waitForFunction(() => document.title.startsWith('Help requested'));
	await see(false);
	await live(page);
	await take_over(page, '#wanted-take');
	await hand_back(page);
	await wanted;
	await close_page(page);
});

test('a stream of one window shows that window alone', async () => {
	const page = await watch('view', { more: { window: reader.number } });
	const size = await page.locator('#screen canvas').evaluate(({ width, height }) => ({ width, height }));
	assert.deepEqual(size, { width: reader.width, height: reader.height });
	assert.equal(await page.locator('#actions').isVisible(), false, 'what happens elsewhere is not told');
	await shot(page, 'window');
	await close_page(page);
});

test('a stream whose time is over is called so', async () => {
	await says(short, 'expired');
	await shot(short, 'expired');
	await close_page(short);
});

test('a page whose connection was cut comes back by itself, and has what it had', async () => {
	const page = await watch('control');
	await take_over(page);
	proxy.cut();
	await says(page, /Connection lost|Cannot reach/);
	await shot(page, 'lost');
	proxy.mend();
	await live(page);
	await page.locator('#give').waitFor();
	await page.reload(); // the same, by hand
	await live(page);
	await page.locator('#give').waitFor();
	await page.locator('#keys-input').focus();
	await page.keyboard.type('late but there\n');
	await last('late but there');
	await hand_back(page);
	await page.context().close(); // it does complain of the cut
});

test('the list asks who one is, shows the sandbox, and leads to it', async () => {
	const page = await open_page(browser);
	await page.goto(`${proxy.url}/`);
	await page.fill('#token', 'wrong');
	await page.keyboard.press('Enter');
	await page.locator('#token-said', { hasText: /./ }).waitFor();
	await shot(page, 'token');
	await page.fill('#token', token);
	await page.keyboard.press('Enter');
	await page.locator('#list li img[src]').waitFor();
	await shot(page, 'list');
	await page.reload();
	await page.locator('#list li .watch').click();
	await page.waitForURL(/\/s\/[^/]+\/$/);
	await live(page);
	assert.deepEqual([...page.asked], [proxy.origin]);
	await close_page(page);
});

test('a window that was closed, and a sandbox that is gone, are called so', async () => {
	const page = await watch('control');
	const window = await watch('view', { more: { window: reader.number } });
	await call('run_command', { command: 'pkill xterm' });
	await says(window, 'window was closed');
	await take_over(page);
	await call('sandbox_kill', { sandbox: /[a-z0-9]{20}/.exec(text_in(await call('sandbox_list')))[0] });
	await says(page, 'ended');
	assert.equal(await page.locator('#give').isVisible(), false);
	await shot(page, 'gone');
	await close_page(window);
	await close_page(page);
});

test('a paused sandbox is called so, on more pages than a browser has connections', async (t) => {
	const other = await serve_http({ backend: 'fake', tokens: [{ name: 'ana', token }] });
	t.after(() => other.stop());
	const client = await connect(other);
	t.after(() => client.close());
	const tell = async (name, args = {}) => text_in(await client.callTool({ name, arguments: args }));
	const page = await open_page(browser);
	const url = /http:\S+#\S+/.exec(await tell('stream_url', { mode: 'view' }))[0];
	await page.goto(url);
	const pages = [page];
	while (pages.length < 8) {
		pages.push(await page.context().newPage());
		await pages.at(-1).goto(url.replace(/#.*/, ''));
	}
	await Promise.all(pages.map(live));
	await tell('sandbox_pause', { sandbox: /[a-z0-9]{20}/.exec(await tell('sandbox_list'))[0] });
	await Promise.all(pages.map((each) => says(each, 'paused')));
	await shot(page, 'paused');
	await close_page(page);
});
