import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../../../support/script-run.js';

/** Output recorded from Kamailio 5.6.3. */
const lines = (script: string) =>
  linesOf({ dialect: 'kamailio', modules: 'jansson', script: `${script} xlog("end\\n");` });

const DOCUMENT = `'{"a":1,"s":"text","t":true,"n":null,"o":{"x":[1,"two",{"y":3}],"e":""},"r":1.50,"big":12345678901}'`;

const got = async (path: string, document = DOCUMENT) => {
  const script = `$var(j)=${document}; $var(x)="keep"; jansson_get("${path}", $var(j), "$var(x)"); xlog("$rc [$var(x)]\\n");`;
  return (await lines(script))[0];
};

const changed = async (call: string, document: string) =>
  (await lines(`$var(d)='${document}'; ${call.replace(')', ', "$var(d)")')}; xlog("$rc [$var(d)]\\n");`))[0];

test('jansson_get() reads a member or an element, texts as they are, objects as compact texts', async () => {
  assert.equal(await got('a'), '1 [1]');
  assert.equal(await got('s'), '1 [text]');
  assert.equal(await got('t'), '1 [1]');
  assert.equal(await got('n'), '1 [0]');
  assert.equal(await got('o.x[1]'), '1 [two]');
  assert.equal(await got('o.x[2].y'), '1 [3]');
  assert.equal(await got('o'), '1 [{"x":[1,"two",{"y":3}],"e":""}]');
  assert.equal(await got('r'), '1 [1.5]');
  assert.equal(await got('big'), '1 [12345678901]');
  assert.equal(await got('', `'[1.10, 1e3]'`), '1 [[1.1000000000000001,1000.0]]');
});

test('jansson_get() leaves the variable alone for what is not there, and for a text that is not JSON', async () => {
  for (const path of ['z', 'o.z.q', 'a.b', 'o.x[9]', 'o.x[-1]', '.a', 'constructor', '__proto__'])
    assert.equal(await got(path), '-1 [keep]', path);
  for (const text of ['x', '', '5', '{"a":1,"a":2}', '{"a":01}', '{"a":1} x', String.raw`{"a":"\u0000"}`])
    assert.equal(await got('a', `'${text}'`), '-1 [keep]', text);
});

test('names of JavaScript are plain members, in the order of the text', async () => {
  const document = `'{"__proto__":{"2":3,"1":4},"constructor":5}'`;
  assert.equal(await got('__proto__', document), '1 [{"2":3,"1":4}]');
  assert.equal(await got('constructor', document), '1 [5]');
  assert.equal(
    await changed('jansson_set("string","o.__proto__.y","v")', '{"o":{}}'),
    '1 [{"o":{"__proto__":{"y":"v"}}}]',
  );
});

test('jansson_set() replaces or adds a value and makes the objects on the way', async () => {
  assert.equal(await changed('jansson_set("integer","a","5")', '{"a":1}'), '1 [{"a":5}]');
  assert.equal(await changed('jansson_set("string","q.r","v")', '{}'), '1 [{"q":{"r":"v"}}]');
  assert.equal(await changed('jansson_set("string","l[0]","v")', '{"l":[1]}'), '1 [{"l":["v"]}]');
  assert.equal(await changed('jansson_set("string","l[1]","v")', '{"l":[1]}'), '-1 [{"l":[1]}]');
  assert.equal(await changed('jansson_set("real","r","0.1")', '{}'), '1 [{"r":0.10000000000000001}]');
  assert.equal(await changed('jansson_set("integer","i","six")', '{}'), '-1 [{}]');
  assert.equal(await changed('jansson_set("x","i","6")', '{}'), '-1 [{}]');
});

test('jansson_append() adds to an array, or the members of an object to an object', async () => {
  assert.equal(await changed('jansson_append("array","l","[7]")', '{"l":[1]}'), '1 [{"l":[1,[7]]}]');
  assert.equal(await changed(`jansson_append("object","o",'{"q":1}')`, '{"o":{"x":1}}'), '1 [{"o":{"x":1,"q":1}}]');
  assert.equal(await changed('jansson_append("string","o","v")', '{"o":{}}'), '-1 [{"o":{}}]');
  assert.equal(await changed('jansson_append("string","","v")', '[]'), '1 [["v"]]');
});

test('jansson_xdecode() makes a record, jansson_xencode() an object of one, the newest field first', async () => {
  const script = `jansson_xdecode(${DOCUMENT}, "x"); xlog("$rc [$xavp(x=>s)] [$xavp(x=>t)] [$xavp(x=>n)] [$xavp(x=>o)]\\n");
    $xavp(y=>a)=1; $xavp(y[0]=>b)="two"; jansson_xencode("y", "$var(o)"); xlog("$rc [$var(o)]\\n");
    jansson_xencode("none", "$var(o)"); xlog("$rc\\n"); jansson_array_size("", "[1,2]", "$var(o)"); xlog("$rc [$var(o)]\\n");`;
  assert.deepEqual(await lines(script), [
    '1 [text] [1] [<null>] [{"x":[1,"two",{"y":3}],"e":""}]',
    '1 [{"b": "two", "a": 1}]',
    '-1',
    '1 [2]',
  ]);
});
