import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../../support/script-run.js';

/** Output recorded from Kamailio 5.6.3. */
const got = async (name: string, field: string, document: string) => {
  const script = `$var(j)='${document}'; $var(x)="keep"; ${name}("$var(j)", "${field}", "$var(x)"); xlog("$rc [$var(x)]\\n"); xlog("end\\n");`;
  return (await linesOf({ dialect: 'kamailio', modules: 'json', script }))[0];
};

const DOCUMENT =
  '{"b":"t/","c":{"d":[1,2.50,"x/y"],"e":null,"f":true},"h":[],"n":null,"r":1.10,"huge":99999999999999999999,"__proto__":7,"a":1,"a":2}';

test('json_get_field() reads a member of the object as JSON, with the texts of its numbers', async () => {
  assert.equal(await got('json_get_field', 'b', DOCUMENT), String.raw`1 ["t\/"]`);
  assert.equal(
    await got('json_get_field', 'c', DOCUMENT),
    String.raw`1 [{ "d": [ 1, 2.50, "x\/y" ], "e": null, "f": true }]`,
  );
  assert.equal(await got('json_get_field', 'h', DOCUMENT), '1 [[ ]]');
  assert.equal(await got('json_get_field', 'r', DOCUMENT), '1 [1.10]');
  assert.equal(await got('json_get_field', 'huge', DOCUMENT), '1 [18446744073709551615]');
  assert.equal(await got('json_get_field', '__proto__', DOCUMENT), '1 [7]');
  assert.equal(await got('json_get_field', 'a', DOCUMENT), '1 [2]');
  for (const field of ['n', 'z', 'c.d', 'constructor'])
    assert.equal(await got('json_get_field', field, DOCUMENT), '-1 [keep]', field);
});

test('json_get_string() reads a string without quotes', async () => {
  assert.equal(await got('json_get_string', 'b', DOCUMENT), '1 [t/]');
  assert.equal(await got('json_get_string', 'r', DOCUMENT), '1 [1.10]');
});

test('texts are read as the json-c library reads them', async () => {
  for (const [text, value] of [
    ['{"a":1} x', '1'],
    ['{"a":1,}', '1'],
    ['/* c */{"a":[1,]}', '[ 1 ]'],
    ['{"a":TRUE}', 'true'],
    ['{"a":nan}', 'NaN'],
    ['{"a":01}', '1'],
    ['{"a":1.}', '1.'],
    ['{"a":[1e,2]}', '[ 1, 2 ]'],
    [`{"a":${'['.repeat(31)}${']'.repeat(31)}}`, `${'[ '.repeat(31)}${'] '.repeat(31).trimEnd()}`],
  ])
    assert.equal(await got('json_get_field', 'a', text as string), `1 [${value}]`, text);
  const deep = `{"a":${'['.repeat(32)}${']'.repeat(32)}}`;
  for (const text of ['[1]', '5', '', '{"a":1', '{a:1}', '{"a":.5}', '{"a":+1}', '{"a":1e5.5}', '{"a":1x}', deep])
    assert.equal(await got('json_get_field', 'a', text), '-1 [keep]', text);
});
