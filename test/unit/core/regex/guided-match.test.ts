import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compilePerl, compilePosix } from '../../../../src/core/posix-regex.js';
import { BitMatch } from '../../../../src/core/regex/bit-match.js';
import { GuidedMatch, type Span } from '../../../../src/core/regex/guided-match.js';
import { assertLinear } from '../../../support/growth.js';

const ATOMS = [
  'a',
  'b',
  '.',
  '[^a]',
  '[ab]',
  '\\b',
  '\\B',
  '\\A',
  '\\z',
  '(?m:^)',
  '(?m:$)',
  'x',
  '\\n',
  'é',
  '😀',
  '(?i:K)',
  '\\d',
  '',
];
const REPETITIONS = ['', '*', '+', '?', '{2}', '{1,3}', '*?', '+?', '??', '{0,2}'];
const pattern = fc.letrec<{ part: string }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...ATOMS),
    fc.tuple(tie('part'), tie('part')).map(([a, b]) => a + b),
    fc.tuple(tie('part'), tie('part'), fc.constantFrom(...REPETITIONS)).map(([a, b, r]) => `(${a}|${b})${r}`),
    fc.tuple(tie('part'), fc.constantFrom(...REPETITIONS)).map(([a, r]) => `(?:${a})${r}`),
  ),
})).part;
const text = fc.array(fc.constantFrom('a', 'b', 'a', 'b', 'x', ' ', '\n', 'k', 'K', 'é', '😀', '0'), { maxLength: 24 });
const flags = fc
  .tuple(fc.boolean(), fc.boolean(), fc.boolean(), fc.boolean())
  .map(([longest, fold, dot, lines]) =>
    [longest && RE2JS.LONGEST_MATCH, fold && RE2JS.CASE_INSENSITIVE, dot && RE2JS.DOTALL, lines && RE2JS.MULTILINE]
      .map(Number)
      .reduce((a, b) => a | b),
  );

for (const [name, kind] of [
  ['live sets', GuidedMatch],
  ['bits', BitMatch],
] as const) {
  test(`a match by ${name} and its groups are those that RE2 finds, from wherever it is looked for`, () => {
    fc.assert(
      fc.property(pattern, flags, text, (source, how, pieces) => {
        const raw = RE2JS.compile(source, how);
        const guided = kind.of(raw);
        assert.ok(guided !== undefined, source);
        const subject = pieces.join('');
        for (let from = 0; from <= subject.length; from++) {
          if ((subject.charCodeAt(from) & 0xfc00) === 0xdc00) continue;
          const matcher = raw.matcher(subject);
          const expected = matcher.find(from)
            ? Array.from({ length: matcher.groupCount() + 1 }, (_, i) => [matcher.start(i), matcher.end(i)]).flat()
            : undefined;
          const found: Span | null | undefined = guided.find(subject, from);
          assert.deepEqual(found ? [...(found.groups() ?? [])] : undefined, expected, `${source} from ${from}`);
        }
      }),
      { numRuns: 2000 },
    );
  });
}

test('an expression with too many sets of states is not compiled to sets, but still matches', () => {
  // Whether a match is still possible depends on which of the last 21 characters were "a".
  const source = 'b([ab]{20})a';
  let seed = 1;
  const text = Array.from({ length: 30_000 }, () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed < 2 ** 30 ? 'a' : 'b';
  }).join('');
  const guided = GuidedMatch.of(RE2JS.compile(source, RE2JS.LONGEST_MATCH));
  assert.equal(guided?.find(text, 0), undefined);
  assert.equal(guided?.givenUp, true);
  const match = compilePosix(source).match(text);
  assert.deepEqual([match !== undefined && match.end - match.start, match?.groups[1]?.length], [22, 20]);
});

test('an expression with more than a thousand states is refused, with their number', () => {
  assert.throws(() => compilePosix('(a{1,50}){1,20}'), /\(a\{1,50\}\)\{1,20\}.* 20\d\d states, more than 1000/);
  assert.throws(() => compilePerl('(?:[0-9]{1,100}){1,9}'), /states, more than 1000/);
  assert.equal(compilePosix('^[0-9a-f]{900}$').test('0'.repeat(900)), true);
});

test('an expression with slightly fewer states is compiled, and fast once its states are known', () => {
  const regex = compilePosix('(a{1,50}){1,9}$');
  const texts = Array.from({ length: 4 }, (_, i) => 'a'.repeat(65_530 + i));
  // The first text creates the states, the groups of the second what they need in addition.
  for (const text of texts) assert.equal(regex.match(text)?.groups[1]?.length, 50);
  assertLinear(
    '(a{1,50}){1,9}$',
    [{ name: '"a"', make: (length: number) => 'a'.repeat(length) }],
    (subject) => void regex.match(subject)?.groups,
    { maxMs: 5 },
  );
});

const TEXTS = ['a', 'a@', 'sip:a@b;c=d,', ' ', 'a=b\r\n', '0', '\xe9'].map((unit) => ({
  name: JSON.stringify(unit),
  make: (length: number) => unit.repeat(Math.ceil(length / unit.length)),
}));

test('a match with several unbounded groups in 64 KB takes no more than 5 ms', () => {
  for (const source of [
    '^(.*)@(.*)$',
    '(.+)(.+)(.+)',
    '(.*)(,)(.*)',
    '(.*a){5}',
    '([a-z]*@?){3}',
    '((a*)*)*',
    '^sip:([^@]+)@([^;]+)(;.*)?$',
    '(.*)([0-9]{3})(.*)$',
    '([^;]*);(.*)=(.*)',
  ]) {
    const regex = compilePosix(source);
    assertLinear(source, TEXTS, (subject) => void regex.match(subject)?.groups, { maxMs: 5 });
  }
});

test('all matches of one text together take no more than 5 ms, where each might go to its end', () => {
  for (const source of ['a(.*#)?', '(.*)(#)?', '0|(0.*#)', '(a+)(b)?', '\\<(sip:)?([^ ]+)\\>']) {
    const regex = compilePosix(source);
    assertLinear(
      source,
      TEXTS,
      (subject) => {
        for (let at = 0, found = 0; at <= subject.length && found < 256; found++) {
          const match = regex.match(subject, at);
          if (match === undefined) return;
          assert.equal(match.groups.length > 1, true);
          at = match.end === match.start ? match.end + 1 : match.end;
        }
      },
      { maxMs: 5 },
    );
  }
});

/** Random texts of two characters, so that nearly every position has a different set of states. */
const ofTwo = (characters: string): { readonly name: string; make(length: number): string } => {
  let state = 7;
  return {
    name: `"${characters}" at random`,
    make: (length) =>
      Array.from({ length }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        return characters[state >>> 31] as string;
      }).join(''),
  };
};

test('a text made to be slow for a counted repetition takes no longer than another', () => {
  for (const source of [
    'a.{100}b',
    'a.{30}b',
    '(a.{20}c|b.{25}d)x',
    'a.{100}b.{100}c',
    '\\<a.{50}b\\>',
    '[ac].{14}b',
  ]) {
    const regex = compilePosix(source);
    const cases = [ofTwo('ab'), ofTwo('ac')];
    // Building the sets of states stops at a limit with one of these, which happens once.
    for (const each of cases) void regex.match(each.make(65_000));
    // It took 40 to 700 ms; now 1 to 4 on an idle machine, and twice that on a busy one.
    assertLinear(source, cases, (subject) => void regex.match(subject), { maxMs: 12, noiseMs: 4 });
    assertLinear(source, cases, (subject) => void regex.test(subject), { maxMs: 12, noiseMs: 4 });
  }
});

test('many short texts made to be slow for a counted repetition take no more than one long text', () => {
  const regex = compilePosix('a.{100}b');
  const texts = ofTwo('ac');
  const cases = [{ name: 'of 512', make: (length: number) => texts.make(length) }];
  const run = (subject: string): void => {
    for (let at = 0; at + 512 <= subject.length; at += 512) regex.match(subject.slice(at, at + 512));
  };
  for (let i = 0; i < 10; i++) run(texts.make(65_000));
  assertLinear('a.{100}b', cases, run, { maxMs: 12, noiseMs: 4 });
});
