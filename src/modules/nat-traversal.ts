import { moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from './define.js';
import { fixContact, natTest } from './nat.js';
import { wordBits } from './word-bits.js';

/** Tests as numbers up to 3.0 and as words since. */
const TESTS: Readonly<Record<string, number>> = { 'private-contact': 1, 'diff-ip-src-via': 2, 'private-via': 4 };
/** The bits that nat_uac_test() has for the same tests. */
const BITS: readonly (readonly [number: number, bits: number])[] = [
  [1, 1],
  [2, 2 | 16],
  [4, 4],
];

/** The bits of nat_uac_test() for a number, or for words separated by commas; undefined for an unknown word. */
function bitsOf(text: string): number | undefined {
  const numbers = wordBits(text, TESTS) ?? 0;
  return BITS.reduce((bits, [number, bit]) => ((numbers & number) === 0 ? bits : bits | bit), 0) || undefined;
}

/** Functions of OpenSIPS' nat_traversal. */
export const natTraversalFunctions: ScriptFunction[] = moduleFunctions('nat_traversal', [
  {
    name: 'client_nat_test',
    dialects: OPENSIPS,
    parameters: [
      param('tests', 'string', {
        numbersUntil: 4,
        check: (v) => (bitsOf(String(v)) === undefined ? `unknown test "${v}"` : undefined),
      }),
    ],
    summary:
      'whether the sender seems to be behind NAT: 1 a private Contact, 2 another Via than the source, 4 a private Via',
    compile:
      ([tests]) =>
      (run) =>
        natTest(run, bitsOf(textOf(tests, run)) ?? 0),
  },
  {
    name: 'fix_contact',
    dialects: OPENSIPS,
    routes: ['request', 'onreply', 'branch', 'local'],
    summary: 'replaces the address in Contact by the source address',
    compile: () => (run) => fixContact(run, ''),
  },
  {
    name: 'nat_keepalive',
    dialects: OPENSIPS,
    routes: ['request'],
    standIn: 'sends nothing to keep a NAT open: the registrar does that',
    summary: 'accepted; nothing is sent to keep a NAT open',
    compile: () => () => 1,
  },
]);
