import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { dispatcherHash } from '../../src/engine/hash.js';
import { PvarScope } from '../../src/pvar/context.js';
import { compileFormat } from '../../src/pvar/format.js';
import { pvarMessage } from '../support/pvar-message.js';

/**
 * Algorithm 7 as recorded from OpenSIPS 4.1.0-dev: the text that a hash_pvar format gives must lead to the recorded
 * destination, including null parts ("<null>") and bytes beyond ASCII. Only cases in which the choice is the plain hash
 * over weights or over the number of destinations; the selection tests cover the others.
 */
interface Row {
  readonly uri: string;
  readonly weight: number;
  readonly priority: number;
  readonly state: number;
}

interface Case {
  readonly id: string;
  readonly kind: string;
  readonly request: {
    method: string;
    ruri: string;
    from: string;
    to: string;
    callid: string;
    authHeader: string | null;
  };
  readonly select: { set: number; alg: number; flags: string; partition?: string; hash_pvar?: string };
  readonly expect: { ok: boolean; targets: string[] };
}

interface Recording {
  readonly sets: Record<string, Row[]>;
  readonly sets_p2: Record<string, Row[]>;
  readonly hash_pvar: string;
  readonly cases: Case[];
}

const file = new URL('data/opensips-select.json', import.meta.url);
const recording = JSON.parse(readFileSync(file, 'utf8')) as Recording;

function rowsOf({ select }: Case): Row[] {
  const sets = select.partition === 'p2' ? recording.sets_p2 : recording.sets;
  return [...(sets[select.set] ?? [])].sort((a, b) => b.priority - a.priority);
}

function keyOf({ request, select }: Case): string {
  const { method, ruri, from, to, callid } = request;
  const head = [`${method} ${ruri} SIP/2.0`, `From: ${from}`, `To: ${to}`, `Call-ID: ${callid}`, 'CSeq: 1 X', '', ''];
  const scope = new PvarScope(pvarMessage(head.join('\r\n')));
  return compileFormat(select.hash_pvar ?? recording.hash_pvar)
    .evaluate(scope)
    .trim();
}

function hostPort(uri: string): string {
  const bare = uri.replace(/^sips?:(?:[^@]*@)?/, '').replace(/[;?].*$/, '');
  return /:[0-9]+$/.test(bare) ? bare : `${bare}:5060`;
}

const cases = recording.cases.filter(
  (each) =>
    each.kind === 'stateless' &&
    Number(each.select.alg) === 7 &&
    each.expect.ok &&
    !/[du]/i.test(each.select.flags) &&
    rowsOf(each).every(({ state, uri }) => state === 0 && !uri.startsWith('sips')),
);

test('hash_pvar formats lead to the recorded destinations', () => {
  assert.ok(cases.length > 60, `${cases.length} cases`);
  let withNull = 0;
  for (const each of cases) {
    const rows = rowsOf(each);
    const key = keyOf(each);
    if (key.includes('<null>')) withNull++;
    const hash = dispatcherHash(key);
    const total = rows.reduce((sum, { weight }) => sum + weight, 0);
    let index = hash % rows.length;
    if (total > 0) {
      let left = hash % total;
      index = rows.findIndex(({ weight }) => (left -= weight) < 0);
    }
    assert.equal(hostPort(rows[index]?.uri ?? ''), hostPort(each.expect.targets[0] ?? ''), `${each.id} ${key}`);
  }
  assert.ok(withNull > 0, 'no case with a null part');
});
