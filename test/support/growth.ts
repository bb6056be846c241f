import assert from 'node:assert/strict';

/** One kind of input, made as long as is asked for, and what is done with it. */
export interface GrowthCase {
  /** Says which input it is, for the failure message. */
  readonly name: string;
  /** The input of about `length` characters. Not part of what is measured. */
  make(length: number): string;
}

export interface GrowthLimits {
  /** Lengths measured, rising. Default 8, 16, 32 and 64 KiB. */
  readonly lengths?: readonly number[];
  /** Milliseconds of processor time the longest may take at most, on a processor that has time for it. Default 5. */
  readonly maxMs?: number;
  /** How much faster than the length the time may grow. Default 2.5; times below `noiseMs` are not compared. */
  readonly factor?: number;
  /** Milliseconds below which a time is taken for noise. Default 1. */
  readonly noiseMs?: number;
}

/** 8 to 64 KiB: the largest datagram. */
const DATAGRAM_LENGTHS: readonly number[] = [8192, 16_384, 32_768, 65_000];
/** Up to 1 MiB: the largest WebSocket message, and a stretch of a stream. */
export const STREAM_LENGTHS: readonly number[] = [65_536, 262_144, 1_048_576];
/** Runs of one length at most: the fastest counts, so that a busy machine does not. */
const RUNS = 6;
/** Milliseconds after which a length is not run again: one that slow is no accident. */
const ENOUGH_MS = 100;
/**
 * Milliseconds after which a case that looks slow is measured again, each time: on a busy machine a processor that is shared, and
 * its caches, double the time of what is well, and one of them is a quiet moment.
 */
const SUSPECTED: readonly number[] = [0, 50, 200, 500, 1000, 2000];
/**
 * Milliseconds `reference` takes on a processor on which the limits hold; on one where the same code needs twice its time it took 2.2 with
 * nothing beside it. How much more a slow or busy processor is granted at most.
 */
const REFERENCE_MS = 1.2;
const MAX_SLOWNESS = 3;
/** Up to this a processor is as fast as that one. Above it other work is slowed down by up to `SPREAD` times as much as `reference` is. */
const FAST = 1.1;
const SPREAD = 1.5;
/** Waited on, and never woken. */
const STILL = new Int32Array(new SharedArrayBuffer(4));
/** Faults shown at most. */
const MAX_FAULTS = 12;

/**
 * Measures how the time of `run` grows with the length of its input, and throws (assert) naming every case whose longest
 * input takes more than `maxMs`, or whose time grows faster than `factor` times its length. `run` gets an input it has not
 * seen before, so that nothing that is remembered makes it look fast.
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
    count++;
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

/** Why a case is too slow, with the figures; undefined for one that is well. */
function faultOf(each: GrowthCase, run: (input: string) => void, limits: Required<GrowthLimits>): string | undefined {
  const { lengths, maxMs, factor, noiseMs } = limits;
  const longest = lengths[lengths.length - 1] as number;
  // The longest first: most are done within the noise, and need no other.
  const most = fastest(each, run, longest, noiseMs / 2);
  if (most < noiseMs) return undefined;
  const times = lengths.map((length) => (length === longest ? most : fastest(each, run, length, noiseMs / 2)));
  const figures = lengths.map((length, i) => `${length}: ${(times[i] as number).toFixed(2)} ms`).join(', ');
  const allowed = most > maxMs ? maxMs * slowness() : maxMs;
  if (most > allowed) return `more than ${allowed.toFixed(1)} ms (${figures})`;
  const first = Math.max(times[0] as number, noiseMs / 4);
  const growth = most / first / (longest / (lengths[0] as number));
  return growth > factor ? `${growth.toFixed(1)} times the growth of the length (${figures})` : undefined;
}

/** Milliseconds of the fastest of several runs; `quick`: below that no further one is needed. */
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

/** Work that never changes, of what is usual here: it looks at characters, reads and writes a large table, and allocates. */
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
 * What a limit in milliseconds is multiplied by here and now, at least 1: a processor may be slower than the one on which the limits hold, and
 * neighbours take caches and half of a core, which processor time does not show.
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

/** Milliseconds of processor time this process has used: what others do on the machine does not count. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** A string as one comes from a socket: no tree of pieces that its first reader would have to join. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** What an attacker fills a message with; each is repeated until the wanted length is there. */
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
