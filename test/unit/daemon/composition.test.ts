import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSettings } from '../../../src/config/load.js';
import { ConfigError, formatProblems } from '../../../src/config/problem.js';
import { compositionFaults } from '../../../src/daemon/composition.js';

const PARTITIONS = [{ name: 'acme', db_url: 'sqlite:./acme.db' }];

function refusal(settings: object): string[] {
  try {
    readSettings({ partitions: PARTITIONS, ...settings }, { inspect: compositionFaults }, 'sw.json');
  } catch (error) {
    if (error instanceof ConfigError) return formatProblems(error.problems).split('\n');
    throw error;
  }
  return [];
}

const select = { partition: 'acme', set: 1, alg: 4 };

test('all faults of variables and selections are reported at once', () => {
  const said = refusal({
    modparam: { hash_pvar: '$fU@$cii', pvar_algo_pattern: '$statt(load_%u)', setid_pvar: '$ci' },
    routing: [
      { match: { $rdd: 'acme', $si: '10.0.0.0/40' }, select },
      { select: { ...select, flags: 'fx' } },
      { select: { ...select, alg: 'round-robbin' } },
      { select: { ...select, set: '$hdr(X', alg: '$vaar(a)' } },
    ],
  });
  assert.deepEqual(said, [
    'sw.json#/modparam/hash_pvar: unknown variable $cii at offset 4 of "$fU@$cii"; did you mean $ci?',
    'sw.json#/modparam/pvar_algo_pattern: unknown variable $statt at offset 0 of "$statt(load_%u)"; did you mean $stat?',
    'sw.json#/modparam/setid_pvar: "$ci" is not a single variable that can be set',
    'sw.json#/routing/0/match/$rdd: unknown variable $rdd at offset 0 of "$rdd"; did you mean $rd?',
    'sw.json#/routing/0/match/$si: "10.0.0.0/40" is not a CIDR block',
    'sw.json#/routing/1/select: flag "x" in "fx" is not known: f, u, d, s, a or M with a number',
    'sw.json#/routing/2/select: algorithm "round-robbin" is neither a number nor the name of one; did you mean "round-robin"?',
    'sw.json#/routing/3/select/set: ")" is missing for what begins at offset 5 of "$hdr(X"',
    'sw.json#/routing/3/select/alg: unknown variable $vaar at offset 0 of "$vaar(a)"; did you mean $var?',
  ]);
});

test('faults of the schema are reported together with faults of variables, each once', () => {
  const said = refusal({
    listenn: [],
    modparam: { hash_pvar: '$cii' },
    routing: [
      { match: { $rdd: 'x' }, select: { partition: 'acne', set: 1, alg: 4, flags: 'q' } },
      { select: { partition: 'acme', set: 1, alg: [] } },
    ],
  });
  assert.deepEqual(
    said.map((line) => line.replace(/: .*/, '')).sort(),
    [
      'sw.json#/listenn',
      'sw.json#/modparam/hash_pvar',
      'sw.json#/routing/0/match/$rdd',
      'sw.json#/routing/0/select',
      'sw.json#/routing/0/select/partition',
      'sw.json#/routing/1/select/alg',
    ],
    said.join('\n'),
  );
});

test('rules that a script replaces are not checked; correct settings are accepted', () => {
  assert.deepEqual(refusal({ route_script: './r.js', routing: [{ match: { $rdd: 'x' }, select }] }), []);
  assert.deepEqual(refusal({ modparam: { hash_pvar: '$fU@$ci' }, routing: [{ match: { $rd: 'x' }, select }] }), []);
});

test('several workers are refused where they are not supported', { skip: process.platform !== 'linux' }, () => {
  const routing = [{ select }];
  assert.deepEqual(refusal({ workers: 2, routing }), []);
  assert.deepEqual(refusal({ workers: 2, route_script: './route.js' }), [
    'sw.json#/workers: a route script is run by one process: more than one worker needs routing rules',
  ]);
  assert.deepEqual(refusal({ workers: 2, routing, limits: { batch_datagrams: false } }), [
    'sw.json#/workers: more than one worker needs limits.batch_datagrams',
  ]);
  assert.deepEqual(refusal({ workers: 2, routing, listen: ['tcp:127.0.0.1:5060'] }), [
    'sw.json#/workers: workers need a UDP socket, and none is configured',
  ]);
  assert.equal(refusal({ workers: 25, routing }).length, 1);
  assert.equal(refusal({ workers: 'many', routing }).length, 1);
  const automatic = readSettings({ workers: 'auto' }).settings.workers;
  assert.ok(automatic >= 1 && automatic <= 24);
});
