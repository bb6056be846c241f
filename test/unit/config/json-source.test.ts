import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { JsonSyntaxError, parseJson, positionOf } from '../../../src/config/json-source.js';

describe('JSON with positions', () => {
  test('the JSON parser reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        assert.deepEqual(parseJson(text), JSON.parse(text));
      }),
    );
  });

  test('the JSON parser accepts and refuses the same texts as JSON.parse, except duplicate keys', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-',
      '0',
      '.5',
      'e3',
      'true',
      'nul',
      ' ',
      '"\\u00',
      '"',
      '\\',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        let expected: unknown;
        let valid = true;
        try {
          expected = JSON.parse(text);
        } catch {
          valid = false;
        }
        try {
          assert.deepEqual(parseJson(text), expected);
          assert.ok(valid, text);
        } catch (error) {
          assert.ok(error instanceof JsonSyntaxError, String(error));
          assert.ok(!valid || error.reason.includes('occurs twice'), text);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('the JSON parser reports line, column and fault', () => {
    const cases: [string, number, number, RegExp][] = [
      ['{\n  "a": 1,\n}', 3, 1, /comma before "}"/],
      ['[1,\r\n 2,]', 2, 4, /comma before "]"/],
      ['{"a": }', 1, 7, /value is expected, not "}"/],
      ['{"a" 1}', 1, 6, /":" is expected after key "a"/],
      ['{\n/* remark\n}', 2, 1, /comment is not closed/],
      ['{"a": yes}', 1, 7, /"yes" needs quotes/],
      ["{'a': 1}", 1, 2, /needs double quotes/],
      ['{1: 1}', 1, 2, /a key in quotes is expected, not a number/],
      ['{"a": "b\n"}', 1, 7, /not closed/],
      ['{"a": 1, "a": 2}', 1, 10, /key "a" occurs twice/],
      ['{"a": 1} 2', 1, 10, /nothing is expected after/],
      ['{"a": 1} x', 1, 10, /a word needs quotes, or is not a value/],
      ['', 1, 1, /end of the file/],
      ['{"a": 01}', 1, 8, /a comma or the end of the object is expected, not a number/],
      ['{"a": 1.}', 1, 7, /bad number/],
    ];
    for (const [text, line, column, reason] of cases) {
      assert.throws(
        () => parseJson(text),
        (error) => {
          assert.ok(error instanceof JsonSyntaxError);
          assert.deepEqual([error.line, error.column], [line, column], text);
          assert.match(error.reason, reason);
          return true;
        },
      );
    }
  });

  test('no error of the JSON parser has a value, since it may be a password', () => {
    const rest = ', "b": [1]}';
    for (const text of [
      `{"pass": hunter2${rest}`,
      `{"pass": hunter2", "b": 1}`,
      `{"pass": "hunter2}`,
      `{"pass": 'hunter2'${rest}`,
      `{"pass": 0hunter2${rest}`,
      `{"pass": 00472662${rest}`,
      `{"pass": 472662e${rest}`,
      `{"pass": "a"hunter2"${rest}`,
      `{"pass": "a" hunter2"${rest}`,
      `{"pass": #hunter2${rest}`,
      `{"pass" "hunter2"${rest}`,
      `{"pass" hunter2${rest}`,
      `{"pass", "hunter2"${rest}`,
      `{"pass": "a" "hunter2"${rest}`,
      `{"pass": ["a" "hunter2"]${rest}`,
      `{"pass": "a", hunter2${rest}`,
      `{"pass": "\\qhunter2"${rest}`,
      `{"pass": "\\uhunter2"${rest}`,
      `{"pass": "\thunter2"${rest}`,
    ]) {
      assert.throws(
        () => parseJson(text),
        (error) => {
          assert.ok(error instanceof JsonSyntaxError);
          assert.doesNotMatch(error.reason, /hunter2|472662/, text);
          return true;
        },
        text,
      );
    }
  });

  test('the JSON parser ignores comments', () => {
    const text = '// head\n{ /* a */ "a": 1, // one\n "b": "// none", /* two\nlines */ "c": [1 /* x */, 2] }\n// tail';
    assert.deepEqual(parseJson(text), { a: 1, b: '// none', c: [1, 2] });
  });

  test('a value is found by its pointer; a missing one by the value around it', () => {
    const text = '{\n  // remark\n  "a": [1,\n    {"x/y": 2}]\n}';
    assert.deepEqual(positionOf(text, ''), { line: 1, column: 1 });
    assert.deepEqual(positionOf(text, '/a'), { line: 3, column: 3 });
    assert.deepEqual(positionOf(text, '/a/1/x~1y'), { line: 4, column: 6 });
    assert.deepEqual(positionOf(text, '/a/1/missing'), { line: 4, column: 5 });
    assert.equal(positionOf('', '/a'), undefined);
  });

  test('the JSON parser skips a byte order mark, refuses deep nesting, and takes "__proto__" as a key like any other', () => {
    assert.deepEqual(parseJson('\ufeff{"a":1}'), { a: 1 });
    assert.throws(() => parseJson('['.repeat(100_000)), /levels deep/);
    const value = parseJson('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
    assert.deepEqual(Object.keys(value), ['__proto__']);
    assert.equal(value['polluted'], undefined);
  });
});
