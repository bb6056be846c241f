import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCfg } from '../../../src/cfg-file/load.js';

/** The errors of a file, and the version it is read as. */
function read(text: string, dialect?: string): { title: string | undefined; errors: string[] } {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-versions-'));
  try {
    const file = join(folder, 'kamailio.cfg');
    writeFileSync(file, text);
    const { dialect: found, problems } = readCfg(file, dialect === undefined ? {} : { dialect });
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    return { title: found?.title, errors };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ROUTE = 'request_route {\n  exit;\n}\n';

test('paths of modules and parameters of the core are accepted as Kamailio 5.6 has them', () => {
  const text = `#!KAMAILIO\nmpath="/usr/lib/kamailio/modules/"\nloadpath "x"\nchildren=2\nuser="kamailio"\nlog_facility=LOG_LOCAL0\n${ROUTE}`;
  assert.deepEqual(read(text), { title: 'kamailio-5.6', errors: [] });
});

test('a parameter with a value of another type is refused', () => {
  assert.deepEqual(read(`#!KAMAILIO\nchildren="two"\n${ROUTE}`).errors, ['parameter "children" must be a number']);
  assert.deepEqual(read(`#!KAMAILIO\nversion_table=1\n${ROUTE}`).errors, [
    'parameter "version_table" must be a string in quotes',
  ]);
});

test('a module parameter that no version has is refused, with the name that was meant', () => {
  const { errors } = read(`#!KAMAILIO\nloadmodule "tm.so"\nmodparam("tm", "fr_timr", 5)\n${ROUTE}`);
  assert.equal(errors.length, 1);
  assert.match(errors[0] ?? '', /has no parameter "fr_timr"; did you mean fr_timer/);
});

test('a file that uses what later versions have is read as one of them', () => {
  const text = `#!KAMAILIO\nreturn_mode=1\n${ROUTE}`;
  assert.deepEqual(read(text), { title: 'kamailio-6', errors: [] });
  assert.deepEqual(read(text, 'kamailio').errors, ['unknown parameter "return_mode"']);
});

test('a function of later versions is unknown to 5.6 and known to 6', () => {
  const text = '#!KAMAILIO\nloadmodule "dispatcher.so"\nrequest_route {\n  ds_dsg_fetch("1");\n}\n';
  assert.match(read(text, 'kamailio').errors[0] ?? '', /unknown function ds_dsg_fetch/);
  assert.deepEqual(read(text, 'kamailio-6').errors, []);
});
