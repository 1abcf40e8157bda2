// A link to one window: in a real browser the page shows that window and never the one over it, and what is typed there
// arrives in that window alone.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { close_page, launch_browser, live, open_page, says, shot } from './lib/browser.mjs';
import { bearer, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { eventually } from './lib/server.mjs';

const token = 'window-test-token-0123456789-abcdef';
let agent, server, browser;

async function call(name, args = {}) {
	const result = await agent.callTool({ name, arguments: args });
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return text_in(result);
}

/** A terminal all of one colour, whose program writes what it reads to a file; its window's id. */
async function open_terminal(colour, geometry) {
	const script = `/home/user/${colour}`;
	await call('run_command', { command: `cat > ${script} <<'END'
#!/bin/sh
exec xterm -u8 -bg ${colour} -fg ${colour} -ms ${colour} +sb -geometry ${geometry} -T ${colour} -e sh -c 'exec cat > ${script}.txt'
END
chmod +x ${script}` });
	const text = await call('launch', { application: script });
	return Number(/Window (\d+) /.exec(text)[1]);
}

async function watch(mode, window) {
	const url = /http:\S+#\S+/.exec(await call('stream_url', { mode, window }))[0];
	const page = await open_page(browser);
	await page.goto(url);
	await live(page);
	return page;
}

/** The parts of the canvas that are clearly of these colours, from 0 to 1. */
const shares = (page) => page.evaluate(() => {
	const shown = document.querySelector('#screen canvas');
	const { data } = shown.getContext('2d').getImageData(0, 0, shown.width, shown.height);
	const found = { width: shown.width, red: 0, blue: 0 };
	for (let i = 0; i < data.length; i += 4) {
		const [r, g, b] = data.subarray(i, i + 3);
		found.red += r > 200 && g < 60 && b < 60 ? 4 / data.length : 0;
		found.blue += b > 200 && g < 60 && r < 60 ? 4 / data.length : 0;
	}
	return found;
});

const content = async (colour) => call('run_command', { command: `cat /home/user/${colour}.txt` });

before(async () => {
	server = await serve_http({ backend: 'namespace', args: ['--commands-during-takeover'], tokens: [{ name: 'ana', token }] });
	browser = await launch_browser();
	agent = new Client({ name: 'window-test', version: '1.0.0' });
	await agent.connect(new StreamableHTTPClientTransport(server.mcp, { requestInit: { headers: bearer(token) } }));
});
after(async () => {
	await browser?.close();
	await agent?.close();
	await server?.stop();
});

test('a link to a window shows and reaches that window alone, and ends with it', async () => {
	const red = await open_terminal('red', '60x20+60+60');
	const blue = await open_terminal('blue', '40x12+120+120');
	assert.notEqual(red, blue);
	const page = await watch('control', red);
	const over = await watch('view', blue);
	await eventually('the whole window is there, though covered', async () => (await shares(page)).red > 0.95);
	await eventually('the other, too', async () => (await shares(over)).blue > 0.95);
	assert.equal((await shares(page)).blue, 0);
	assert.equal((await shares(over)).red, 0);
	assert.ok((await shares(page)).width < 1000, 'as large as the window');
	await shot(page, 'window');

	await page.click('#take');
	if (await page.locator('#name-dialog').isVisible()) {
		await page.fill('#name-input', 'Ana');
		await page.keyboard.press('Enter');
	}
	await page.locator('#give').waitFor();
	await page.locator('#screen canvas').click();
	await page.keyboard.type('Only for RED?!\n');
	await eventually('it was typed', async () => /Only for RED\?!/.test(await content('red')));
	assert.doesNotMatch(await content('blue'), /Only/);
	assert.equal((await shares(page)).blue, 0);
	assert.equal((await shares(over)).red, 0);

	await call('run_command', { command: 'kill $(pgrep -f "[x]term .*-T red")' });
	await says(page, 'The window was closed');
	await shot(page, 'window-closed');
	await close_page(page);
	await close_page(over);
});
