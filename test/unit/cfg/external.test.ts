import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPENSIPS } from '../../../src/cfg/dialect.js';
import { parseConfiguration } from '../../../src/cfg/source/configuration.js';
import { preprocessed } from '../../../src/cfg/source/external.js';

/** A preprocessor command: a line of JavaScript that transforms the text. */
const node = (code: string) =>
  `"${process.execPath}" -e "let t='';process.stdin.on('data',(d)=>t+=d).on('end',()=>{${code}})"`;

const source = (text: string) => ({ file: 'opensips.cfg', text });

test('the output of an external preprocessor is read as the file', () => {
  const { text, file } = preprocessed(
    source('route { xlog(GREETING); }'),
    node("console.log(t.replace('GREETING','hi'))"),
  );
  assert.equal(file, 'opensips.cfg');
  assert.equal(text, 'route { xlog(hi); }\n');
});

test('errors have the positions that lines such as "#line 3" give', () => {
  const output = preprocessed(source('a\nb\nnosuch\n'), node("console.log('#line 3\\nroute { 1; }')"));
  const { problems } = parseConfiguration(output, { dialect: OPENSIPS, reader: { read: () => undefined } });
  assert.deepEqual(problems[0]?.at, { file: 'opensips.cfg', line: 3, column: 9 });
});

test('a preprocessor that fails is named with its reason', () => {
  assert.throws(
    () => preprocessed(source(''), 'no-such-program-here -x'),
    /"no-such-program-here -x" cannot be started/,
  );
  assert.throws(
    () => preprocessed(source(''), node("console.error('bad');process.exit(3)")),
    /failed with status 3: bad/,
  );
  assert.throws(() => preprocessed(source(''), ' '), /has no name/);
});

test('a preprocessor need not read its input, and one that ends early or writes too much is not said not to start', () => {
  const long = source('#\n'.repeat(100_000));
  const code = (text: string) => `"${process.execPath}" -e "${text}"`;
  assert.equal(preprocessed(long, code("console.log('route { 1; }')")).text, 'route { 1; }\n');
  assert.throws(() => preprocessed(long, code('process.exit(3)')), /failed with status 3/);
  assert.throws(
    () => preprocessed(source(''), code("process.stdout.write('#'.repeat(1e8))")),
    /has written more than \d+ bytes/,
  );
});
