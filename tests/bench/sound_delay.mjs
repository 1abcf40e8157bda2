// How long after a program gave a tone to the sound server a person's browser plays it.  The program writes to PulseAudio at the
// pace of the sound, with a buffer of 20 ms, so that the time of a write is that of the sound; the page's time is that at which its
// audio device gets the tone.  Both are CLOCK_MONOTONIC.
import { setTimeout as sleep } from 'node:timers/promises';

const GAP = 700; // ms of silence before each tone
const LENGTH = 300;
const CONNECTS = 3000;

/** Perl is on every Debian. */
const source = (n) => `use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC sleep);
$| = 1;
my $quiet = "\\0" x 1920;
my $tone = pack("s<*", map { 12000 * sin(6.283185307 * 500 * $_ / 48000) } 0 .. 959);
print $quiet for 1 .. 4;
sleep(${CONNECTS / 1000}); # pacat may still be connecting; what it has not read would delay all that follows
my $next = clock_gettime(CLOCK_MONOTONIC);
open(my $log, ">", "/home/user/tones.txt");
sub chunk {
	$next += 0.02;
	my $wait = $next - clock_gettime(CLOCK_MONOTONIC);
	sleep($wait) if $wait > 0;
	print $_[0];
}
for (1 .. ${n}) {
	chunk($quiet) for 1 .. ${GAP / 20};
	printf $log "%.3f\\n", 1000 * clock_gettime(CLOCK_MONOTONIC);
	chunk($tone) for 1 .. ${LENGTH / 20};
}
`;

/** In the page, before its own scripts: when which tone begins, on its clock. */
export function watch_tones() {
	const { start } = AudioBufferSourceNode.prototype;
	let loud = -Infinity;
	globalThis.tones = [];
	AudioBufferSourceNode.prototype.start = function begin(when, ...more) {
		start.call(this, when, ...more);
		const at = this.buffer.getChannelData(0).findIndex((value) => Math.abs(value) > 0.1);
		if (at >= 0) {
			const { contextTime, performanceTime } = this.context.getOutputTimestamp();
			const heard = performanceTime + 1000 * (when + at / this.buffer.sampleRate - contextTime);
			if (heard - loud > 200) {
				globalThis.tones.push(heard);
			}
			loud = heard;
		}
	};
}

/** The delays of n tones in ms, on a page that shows the desktop; offset: of its clock to ours. */
export async function tone_delays(desk, page, offset, n) {
	await page.click('#sound');
	await desk.call('run_command', { command: `cat > tones.pl << 'END'\n${source(n)}END\n(perl tones.pl | pacat --raw --rate=48000 \
--channels=1 --format=s16le --latency-msec=20) > /dev/null 2>&1 &` });
	await sleep(n * (GAP + LENGTH) + CONNECTS + 2000);
	const began = (await desk.call('run_command', { command: 'cat tones.txt' })).trim().split('\n').map(Number);
	const heard = (await page.evaluate(() => globalThis.tones)).map((at) => at + offset);
	await page.click('#sound');
	return began.map((at) => heard.find((time) => time > at && time < at + GAP) - at).filter(Number.isFinite);
}
