import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { readSettings } from '../../src/config/load.js';
import { assumedStates } from '../../src/daemon/rehearsal.js';
import { markedState } from '../../src/engine/opensips/states.js';
import { linesOf, startScript } from '../support/script-run.js';

const SRC = join(import.meta.dirname, '../../src');

/** Tables that are read by words of our own, or by single characters, as "file NAME". */
const OWN_WORDS: ReadonlySet<string> = new Set([
  'cfg-file/opensips/globals.ts TYPES',
  'cfg-file/opensips/module-parameters.ts TYPES',
  'cfg-file/load.ts DIALECTS',
  'cfg-file/tls.ts USUAL',
  'cfg/compile/selects.ts FIELDS',
  'cfg/source/token.ts SIMPLE',
  'cli/mi/render.ts STATE_STYLES',
  'config/partitions.ts GLOBAL',
  'config/schema-fault.ts ARTICLES',
  'console/server/assets.ts TYPES',
  'core/log-focus.ts NUMBERS',
  'engine/kamailio/states.ts SET_STATE',
  'modules/core-uri.ts OLD_NAMES',
  'modules/kamailio-signatures.ts LETTERS',
  'modules/log.ts LETTERS',
  'modules/opensips-signatures.ts KINDS',
  'modules/rtpengine/answers.ts OF_STREAM',
  'modules/rtpproxy/functions.ts MODIFIERS',
  'modules/sql-statements.ts PART_CHECKS',
  'pvar/time-format.ts CONVERSIONS',
  'pvar/transformations/strings.ts UNESCAPES',
  // Read after a look whether it is one of a list, or a phone number.
  'pvar/variables/script-headers.ts COMPACT_FORMS',
  'pvar/variables/script-uris.ts PHONE',
  // In capitals, which no inherited name is.
  'route/functions/log-levels.ts LEVELS',
  'sip/resolve.ts NAPTR_SERVICES',
  // Compared with characters only; on the way of every call.
  'sip/message.ts COMPACT',
  'sip/transport/bind.ts MEANINGS',
  'store/db-text.ts ESCAPES',
  'store/db-text.ts LETTERS',
  'workers/sent-log.ts SEVERITY',
]);

test('tables of words are read by ownValue() or Object.hasOwn(): they inherit "constructor" and the like', () => {
  const found: string[] = [];
  for (const entry of readdirSync(SRC, { recursive: true, withFileTypes: true })) {
    const path = relative(SRC, join(entry.parentPath, entry.name));
    if (!path.endsWith('.ts') || path.startsWith('console/browser')) continue;
    const text = readFileSync(join(SRC, path), 'utf8');
    for (const [, name = ''] of text.matchAll(/const ([A-Z][A-Z_0-9]*): (?:Readonly<|Partial<)*Record<string,/g)) {
      if (OWN_WORDS.has(`${path} ${name}`)) continue;
      for (const line of text.split('\n')) {
        if (line.includes(`${name}[`) && new RegExp(`\\b${name}\\[`).test(line) && !line.includes(`hasOwn(${name}`))
          found.push(`${path}: ${line.trim()}`);
      }
    }
  }
  assert.deepEqual(found, []);
});

const INHERITED = ['constructor', 'toString', 'hasOwnProperty', '__proto__', 'valueOf'];

test('the name of a state is not looked up among the names that every object has', () => {
  for (const word of INHERITED) {
    assert.equal(markedState(word), undefined);
    assert.throws(() => assumedStates(`sip:a=${word}`), /expected URI=active/);
  }
});

test('an environment variable called "constructor" is not set', async () => {
  for (const word of INHERITED) {
    assert.throws(() => readSettings({ node: `\${${word}}` }, { cwd: '/', env: {} }), /is not set/);
    const settings = readSettings({ node: `\${${word}:-sw1}` }, { cwd: '/', env: {} });
    assert.equal(settings.settings.node, 'sw1');
    const script = `xlog("[$env(${word})]\\n"); xlog("end\\n");`;
    const [line = ''] = await linesOf({ dialect: 'kamailio', script });
    assert.match(line, /^\[(?:<null>)?\]$/);
  }
});

test('a method called "constructor" has the number of an unknown one, and a transport of that name no default port', async () => {
  const script = `xlog("$rmid\\n"); if (ds_is_from_list("1", "3", "$ru")) { xlog("in\\n"); } xlog("end\\n");`;
  const runner = startScript({
    dialect: 'kamailio',
    script,
    modules: 'dispatcher',
    head: 'modparam("dispatcher", "list_file", "FOLDER/none.list")',
  });
  runner.receive(
    [
      'constructor sip:b@127.0.0.1;transport=constructor SIP/2.0',
      'Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKw',
      'From: <sip:a@b>;tag=1',
      'To: <sip:b@b>',
      'Call-ID: w',
      'CSeq: 1 constructor',
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  await runner.stop();
  assert.deepEqual(runner.lines, ['0', 'end']);
});
