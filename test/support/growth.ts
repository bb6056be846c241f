import assert from 'node:assert/strict';

/** A kind of input of variable length. */
export interface GrowthCase {
  /** Name of the input for the failure message. */
  readonly name: string;
  /** Makes the input of about `length` characters. Not measured. */
  make(length: number): string;
}

export interface GrowthLimits {
  /** Measured lengths, rising. Default 8, 16, 32 and 64 KiB. */
  readonly lengths?: readonly number[];
  /** Maximum processor time for the longest input in milliseconds, on an idle processor. Default 5. */
  readonly maxMs?: number;
  /** How much faster than the length the time may grow. Default 2.5; times below `noiseMs` are not compared. */
  readonly factor?: number;
  /** Times in milliseconds below this are noise. Default 1. */
  readonly noiseMs?: number;
}

/** 8 to 64 KiB, the largest datagram. */
const DATAGRAM_LENGTHS: readonly number[] = [8192, 16_384, 32_768, 65_000];
/** Up to 1 MiB, the largest WebSocket message and a section of a stream. */
export const STREAM_LENGTHS: readonly number[] = [65_536, 262_144, 1_048_576];
/** Maximum number of runs for one length: the fastest counts, so that other load does not. */
const RUNS = 6;
/** Milliseconds above which a length is not measured again: other load does not explain such a time. */
const ENOUGH_MS = 100;
/**
 * Pauses in milliseconds before a slow case is measured again: on a busy machine a shared processor and its caches can
 * double the time of a good case, and one of the attempts meets an idle moment.
 */
const SUSPECTED: readonly number[] = [0, 50, 200, 500, 1000, 2000];
/**
 * Milliseconds that `reference` takes on a processor for which the limits are valid (2.2 on one that needs twice the
 * time for the same code, without other load), and the maximum factor by which a slow or busy processor extends them.
 */
const REFERENCE_MS = 1.2;
const MAX_SLOWNESS = 3;
/**
 * Up to this ratio a processor counts as equally fast. Above it other work may be slowed down by up to `SPREAD` times
 * as much as `reference`.
 */
const FAST = 1.1;
const SPREAD = 1.5;
/**
 * Of more cases than this only half are measured, those of a fixed pattern that leaves out no filler and no position:
 * a position is measured with over thirty fillers. SWITCHYARD_TEST_THOROUGH=1 measures all.
 */
const ALL_OF = 100;
const THOROUGH = process.env['SWITCHYARD_TEST_THOROUGH'] === '1';
/** Used for waiting; never notified. */
const STILL = new Int32Array(new SharedArrayBuffer(4));
/** Maximum number of reported faults. */
const MAX_FAULTS = 12;

/**
 * Measures how the time of `run` grows with the length of its input, and throws (assert) with the name of every case
 * whose longest input takes more than `maxMs`, or whose time grows faster than `factor` times its length. `run` gets
 * new inputs each time, so that caches do not make it look fast.
 */
export function assertLinear(
  subject: string,
  cases: Iterable<GrowthCase>,
  run: (input: string) => void,
  limits: GrowthLimits = {},
): void {
  const { lengths = DATAGRAM_LENGTHS, maxMs = 5, factor = 2.5, noiseMs = 1 } = limits;
  const slow: string[] = [];
  let count = 0;
  for (const each of cases) {
    if (++count > ALL_OF && !THOROUGH && isLeftOut(count)) continue;
    let fault = faultOf(each, run, { lengths, maxMs, factor, noiseMs });
    for (const wait of fault === undefined ? [] : SUSPECTED) {
      if (fault === undefined) break;
      Atomics.wait(STILL, 0, 0, wait);
      fault = faultOf(each, run, { lengths, maxMs, factor, noiseMs });
    }
    if (fault !== undefined) slow.push(`${each.name}: ${fault}`);
    if (slow.length >= MAX_FAULTS) break;
  }
  assert.ok(count > 0, `${subject}: no case to measure`);
  assert.deepEqual(slow, [], `${subject}: time that grows faster than the input`);
}

/** Half of the numbers, in no period. */
function isLeftOut(number: number): boolean {
  return Math.imul(number, 0x9e3779b1) < 0;
}

/** Why a case is too slow, with the figures; undefined for a good one. */
function faultOf(each: GrowthCase, run: (input: string) => void, limits: Required<GrowthLimits>): string | undefined {
  const { lengths, maxMs, factor, noiseMs } = limits;
  const longest = lengths[lengths.length - 1] as number;
  // The longest input first: most cases are within the noise, and the shorter ones are not measured.
  const max = fastest(each, run, longest, noiseMs / 2);
  if (max < noiseMs) return undefined;
  const times = lengths.map((length) => (length === longest ? max : fastest(each, run, length, noiseMs / 2)));
  const figures = lengths.map((length, i) => `${length}: ${(times[i] as number).toFixed(2)} ms`).join(', ');
  const allowed = max > maxMs ? maxMs * slowness() : maxMs;
  if (max > allowed) return `more than ${allowed.toFixed(1)} ms (${figures})`;
  const first = Math.max(times[0] as number, noiseMs / 4);
  const growth = max / first / (longest / (lengths[0] as number));
  return growth > factor ? `${growth.toFixed(1)} times the growth of the length (${figures})` : undefined;
}

/** Milliseconds of the fastest of several runs; below `quick` no further run is needed. */
function fastest(each: GrowthCase, run: (input: string) => void, length: number, quick: number): number {
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let i = 0; i < RUNS && best > quick && spent < ENOUGH_MS; i++) {
    const input = flat(each.make(length));
    const began = cpuMs();
    run(input);
    const took = cpuMs() - began;
    spent += took;
    best = Math.min(best, took);
  }
  return best;
}

const referenceText = filled('sip:a@b;c=d, "x" <y>\r\n', 65_000);
const referenceTable = new Int32Array(1 << 20);

/** A constant amount of typical work: it reads characters, reads and writes a large table, and allocates. */
function reference(): number {
  const kept: object[] = [];
  for (let at = 0; at < 65_000; at++) {
    const unit = referenceText.charCodeAt(at);
    const index = Math.imul(unit + at, 0x9e3779b1) >>> 12;
    referenceTable[index] = (referenceTable[index] as number) + unit;
    if ((at & 31) === 0) kept.push(new Map([[at, [unit]]]));
  }
  return kept.length;
}

/**
 * Factor for limits in milliseconds on this machine, at least 1: its processor may be slower than the one for which the
 * limits are valid, and neighbours use its caches and a hyperthread, which processor time does not show.
 */
function slowness(): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const began = cpuMs();
    reference();
    best = Math.min(best, cpuMs() - began);
  }
  const slower = best / REFERENCE_MS;
  return slower <= FAST ? 1 : Math.min(MAX_SLOWNESS, slower * SPREAD);
}

/** Processor time of this process in milliseconds: other load is not included. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A flat string like one from a socket: without pieces that the first reader would have to join. */
export function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** Typical contents of an oversized message; each is repeated to the length that is needed. */
export const FILLERS: readonly string[] = [
  ' ',
  '\t',
  '\r\n ',
  ' \r\n \t',
  '\r',
  '\n',
  '"',
  '\\',
  '\\"',
  '""',
  '"a",',
  ',',
  ', ',
  ';',
  '; ',
  ';a=',
  '=',
  '<',
  '>',
  '<>',
  '<,',
  '(',
  ')',
  '[',
  ']',
  '{',
  '}',
  ':',
  '::',
  '@',
  '/',
  '%',
  '%41',
  '*',
  '.',
  '-',
  '0',
  '9.',
  'a',
  'a ',
  '\x00',
  '\xff',
  "'",
  '$',
  '&',
  '|',
];

/** `unit` repeated to at least `length` characters. */
export function filled(unit: string, length: number): string {
  return unit.repeat(Math.ceil(length / unit.length));
}
