// Files of a real sandbox through the tools alone, as a model has them; run_command is the witness.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { image_in, text_in } from './lib/image.mjs';
import { serve, vitrine } from './lib/server.mjs';

const client = new Client({ name: 'files-test', version: '1.0.0' });

before(() => client.connect(
	new StdioClientTransport({ command: vitrine, args: serve('namespace') })));
after(() => client.close());

const ask = (name, args = {}, options = {}) => client.callTool({ name, arguments: args }, undefined, options);
async function call(name, args = {}) {
	const result = await ask(name, args);
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return result;
}
const said = async (name, args) => text_in(await call(name, args));
const shell = (command) => said('run_command', { command });
async function refused(name, args, words) {
	const result = await ask(name, args);
	assert.equal(result.isError, true, text_in(result));
	assert.match(text_in(result), words);
}

test('a text is written, read and kept as it was', async () => {
	const text = 'naïve\n\t"quotes" \\ 日本語\n';
	assert.match(await said('file_write', { path: 'notes/a.txt', content: text, mode: '750' }),
		/Wrote \d+ bytes to the new file \/home\/user\/notes\/a\.txt\./);
	assert.equal((await call('file_read', { path: '~/notes/a.txt' })).content[0].text, text);
	assert.equal(await shell('cat notes/a.txt; stat -c %a notes/a.txt'), `${text}750\n`);
	await call('file_write', { path: 'notes/a.txt', content: 'new' });
	assert.equal(await shell('stat -c %a notes/a.txt; ls -A notes'), '750\na.txt\n');
	await call('file_write', { path: 'notes/a.txt', content: '!', how: 'append' });
	await call('file_write', { path: 'notes/a.txt', content: 'N', how: 'update', offset: 0 });
	assert.equal(await said('file_read', { path: 'notes/a.txt' }), 'New!');
	await refused('file_write', { path: 'notes/a.txt', content: 'x', exclusive: true }, /EEXIST/);
});

test('parts, bytes and images', async () => {
	await shell("seq 100000 >long; printf '\\0\\377' >bytes; : >empty");
	const first = await call('file_read', { path: 'long' });
	const next = Number(/pass offset (\d+) for the next/.exec(first.content[1].text)[1]);
	const second = await call('file_read', { path: 'long', offset: next, length: 10 });
	const all = [...Array(100000).keys()].map((i) => `${i + 1}\n`).join('');
	assert.equal(first.content[0].text + second.content[0].text, all.slice(0, next + 10));
	assert.match(await said('file_read', { path: 'bytes' }), /binary file of 2 bytes/);
	assert.equal((await call('file_read', { path: 'bytes', encoding: 'base64' })).content[0].text, 'AP8=');
	assert.equal(await said('file_read', { path: 'empty' }), '[empty file]');
	assert.match(await said('file_read', { path: 'bytes', offset: 9999 }), /no bytes from offset 9999 on; the file has 2 bytes/);
	await shell('ln -s bytes same');
	await refused('file_copy', { from: 'same', to: 'bytes', replace: true }, /the same file/);
	assert.match(await said('file_read', { path: 'bytes' }), /binary file of 2 bytes/);
	const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
	await call('file_write', { path: 'dot.png', content: png.toString('base64'), encoding: 'base64' });
	const image = image_in(await call('file_read', { path: 'dot.png' }));
	assert.deepEqual([image.width, image.height], [1, 1]);
});

test('a directory is listed, also with odd names', async () => {
	await shell(`mkdir -p l/sub && cd l && echo 12345 >file && ln -s file link && ln -s nowhere broken && touch "$(printf 'a\\nb')" sub/x`);
	const lines = (await said('file_list', { path: 'l', depth: 2 })).split('\n');
	assert.equal(lines[0], '/home/user/l: 6 entries');
	const names = lines.slice(1).map((l) => l.split(' ').slice(6).join(' '));
	assert.deepEqual(names, ['"a\\nb"', 'broken -> nowhere (broken)', 'file', 'link -> file', 'sub/', 'sub/x']);
	assert.match(lines[3], /^-rw-r--r-- user user 6 \d{4}-\d\d-\d\d \d\d:\d\d:\d\d file$/);
	assert.match(await said('file_list', { path: 'l', limit: 1 }), /1 of 5 entries[\s\S]*the limit was reached/);
	assert.match(await said('file_stat', { path: 'l/link' }), /leads to the file \/home\/user\/l\/file/);
	await refused('file_list', { path: 'l/file' }, /'\/home\/user\/l\/file': not a directory \(ENOTDIR\)/);
});

test('files are moved, copied and removed', async () => {
	await shell('mkdir -p t/d; echo one >t/d/one');
	assert.match(await said('file_copy', { from: 't', to: 'copies/t' }), /3 files and directories, 4 bytes/);
	await call('file_move', { from: 'copies/t/d/one', to: 'moved/one' });
	assert.equal(await shell('cat moved/one; find copies | sort'), 'one\ncopies\ncopies/t\ncopies/t/d\n');
	await refused('file_move', { from: 't/d/one', to: 'moved/one' }, /'replace'/);
	await call('file_move', { from: 't/d/one', to: 'moved/one', replace: true });
	await refused('file_remove', { path: 't' }, /'recursive'/);
	assert.match(await said('file_remove', { path: 't', recursive: true }), /2 files and directories/);
	await refused('file_remove', { path: 't' }, /ENOENT/);
	assert.match(await said('file_remove', { path: 't', missing_ok: true }), /nothing to remove/);
	await refused('file_remove', { path: '~', recursive: true }, /home directory/);
	assert.match(await said('file_make_directory', { path: 'n/e/w' }), /Made the directory/);
	assert.match(await said('file_make_directory', { path: 'n/e/w' }), /exists already/);
});

test('files are found by name and by content', async () => {
	await shell("mkdir -p s/src; printf 'a\\nTODO: x\\n' >s/src/a.c; printf 'todo\\0' >s/bin; echo nothing >s/b.h");
	assert.match(await said('file_search', { path: 's', glob: '*.{c,h}' }),
		/^2 matches in 2 files\n\/home\/user\/s\/b\.h\n\/home\/user\/s\/src\/a\.c$/);
	assert.match(await said('file_search', { path: 's', regex: 'todo', ignore_case: true }),
		/^1 match in 3 files\n\/home\/user\/s\/src\/a\.c\n {2}2: TODO: x\n\[1 skipped: '.*bin' is a binary file\]$/);
	await refused('file_search', { path: 's', regex: '(' }, /'\(' is invalid: missing/);
	await refused('file_search', { path: 's' }, /'glob', 'regex' or both/);
});

test('changes are waited for, while other calls run', async () => {
	await shell('mkdir -p w');
	let text;
	const watch = ask('file_watch', { path: 'w', timeout: 60 }).then((result) => { text = text_in(result); });
	for (let n = 0; n < 1000 && !text; n++) { // nobody tells when it has begun
		await shell(`mkdir w/new${n}; echo >w/new${n}/file`);
		await Promise.race([watch, new Promise((done) => { setTimeout(done, 400); })]);
	}
	const [, n] = /^\d+ changes:\ncreate new(\d+)\n/.exec(text);
	assert.match(text, new RegExp(`^create new${n}/file$`, 'm'));
	assert.match(await said('file_watch', { path: 'w', timeout: 0.2 }), /Nothing changed within 0\.2 s\./);
	await refused('file_watch', { path: 'nowhere' }, /ENOENT/);
});

test('a search that is cancelled ends', async () => {
	const stop = new AbortController();
	const search = ask('file_search', { path: '/', regex: '(a.*b.*c.*){3}' }, { signal: stop.signal });
	setTimeout(() => stop.abort(), 50);
	await assert.rejects(search);
	assert.equal(await said('file_read', { path: 'empty' }), '[empty file]');
	assert.match(await said('file_read', { path: 'bytes', offset: 9999 }), /no bytes from offset 9999 on; the file has 2 bytes/);
	await shell('ln -s bytes same');
	await refused('file_copy', { from: 'same', to: 'bytes', replace: true }, /the same file/);
	assert.match(await said('file_read', { path: 'bytes' }), /binary file of 2 bytes/);
});

async function sandbox() {
	return /[a-z0-9]{20}/.exec(await said('sandbox_list'))[0];
}

test('a file is a resource, whole and in parts', async () => {
	const uri = (path) => `file://${id}/home/user/${path}`;
	const id = await sandbox();
	await shell("echo text >'a b'; printf '\\0\\1' >bin; head -c 600000 /dev/zero | tr '\\0' x >large");
	const text = (await client.readResource({ uri: uri('a%20b') })).contents[0];
	assert.deepEqual([text.text, text.mimeType], ['text\n', 'text/plain']);
	const bin = (await client.readResource({ uri: uri('bin') })).contents[0];
	assert.deepEqual([bin.blob, bin.mimeType], ['AAE=', 'application/octet-stream']);
	assert.equal((await client.readResource({ uri: uri('a%20b?offset=1&length=2') })).contents[0].text, 'ex');
	await assert.rejects(client.readResource({ uri: uri('large') }), /600000 bytes.*offset=0&length=500000/);
	assert.equal((await client.readResource({ uri: uri('large?offset=599999') })).contents[0].text, 'x');
	await assert.rejects(client.readResource({ uri: uri('nowhere') }), /ENOENT/);
	await assert.rejects(client.readResource({ uri: uri('') }), /EISDIR/);
	await assert.rejects(client.readResource({ uri: 'file://aaaaaaaaaaaaaaaaaaaa/etc/passwd' }));
	const { resourceTemplates } = await client.listResourceTemplates();
	assert.ok(resourceTemplates.some((t) => t.uriTemplate === 'file://{sandbox}/{+path}{?offset,length}'));
});

test('a subscription tells that a file has changed', async () => {
	const id = await sandbox();
	await shell('mkdir sub; echo 1 >sub/file');
	const told = [];
	let wake = () => {};
	client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
		told.push(params.uri);
		wake();
	});
	// Until it is told: nobody says when the watch stands.
	const until = async (uri, change) => {
		told.length = 0;
		for (let n = 0; n < 1000 && !told.includes(uri); n++) {
			await change(n);
			await new Promise((done) => { wake = done; setTimeout(done, 400); });
		}
		assert.ok(told.every((one) => one === uri), told.join(' '));
	};
	const file = `file://${id}/home/user/sub/file`, directory = `file://${id}/home/user/sub/`;
	await client.subscribeResource({ uri: file });
	await until(file, (n) => shell(`echo ${n} >sub/file`));
	await until(file, (n) => call('file_write', { path: 'sub/file', content: `${n}` }));
	await client.unsubscribeResource({ uri: file });
	await client.subscribeResource({ uri: directory });
	await until(directory, (n) => shell(`touch sub/other${n}`));
	await client.unsubscribeResource({ uri: directory });
});
