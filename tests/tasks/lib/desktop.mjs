// A desktop behind an MCP client of the official SDK, which counts what a model would send and receive.
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { state_with_image } from '../../clients/lib/machines.mjs';
import { modules, serve, vitrine } from '../../clients/lib/server.mjs';

const sdk = (path) => import(pathToFileURL(join(modules, '@modelcontextprotocol/sdk/dist/esm', path)));
const { Client } = await sdk('client/index.js');
const { StdioClientTransport } = await sdk('client/stdio.js');

/** Width and height of a JPEG: its frame header (T.81 B.2.2). */
function jpeg_size(bytes) {
	for (let at = 2; at < bytes.length; at += 2 + bytes.readUInt16BE(at + 2)) {
		if (bytes[at + 1] >= 0xc0 && bytes[at + 1] <= 0xc2) {
			return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
		}
	}
	throw new Error('a JPEG without a frame header');
}

/** What an image costs a model that counts patches of 28 pixels. */
function image_tokens(data) {
	const [width, height] = jpeg_size(Buffer.from(data, 'base64'));
	return Math.ceil(width / 28) * Math.ceil(height / 28);
}

export async function connect(backend) {
	const client = new Client({ name: 'tasks', version: '1' });
	const own = backend === 'microvm' ? state_with_image() : null;
	const args = own ? ['--state-dir', own.path, '--start-timeout', '120'] : ['--memory', '3072'];
	await client.connect(new StdioClientTransport({
		command: vitrine, args: [...serve(backend), '--tools', 'all', ...args], stderr: 'inherit',
	}), { timeout: 300000 });
	return { client, close: async () => { await client.close(); own?.remove(); } };
}

export class Desktop {
	constructor(client) {
		this.client = client;
		this.spent = { calls: 0, bytes: 0, tokens: 0 };
		this.answers = []; // to each call of the model
		this.last_image = null;
		this.seen = 0; // its frame
	}

	async begin() {
		const made = await this.aside('sandbox_create');
		this.sandbox = /sandbox (\w+)/i.exec(made)[1];
		this.home = (await this.run('cd; pwd')).trim();
	}

	async end() {
		await this.aside('sandbox_kill');
	}

	async ask(name, args) {
		const result = await this.client.callTool({ name, arguments: { sandbox: this.sandbox, ...args } }, undefined,
			{ timeout: 300000 });
		const text = result.content.map((part) => part.text ?? '').join('\n');
		if (result.isError) {
			throw new Error(`${name} ${JSON.stringify(args)}: ${text}`);
		}
		return { result, text };
	}

	/** A call of the model. */
	async call(name, args = {}) {
		const { result, text } = await this.ask(name, args);
		this.spent.calls++;
		const bytes = JSON.stringify(result.content).length;
		this.spent.bytes += bytes;
		this.answers.push(`${name}: ${bytes} bytes`);
		for (const part of result.content.filter((p) => p.type === 'image')) {
			this.spent.tokens += image_tokens(part.data);
			this.last_image = part.data;
			this.seen = Number(/\bframe (\d+)/.exec(text)[1]);
		}
		return text;
	}

	/** A call that the model knows nothing of. */
	async aside(name, args = {}) {
		return (await this.ask(name, args)).text;
	}

	/** Runs a command outside the graphical desktop; returns its standard output. */
	async run(command) {
		const { text } = await this.ask('run_command', { command });
		return text === '[no output]' ? '' : text;
	}
}
