// E2B's desktop SDK, unmodified, on the desktop of a namespace sandbox: its mouse, keyboard, programs, and the stream in a browser.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { Sandbox } from '@e2b/desktop';
import { close_page, launch_browser, live, open_page, says, take_over } from './lib/browser.mjs';
import { serve_e2b } from './lib/e2b.mjs';
import { eventually } from './lib/server.mjs';

let server, desktop, browser;
before(async () => {
	server = await serve_e2b({ backend: 'namespace', args: ['--e2b-tls', '127.0.0.1:0'] });
	desktop = await Sandbox.create({ ...server.connection, resolution: [1024, 768], timeoutMs: 600000 });
	browser = await launch_browser();
});
after(async () => {
	await browser?.close();
	await server.stop();
});

const run = async (command) => (await desktop.commands.run(command)).stdout;
const received = async (text) => eventually(`the program has received ${text}`, async () => (await run('cat /tmp/received || true')) === text);

/** A terminal that writes the lines it reads to a file; the id of its window. */
async function open_reader() {
	await desktop.commands.run(`xterm -T reader -e sh -c 'rm -f /tmp/received; while read -r line; do echo "$line" >> /tmp/received; done'`, { background: true, timeoutMs: 0 });
	let id;
	await eventually('its window', async () => {
		[id] = (await desktop.getApplicationWindows('xterm').catch(() => []));
		return id;
	});
	await eventually('it has the focus', async () => (await desktop.getCurrentWindowId().catch(() => '')).trim() === id);
	return id;
}

test('the screen has the size that was asked for, the pointer is in its middle', async () => {
	assert.deepEqual(await desktop.getScreenSize(), { width: 1024, height: 768 });
	assert.deepEqual(await desktop.getCursorPosition(), { x: 512, y: 384 });
});

test('a screenshot is a PNG of that size', async () => {
	const png = Buffer.from(await desktop.screenshot());
	assert.equal(png.subarray(1, 4).toString(), 'PNG');
	assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1024, 768]);
	assert.equal(await run('command -v scrot'), '/opt/vitrine/e2b/scrot\n', 'ours, which is faster');
	await run('scrot --quality 50 /tmp/other.jpg && test -s /tmp/other.jpg'); // the real one
});

test('the mouse', async () => {
	await desktop.moveMouse(100, 200);
	assert.deepEqual(await desktop.getCursorPosition(), { x: 100, y: 200 });
	await desktop.drag([150, 250], [300, 400]); // elsewhere: `xdotool mousemove --sync` waits long if nothing moves
	assert.deepEqual(await desktop.getCursorPosition(), { x: 300, y: 400 });
	const seen = () => run('scrot -o /tmp/seen.png && sha256sum < /tmp/seen.png'); // without the pointer
	const before = await seen();
	await desktop.rightClick(900, 600);
	await eventually('the menu of the desktop', async () => await seen() !== before);
	await desktop.press('escape');
	await eventually('it is closed', async () => await seen() === before);
});

test('the keyboard', async () => {
	const id = await open_reader();
	assert.equal(await desktop.getWindowTitle(id), 'reader');
	await desktop.write('plain text\n');
	await received('plain text\n');
	await desktop.write('second');
	await desktop.press('enter');
	await received('plain text\nsecond\n');
	// The agent types it, for xdotool would lose some of it on a busy machine.
	const text = `It's ü ж 你好 — $HOME "quoted" \\ 'twice' and more than twenty-five characters`;
	await desktop.write(`${text}\n`);
	await received(`plain text\nsecond\n${text}\n`);
	// Forms that only a shell reads stay with xdotool.
	await desktop.commands.run('xdotool type --delay 20 -- "a b"; xdotool key Return');
	await received(`plain text\nsecond\n${text}\na b\n`);
	await desktop.press(['ctrl', 'd']);
});

// With the name of this machine, as the SDK says it when E2B_DOMAIN is set.
const domain = () => server.variables.E2B_DOMAIN;
const at = (url) => url.replace(/^https:\/\/6080-([^.]+)\.[^/]+/, `http://6080-$1.${domain().split(':')[0]}:${new URL(server.url).port}`);
const secure = (url) => url.replace(/^https:\/\/6080-([^.]+)\.[^/]+/, `https://6080-$1.${domain()}`);

test('the stream is our viewer, with the password', async () => {
	await desktop.stream.start({ requireAuth: true });
	const authKey = desktop.stream.getAuthKey();
	await assert.rejects(desktop.stream.start(), /already running/);
	const page = await open_page(browser);
	assert.equal((await page.goto(at(desktop.stream.getUrl()))).status(), 401);
	assert.equal((await page.goto(at(desktop.stream.getUrl({ authKey: 'wrong' })))).status(), 401);
	await page.goto(at(desktop.stream.getUrl({ authKey })));
	await live(page);
	await page.locator('#take').waitFor();
	const watcher = await open_page(browser);
	await watcher.goto(at(desktop.stream.getUrl({ authKey, viewOnly: true })));
	await live(watcher);
	assert.equal(await watcher.locator('#take').isVisible(), false, 'only to watch');
	await desktop.stream.stop();
	await says(page, /ended|revoked|stopped/i);
	await close_page(page);
	await close_page(watcher);
});

test('a user takes over, and types', async () => {
	await open_reader();
	await desktop.stream.start({ requireAuth: false });
	const page = await open_page(browser);
	assert.equal((await page.goto(at(desktop.stream.getUrl()))).status(), 200);
	await live(page);
	await take_over(page);
	await assert.rejects(desktop.commands.run('true'), /control/, 'docs/e2b.md says so');
	await page.keyboard.type('from a browser');
	await page.keyboard.press('Enter');
	await page.click('#give');
	await page.click('#give-dialog .main');
	await page.locator('#give').waitFor({ state: 'hidden' });
	await received('from a browser\n');
	await close_page(page);
	await desktop.stream.stop();
});

test('the stream of one window', async () => {
	const [windowId] = await desktop.getApplicationWindows('xterm');
	await desktop.stream.start({ windowId, requireAuth: false });
	const page = await open_page(browser);
	await page.goto(at(desktop.stream.getUrl()));
	await live(page);
	const { width, height } = await page.locator('#screen canvas').evaluate((canvas) => ({ width: canvas.width, height: canvas.height }));
	assert.ok(width < 1024 && height < 768, `the window alone: ${width}x${height}`);
	await close_page(page);
	await desktop.stream.stop();
});

test('with TLS, in a frame of another site', async () => {
	await desktop.stream.start({ requireAuth: true });
	const url = secure(desktop.stream.getUrl({ authKey: desktop.stream.getAuthKey() }));
	// A site on this machine, because browsers do not let one of the internet open a name of this machine.
	const site = createServer((request, response) => {
		response.setHeader('Content-Type', 'text/html').end(`<iframe width="900" height="700" src="${url}"></iframe>`);
	});
	await once(site.listen(0, '127.0.0.1'), 'listening');
	const page = await open_page(browser, { ignoreHTTPSErrors: true });
	await page.goto(`http://127.0.0.1:${site.address().port}/`);
	const frame = page.frameLocator('iframe');
	await frame.locator('#screen canvas').waitFor();
	await frame.locator('#cover').waitFor({ state: 'hidden' });
	await page.context().close();
	site.close();
	await desktop.stream.stop();
});

test('programs are launched, and files and pages opened', async () => {
	await desktop.launch('xterm');
	await desktop.commands.run('echo text > /home/user/a.txt');
	await desktop.open('/home/user/a.txt');
});
