import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { RecordedSets } from './partitions.js';

interface Step {
  readonly set: number | string;
  readonly alg: number | string;
  readonly flags: string | null;
  readonly max: number | null;
}

/** A recorded selection and its result. */
export interface RecordedSelection {
  readonly id: string;
  readonly before?: readonly { mi: string; state: string; group: string; address: string; times?: number }[];
  readonly request: {
    method: string;
    ruri: string;
    from: string;
    to: string;
    callid: string;
    authHeader: string | null;
  };
  readonly select: Step & {
    readonly fn: string;
    readonly partition?: string;
    readonly hash_pvar?: string;
    readonly loads?: Record<string, number>;
    readonly then?: Step;
    /** Version 2.1: the third parameter as written. */
    readonly maxResultsFlags?: string | null;
  };
  readonly expect: Record<string, unknown> & { ok: boolean; oneOfSet?: boolean };
}

/** Recorded selections with the tables they were made on. */
export interface RecordedSelections {
  readonly sets: RecordedSets;
  readonly sets_p2?: RecordedSets;
  readonly hash_pvar: string;
  readonly cases: readonly RecordedSelection[];
}

/** Reads a recording in test/conformance/data. */
export function readRecording(name: string): RecordedSelections {
  const file = new URL(`../conformance/data/${name}`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as RecordedSelections;
}

/** The line of `switchyard select --batch` for it. */
export function batchLine(c: RecordedSelection): object {
  const { select, request } = c;
  const headers = (request.authHeader ?? '').split('\r\n').filter((line) => line !== '');
  const fields = (step: Step) => ({ set: step.set, alg: step.alg, flags: step.flags ?? '', max_res: step.max });
  return {
    id: c.id,
    request: {
      method: request.method,
      ruri: request.ruri,
      from: request.from,
      to: request.to,
      callid: request.callid,
      headers: headers.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
    },
    fn: select.fn,
    ...fields(select),
    ...(select.partition === undefined ? {} : { partition: select.partition }),
    ...(select.loads === undefined ? {} : { avps: loadAvps(select.loads), scores: select.loads }),
    // biome-ignore lint/suspicious/noThenProperty: the batch form calls the second selection so
    ...(select.then === undefined ? {} : { then: fields(select.then) }),
    ...(select.maxResultsFlags === undefined ? {} : { flags: select.maxResultsFlags ?? '', max_res: null }),
  };
}

function loadAvps(loads: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(loads).map(([uri, load]) => [`load_${uri}`, load]));
}

/** Asserts that the answer to a batch line is as recorded. */
export function assertAgrees(
  recording: RecordedSelections,
  c: RecordedSelection,
  answer: Readonly<Record<string, unknown>>,
): void {
  assert.equal(answer['ok'], c.expect.ok, `${c.id}: ${JSON.stringify(answer)}`);
  if (!c.expect.ok) return;
  if (c.expect.oneOfSet === true) {
    const set = (c.select.partition === 'p2' ? recording.sets_p2 : recording.sets)?.[String(c.select.set)] ?? [];
    const target = (answer['targets'] as string[])[0];
    assert.ok(
      set.some((each) => each.uri === target && each.state === 0),
      `${c.id}: ${target} is not active in the set`,
    );
  }
  for (const key of ['targets', 'ruris', 'attrs', 'count', 'group']) {
    if (c.expect[key] === undefined) continue;
    assert.deepEqual(answer[key], c.expect[key], `${c.id}: ${key} of ${JSON.stringify(c.select)}`);
  }
}
