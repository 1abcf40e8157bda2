// A real browser for the pages: Debian's Chromium, driven by Playwright, and what it shows compared with what is there.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const pictures = process.env.VITRINE_PICTURES; // a folder: a picture of every state goes there

export const launch_browser = () => chromium.launch({
	executablePath: ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync),
	// Chromium's own sandbox does not start as root.
	args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

/** A page in a browser profile of its own.  complaints: what the browser said against it; asked: where it went. */
export async function open_page(browser, options = {}) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(180_000);
	page.complaints = [];
	page.asked = new Set();
	page.on('pageerror', (error) => page.complaints.push(String(error)));
	page.on('console', (message) => {
		if (message.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(message.text())) {
			page.complaints.push(message.text());
		}
	});
	page.on('request', (request) => page.asked.add(new URL(request.url()).origin));
	page.on('websocket', (socket) => page.asked.add(new URL(socket.url()).origin.replace('ws:', 'http:')));
	return page;
}

/** Takes control; the keyboard is the desktop's then. */
export async function take_over(page, button = '#take') {
	await page.click(button);
	if (await page.locator('#name-dialog').isVisible()) {
		await page.fill('#name-input', 'Ana');
		await page.keyboard.press('Enter');
	}
	await page.locator('#give').waitFor();
	await page.waitForFunction(() => document.activeElement.id === 'keys-input');
}

export async function hand_back(page, words = '') {
	await page.click('#give');
	await page.fill('#give-input', words);
	await page.click('#give-dialog .main');
	await page.locator('#give').waitFor({ state: 'hidden' });
}

/** Closes every page but these. */
export async function leave_pages(browser, kept = []) {
	const stay = new Set(kept.filter(Boolean).map((page) => page.context()));
	await Promise.all(browser.contexts().filter((context) => !stay.has(context)).map((context) => context.close()));
}

export async function close_page(page) {
	assert.deepEqual(page.complaints, [], 'the browser has nothing to say against the page');
	await page.context().close();
}

export const shot = (page, name) => pictures && page.screenshot({ path: join(pictures, `${name}.png`) });

/** The desktop is shown, and live. */
export const live = (page) => page.locator('#cover').waitFor({ state: 'hidden' });

/** Says so, over the picture. */
export const says = (page, words) => page.locator('#cover h2', { hasText: words }).waitFor();

/** How much of the canvas is not as in this picture (an MCP image block), from 0 to 1.  JPEG on the way changes colours a
 * little, so only what is clearly another colour counts. */
export const difference = (page, { data, mimeType }) => page.evaluate(async (url) => {
	const image = new Image();
	image.src = url;
	await image.decode();
	const shown = document.querySelector('#screen canvas');
	if (image.width !== shown.width || image.height !== shown.height) {
		return 1;
	}
	const pixels = (source) => {
		const canvas = new OffscreenCanvas(image.width, image.height);
		const context = canvas.getContext('2d');
		context.drawImage(source, 0, 0);
		return context.getImageData(0, 0, image.width, image.height).data;
	};
	const [a, b] = [pixels(image), pixels(shown)];
	let others = 0;
	for (let i = 0; i < a.length; i += 4) {
		const far = [0, 1, 2].some((c) => Math.abs(a[i + c] - b[i + c]) > 80);
		others += far ? 1 : 0;
	}
	return others / (a.length / 4);
}, `data:${mimeType};base64,${data}`);
