// The template builder of E2B's SDK on a microVM: steps, names and tags, and a sandbox of what was built.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Sandbox, Template, waitForTimeout } from 'e2b';
import { serve_e2b_microvms } from './lib/e2b.mjs';
import { skip } from './lib/machines.mjs';

const slow = { timeout: 900_000, skip }; // software emulation on a busy machine
const context = mkdtempSync(join(tmpdir(), 'vitrine-context-'));
process.on('exit', () => rmSync(context, { recursive: true, force: true }));
mkdirSync(join(context, 'folder'));
writeFileSync(join(context, 'folder/one.txt'), 'one\n');
symlinkSync('one.txt', join(context, 'folder/link.txt'));
const it = serve_e2b_microvms();

async function build(template, name) {
	const lines = [];
	const built = await Template.build(template, name, { ...it.server.connection, cpuCount: 1, memoryMB: 512,
		onBuildLogs: ({ message }) => lines.push(message) });
	return { ...built, lines };
}

const fails = (template, why) => assert.rejects(build(template, 'broken'), ({ message }) => {
	assert.match(message, why);
	return true;
});

test('steps run in order, and a sandbox of the template has their effects', slow, async () => {
	const { lines, templateId } = await build(Template({ fileContextPath: context }).fromBaseImage()
		.copy('folder/*', 'copied', { mode: 0o640 }).runCmd('cat copied/link.txt; stat -c "%a %U" copied/one.txt')
		.setEnvs({ COLOUR: 'dark blue' }).setWorkdir('/app').runCmd('echo "$COLOUR in $PWD"; touch made')
		.runCmd('whoami', { user: 'root' }).setStartCmd('exec sleep 4242', waitForTimeout(10)), 'mine:v1');
	for (const line of ['one', '640 user', 'dark blue in /app', 'root']) {
		assert.ok(lines.includes(line), `${line} is in ${lines.join('\n')}`);
	}
	for (const name of ['mine:v1', templateId]) {
		const sandbox = await Sandbox.create(name, it.server.connection);
		const { stdout } = await sandbox.commands.run('ls /app; echo "$COLOUR"; pgrep -xf "sleep 4242" | wc -l');
		assert.equal(stdout, 'made\ndark blue\n1\n');
		await sandbox.kill();
	}
});

test('the user and the directory of a template are those of its sandboxes', slow, async () => {
	await build(Template().fromBaseImage().setWorkdir('/work').setWorkdir('sub').setUser('root'), 'rooted');
	const sandbox = await Sandbox.create('rooted', it.server.connection);
	assert.equal((await sandbox.commands.run('whoami; pwd')).stdout, 'root\n/work/sub\n');
	assert.equal((await sandbox.commands.run('whoami; pwd', { user: 'user', cwd: '~' })).stdout, 'user\n/home/user\n');
	assert.equal((await sandbox.files.write('of-root', '')).path, '/root/of-root');
	await sandbox.kill();
});

test('tags are further names', slow, async () => {
	await Template.assignTags('mine:v1', ['stable', 'latest'], it.server.connection);
	const tags = await Template.getTags('mine:v1', it.server.connection);
	assert.deepEqual(tags.map(({ tag }) => tag).sort(), ['latest', 'stable', 'v1']);
	assert.equal(await Template.exists('mine:stable', it.server.connection), true);
	await Template.removeTags('mine', ['stable'], it.server.connection);
	assert.equal(await Template.exists('mine:stable', it.server.connection), false);
	await assert.rejects(Template.assignTags('mine:v1', 'a:b', it.server.connection));
});

test('what fails says at which step, and why', slow, async () => {
	const base = () => Template().fromBaseImage();
	await fails(base().runCmd('echo no >&2; exit 3'), /failed to run command 'echo no >&2; exit 3': exit status 3: no/);
	await fails(base().runCmd('true', { user: 'nobody123' }), /unauthenticated: invalid username: 'nobody123'/);
	await fails(Template().fromImage('ubuntu:22.04').runCmd('true'), /this server has no image 'ubuntu:22\.04'/);
	await fails(Template().fromTemplate('absent').runCmd('true'), /template 'absent' not found/);
});

test('a template of the name of an image stands in for it', slow, async () => {
	await build(Template().fromBaseImage().runCmd('echo it > /home/user/stands-in'), 'ubuntu:22.04');
	const { lines } = await build(Template().fromImage('ubuntu:22.04').runCmd('cat /home/user/stands-in'), 'upon');
	assert.ok(lines.includes('it'), lines.join('\n'));
});
