// LibreOffice.
import { click, key, type, wait } from '../lib/actions.mjs';
import { expect_output } from '../lib/check.mjs';

const start = (module, uri) => ({ launch: { application: `libreoffice-${module}`, ...(uri && { uri }) },
	until: { until: 'window', title: module === 'calc' ? 'LibreOffice Calc' : 'LibreOffice Writer' } });
const save_as = (path) => [{ actions: [key('ctrl+s')] }, { actions: [key('ctrl+a'), type(path), wait(1), key('Return')] }];

// No tip of the day.
const files = {
	'.config/libreoffice/4/user/registrymodifications.xcu': `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="ShowTipOfTheDay" oor:op="fuse"><value>false</value></prop></item>
</oor:items>
`,
};

export default [
	{
		name: 'write-a-document',
		files,
		turns: (home) => [start('writer'),
			{ actions: [wait(3), click(600, 400), type('Report of May\nAll is well: Größe ✓'), key('ctrl+Home'), key('shift+End'), key('ctrl+b')] },
			...save_as(`${home}/report.odt`)],
		check: async (desktop) => {
			await expect_output(desktop, 'unzip -p ~/report.odt content.xml', /fo:font-weight="bold"[\s\S]*Report of May[\s\S]*All is well: Größe ✓/);
		},
	},
	{
		name: 'spreadsheet-formula',
		files,
		turns: (home) => [start('calc'),
			{ actions: [wait(3), click(82, 230), key('ctrl+Home'), type('12\n30\n=SUM(A1:A2)\n')] },
			...save_as(`${home}/sums.ods`)],
		check: (desktop) => expect_output(desktop, 'unzip -p ~/sums.ods content.xml', /office:value="42"/),
	},
	{
		name: 'export-a-pdf',
		files: { ...files, 'notes.txt': 'The minutes of May\n' },
		turns: (home) => [start('writer', `${home}/notes.txt`),
			{ actions: [wait(3), click(161, 63)], until: { until: 'window', title: 'Export' } },
			{ actions: [key('ctrl+a'), type(`${home}/minutes.pdf`), wait(1), key('Return')] }],
		check: (desktop) => expect_output(desktop, 'head -c 5 ~/minutes.pdf', '%PDF-'),
	},
];
