import { moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from './define.js';
import { fixContact, natTest } from './nat.js';

/** Tests as numbers up to 3.0 and as words since, with the bits of nat_uac_test() for them. */
const TESTS: readonly (readonly [number: number, word: string, bits: number])[] = [
  [1, 'private-contact', 1],
  [2, 'diff-ip-src-via', 2 | 16],
  [4, 'private-via', 4],
];

/** The bits of a number, or of words with commas; undefined for a word that is none. */
function bitsOf(text: string): number | undefined {
  let bits = 0;
  for (const each of text.split(',')) {
    const found = TESTS.filter(([number, word]) =>
      /^\s*\d+\s*$/.test(each) ? (Number(each) & number) !== 0 : each.trim() === word,
    );
    if (found.length === 0) return undefined;
    for (const [, , bit] of found) bits |= bit;
  }
  return bits;
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
    summary: 'puts the address of the sender into Contact',
    compile: () => (run) => fixContact(run, ''),
  },
  {
    name: 'nat_keepalive',
    dialects: OPENSIPS,
    routes: ['request'],
    standIn: 'keeps no NAT open: the registrar behind does',
    summary: 'accepted; nothing is sent to keep a NAT open',
    compile: () => () => 1,
  },
]);
