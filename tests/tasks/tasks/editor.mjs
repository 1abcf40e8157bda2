// Mousepad, a GTK 3 editor.
import { click, key, type, wait } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

const mousepad = (uri) => ({ launch: { application: 'mousepad', ...(uri && { uri }) } });
const until_shown = (title) => ({ until: { until: 'window', title } });
const until_written = (path) => ({ until: { until: 'file', path } });
const save_as = (path) => [{ actions: [key('ctrl+s')], ...until_shown('Save As') },
	{ actions: [type(path), wait(1), key('Return')], ...until_written(path) }];
const LINES = ['Zażółć gęślą jaźń', 'Съешь ещё этих булок', 'Καλημέρα κόσμε', '视野无限广', 'नमस्ते दुनिया'];

export default [
	{
		name: 'text-in-five-scripts',
		light: true,
		turns: (home) => [mousepad(),
			{ actions: LINES.flatMap((line) => [type(line), key('Return')]) }, ...save_as(`${home}/five.txt`)],
		check: (desktop) => expect_output(desktop, 'cat ~/five.txt', `${LINES.join('\n')}\n`),
	},
	{
		name: 'replace-in-a-file',
		light: true,
		files: { 'list.txt': 'red apple\ngreen apple\npear\n' },
		turns: (home) => [mousepad(`${home}/list.txt`),
			{ actions: [key('ctrl+r')] },
			{ actions: [type('apple'), click(680, 337), type('plum'), click(444, 492), click(722, 532), key('Escape')],
				until: { until: 'window_gone', title: 'Find and Replace' } },
			{ actions: [key('ctrl+s')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/list.txt', 'red plum\ngreen plum\npear\n'),
	},
	{
		name: 'modal-dialog',
		light: true,
		turns: (home) => [mousepad(),
			{ actions: [type('kept by the dialog'), key('ctrl+q')], ...until_shown('Save Changes') },
			{ actions: [key('Return')], ...until_shown('Save As') },
			{ actions: [type(`${home}/kept.txt`), wait(1), key('Return')], ...until_written(`${home}/kept.txt`) }],
		check: async (desktop) => {
			await expect_output(desktop, 'cat ~/kept.txt', 'kept by the dialog');
			await expect_output(desktop, 'pgrep -x mousepad || echo closed', 'closed\n');
		},
	},
	{
		name: 'a-setting',
		needs: 'gsettings',
		light: true,
		turns: () => [mousepad(),
			{ actions: [key('alt+v')] },
			{ actions: [key('u')] }],
		check: (desktop) => expect_output(desktop,
			'gsettings get org.xfce.mousepad.preferences.view show-line-numbers', 'true\n'),
	},
	{
		name: 'two-windows',
		light: true,
		files: { 'one.txt': '1' },
		turns: (home) => [{ launch: { application: 'xterm' } }, mousepad(`${home}/one.txt`),
			{ actions: [type('first '), key('ctrl+s'), key('alt+Tab'), type('echo second > two.txt\n')] }],
		check: (desktop) => expect_output(desktop, 'cat ~/one.txt ~/two.txt', 'first 1second\n'),
	},
];
