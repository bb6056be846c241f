import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startScript } from '../../support/script-run.js';

const start = (options: string) =>
  startScript({
    dialect: 'kamailio',
    modules: 'htable',
    head: `modparam("htable", "htable", "a=>${options}")`,
    script: 'exit;',
  });

test('definitions of hash tables that Kamailio 5.6.3 refuses are refused: options without a number, unknown ones', () => {
  for (const options of [
    'autoexpire=SECONDS;',
    'autoexpire=5x;',
    'autoexpire=0x10;',
    'size=x;',
    'initval=x;',
    'updateexpire=x;',
    'dbmode=x;',
  ])
    assert.throws(() => start(options), /htable a: \w+ must be a number/, options);
  assert.throws(() => start('coldelim=,;'), /htable a: coldelim may have no comma/);
  assert.throws(() => start('size=4;;'), /htable a: there is an empty option/);
  assert.throws(
    () => start('size=4;");\nmodparam("htable", "htable", "a=>size=5;'),
    /htable a: there is a table of this name already/,
  );
  assert.throws(() => start('nothing=1;'), /htable a: there is no option "nothing"/);
});

test('definitions that Kamailio accepts are accepted', async () => {
  for (const options of ['', 'size=99;', 'initval=-1;autoexpire=;', 'dbtable=t;dbmode=0;', 'dmqreplicate=1;'])
    await start(options).stop();
});
