// mcporter, which turns MCP servers into commands, with the mcp.json of this repository as it is.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from './lib/run.mjs';
import { modules, source, vitrine } from './lib/server.mjs';

const home = mkdtempSync(join(tmpdir(), 'mcporter-'));
after(() => rmSync(home, { recursive: true }));

// The file as shipped, but for the program under test and the backend that runs anywhere.
const shipped = JSON.parse(readFileSync(join(source, 'mcp.json'), 'utf8'));
const [name, entry] = Object.entries(shipped.mcpServers)[0];
const config = join(home, 'mcp.json');
writeFileSync(config, JSON.stringify({ mcpServers:
	{ [name]: { ...entry, command: vitrine, args: [...entry.args, '--backend', 'fake'] } } }));

const mcporter = (...args) => run(
	[process.execPath, join(modules, '.bin/mcporter'), '--config', config, ...args],
	{ env: { ...process.env, HOME: home }, cwd: home });

test('mcp.json names this program, with its type', () => {
	assert.equal(entry.type, 'stdio');
	assert.equal(entry.command, './build/vitrine');
	assert.equal(entry.args[0], 'serve');
});

test('it lists the tools', async () => {
	const { code, out, err } = await mcporter('list', name, '--json');
	assert.equal(code, 0, err);
	assert.match(out, /left_click_drag/);
});

test('it clicks', async () => {
	const { code, out, err } = await mcporter('call', `${name}.left_click`, '--args',
		'{"coordinate": [10, 20]}');
	assert.equal(code, 0, err);
	assert.match(out, /Clicked\./);
});

test('it saves a screenshot', async () => {
	const { code, err } = await mcporter('call', `${name}.screenshot`, '--save-images', home);
	assert.equal(code, 0, err);
	assert.ok(readdirSync(home).some((f) => /\.jpe?g$/.test(f)), readdirSync(home).join(' '));
});
