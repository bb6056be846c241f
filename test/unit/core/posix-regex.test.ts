import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compilePerl, compilePosix, type RegexMatch } from '../../../src/core/posix-regex.js';

type Find = (at: number) => Pick<RegexMatch, 'start' | 'end' | 'groups'> | undefined;

/** All matches with their groups in order. */
function all(text: string, find: Find): string[] {
  const found: string[] = [];
  for (let at = 0; at <= text.length && found.length < 40; ) {
    const match = find(at);
    if (match === undefined) break;
    found.push(`${match.start}-${match.end} ${match.groups.join('|')}`);
    at = match.end === match.start ? match.end + 1 : match.end;
  }
  return found;
}

test('the checks made before matching change no result: for long texts it is that of RE2', () => {
  const piece = fc.constantFrom('a', 'b', ' ', 'ab', '-', '\n', '0', 'sip:');
  const part = fc.constantFrom(
    'a',
    'b',
    '.',
    '[^a]',
    '(a|b)',
    'a*',
    'b+',
    '(ab)?',
    '\\b',
    '\\B',
    '\\A',
    '^',
    '$',
    '(?m:^)',
  );
  const pattern = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(pattern, fc.array(piece, { minLength: 100, maxLength: 200 }), (source, pieces) => {
      const text = pieces.join('');
      const regex = compilePerl(source);
      const raw = RE2JS.compile(source);
      const expected = all(text, (at) => {
        const matcher = raw.matcher(text);
        if (!(at === 0 ? matcher.find() : matcher.find(at))) return undefined;
        const groups = Array.from({ length: matcher.groupCount() + 1 }, (_, i) => matcher.group(i) ?? undefined);
        return { start: matcher.start(), end: matcher.end(), groups };
      });
      assert.deepEqual(
        all(text, (at) => regex.match(text, at)),
        expected,
      );
    }),
    { numRuns: 500 },
  );
});

test('as in glibc a quantifier needs an expression before it, and a ")" without "(" is literal', () => {
  for (const source of ['*a', '^*', '^+', 'a|*b', '(*a)', '$*', '{2}a', '^{2}', 'a{', 'a{x', 'a{1'])
    assert.throws(() => compilePosix(source), /not valid/, source);
  assert.equal(compilePosix('^a{,2}b').test('aab'), true);
  assert.equal(compilePosix('^a{,2}b').test('aaab'), false);
  assert.deepEqual(
    ['b', 'aab', ''].map((each) => compilePosix('^a{,}b').test(each)),
    [true, true, false],
  );
  assert.equal(compilePosix('a)').test('(a)'), true);
  assert.equal(compilePosix('a)').test('ab'), false);
});

test('as in glibc a quantifier after another one repeats the expression of that one', () => {
  for (const [source, yes, no] of [
    ['^a{1,2}?$', ['', 'a', 'aa'], ['aaa']],
    ['^a{2}{3}$', ['a'.repeat(6)], ['a'.repeat(5), 'a'.repeat(7)]],
    ['^(ab){2}+$', ['abab', 'ab'.repeat(4)], ['', 'ab', 'ab'.repeat(3)]],
    ['^[ab]+{2}c$', ['abc'], ['ac', 'c']],
    ['^(x(a)){2}?y$', ['y', 'xaxay'], ['xay']],
    ['^xa)*{2}$', ['xa', 'xa))'], ['x)']],
  ] as const) {
    const regex = compilePosix(source);
    for (const text of yes) assert.equal(regex.test(text), true, `${source} ${text}`);
    for (const text of no) assert.equal(regex.test(text), false, `${source} ${text}`);
  }
  const started = performance.now();
  assert.throws(() => compilePosix(`a${'{1}'.repeat(1365)}`), /not valid/);
  assert.throws(() => compilePosix(`a${'{9}'.repeat(9)}`), /not valid/);
  assert.ok(performance.now() - started < 2000);
});

test('the error of a pattern that is refused shows its beginning only', () => {
  for (const compile of [compilePosix, compilePerl]) {
    for (const source of ['('.repeat(900), `(${'a'.repeat(900)}`, `[${'\\u0001'.repeat(600)}`]) {
      assert.throws(
        () => compile(source),
        (error: Error) => error.message.length < 800 && error.message.includes('is not valid'),
        source.slice(0, 20),
      );
    }
  }
});
