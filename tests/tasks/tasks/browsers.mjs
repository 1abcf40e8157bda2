// Chromium and Firefox with pages that the sandbox serves to itself.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { click, key, type, wait } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

const files = {
	'server.py': readFileSync(join(import.meta.dirname, '../pages/server.py')),
	'letter.txt': 'Dear all',
};
const prepare = 'cd; setsid python3 server.py 8123 . >/dev/null 2>&1 & until curl -s 127.0.0.1:8123/form >/dev/null; do sleep .2; done';
const shown = (title) => ({ until: { until: 'window', title } });
const open = (browser, page, title) => ({ launch: { application: browser, uri: `http://127.0.0.1:8123/${page}` }, ...shown(title) });

const tasks_of = (browser) => [
	{
		name: `${browser}-form`,
		files, prepare,
		turns: () => [open(browser, 'form', 'Form'),
			{ actions: [type('Ångström 视野'), key('Tab'), key('space'), key('Tab'), type('green'), key('Tab'), key('Return')],
				...shown('Thank you') }],
		check: (desktop) => expect_output(desktop, 'cat ~/submit',
			'{"colour": ["green"], "name": ["Ångström 视野"], "news": ["yes"]}'),
	},
	{
		name: `${browser}-download`,
		files, prepare,
		turns: () => [open(browser, 'download', 'Download'),
			{ actions: [key('Return')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/Downloads/report.csv', 'month,sum\nMay,42\n'),
	},
];

const upload = (browser, choose, title, confirm) => ({
	name: `${browser}-upload`,
	files, prepare,
	turns: (home) => [open(browser, 'upload', 'Upload'),
		{ actions: [choose], ...shown(title) },
		{ actions: [type(`${home}/letter.txt`), wait(1), ...confirm, key('alt+o')], until: { until: 'window_gone', title } },
		{ actions: [key('Tab'), key('Return')], ...shown('Thank you') }],
	check: (desktop) => expect_output(desktop, 'cat ~/uploaded', /filename="letter.txt"[\s\S]*Dear all/),
});

// Chromium takes no keys while its page is new, and takes Return in the dialog for Cancel.
export default [...tasks_of('chromium'), ...tasks_of('firefox-esr'),
	upload('chromium', click(67, 114), 'Open File', []),
	upload('firefox-esr', key('space'), 'File Upload', [key('Return'), wait(1)])];
