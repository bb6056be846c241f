import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { parseLine } from '../../../src/cli/line/parse.js';
import { loadCommand } from '../../../src/cli/line/run.js';
import { runCli } from '../../support/command-line.js';
import { type DocumentedCommand, documentedCommands, shellWords } from '../../support/documented-commands.js';
import { ROOT, textOf } from '../../support/documents.js';
import { makeMiFixture } from '../../support/mi-fixture.js';

const commands = documentedCommands();
const miNames = new Set(
  makeMiFixture()
    .handler.commands()
    .flatMap(({ name, aliases = [] }) => [name, ...aliases]),
);
/** MI commands that exist in a cluster only. */
const CLUSTERED = /^cluster(?:er)?_/;

const folder = mkdtempSync(join(tmpdir(), 'documented-'));
const home = process.cwd();
after(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

/**
 * Words after "switchyard" in a command of ours, without the marks of a usage line ("[--config FILE]", "A | B", "...").
 */
function ours({ line }: DocumentedCommand): string[] | undefined {
  const words = shellWords(
    line.replace(/^node dist\/main\.js\b/, 'switchyard').replace(/ \|\s.*$|[[\]]|\s\.\.\.(?=\s|$)/g, ''),
  );
  if (words[0] !== 'switchyard' || words.length < 2) return undefined;
  const rest = words.slice(1).map((word) => word.split('|')[0] as string);
  return /^[a-z]/.test(rest[0] as string) ? rest : undefined;
}

test('every command line of switchyard in the documents is accepted by the program', async () => {
  const wrong: string[] = [];
  let checked = 0;
  for (const each of commands) {
    const [name, ...words] = ours(each) ?? [];
    if (name === undefined) continue;
    checked++;
    const spec = await loadCommand(name);
    try {
      assert.ok(spec !== undefined, `unknown command "${name}"`);
      const { args } = parseLine(spec, words);
      const [command = ''] = args;
      if (name === 'mi' && /^[a-z]/.test(command) && !CLUSTERED.test(command)) {
        assert.ok(miNames.has(command), `unknown MI command "${command}"`);
      }
    } catch (error) {
      // In running text the arguments may be omitted.
      if (each.inline && / is missing$| needs one of /.test((error as Error).message)) continue;
      wrong.push(`${each.document}: ${each.line}: ${(error as Error).message}`);
    }
  }
  assert.ok(checked > 40, `${checked} commands`);
  assert.deepEqual(wrong, []);
});

test('every file of the project that a command names exists', () => {
  const missing: string[] = [];
  for (const { document, line } of commands) {
    for (const word of shellWords(line)) {
      if (!/^(?:examples|test|src|schemas|partitions)\/[\w./-]+$/.test(word)) continue;
      if (!existsSync(join(ROOT, word))) missing.push(`${document}: ${line}: ${word}`);
    }
  }
  assert.deepEqual(missing, []);
});

test('the management requests in the documents are for commands that exist', () => {
  const unknown = commands.flatMap(({ document, line }) =>
    [...line.matchAll(/"method":"([a-z_]+)"|^printf ':([a-z_]+):/g)]
      .map(([, json, text]) => (json ?? text) as string)
      .filter((method) => !miNames.has(method))
      .map((method) => `${document}: ${method}`),
  );
  assert.deepEqual(unknown, []);
});

/** Commands that touch files only; they are run in a copy of their folder. */
const SAFE = /^(?:check|select|explain|import|access|db (?:init|import|show))\b/;

test('the commands that only read and write files work as they stand', async (t) => {
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), { recursive: true });
  cpSync(join(ROOT, 'partitions'), join(folder, 'partitions'), { recursive: true });
  const sample = join(folder, 'examples/sample');
  process.env['SWITCHYARD_DATA'] = join(folder, 'data');
  process.chdir(sample);
  for (const words of ['db init', 'db import --partition acme acme.json', 'db import --partition globex globex.json']) {
    const { status, err } = await runCli(words.split(' '));
    assert.equal(status, 0, err);
  }
  const elsewhere: readonly (readonly [string, string])[] = [
    ['/etc/kamailio/kamailio.cfg', join(folder, 'examples/kamailio/mailing-list/kamailio.cfg')],
    ['/etc/opensips/opensips.cfg', join(folder, 'examples/opensips/dispatcher/opensips.cfg')],
    ['/etc/switchyard/switchyard.json', join(sample, 'switchyard.json')],
    ['/etc/switchyard', join(folder, 'converted')],
    ['sqlite:///tmp/', `sqlite://${folder}/`],
  ];
  // A database with its set replaces the one in the sample opensips.cfg.
  const opensips = join(folder, 'examples/opensips/dispatcher/opensips.cfg');
  writeFileSync(
    opensips,
    readFileSync(opensips, 'utf8').replace('sqlite:///var/lib/opensips/opensips.db', `sqlite://${folder}/data/acme.db`),
  );
  let ran = 0;
  for (const each of commands) {
    const written = /^echo '([^']*)' > (\S+)$/.exec(each.line);
    const words = ours(each);
    if (written === null && (words === undefined || !SAFE.test(words.join(' ')) || (each.inline && words.length < 3)))
      continue;
    // A usage line, not a command to type.
    if (/\[|\.\.\.|\b[A-Z]{2,}\b(?!=)/.test(each.line.replace(/'[^']*'/g, ''))) continue;
    const of = dirname(each.document);
    process.chdir(
      existsSync(join(ROOT, of, 'kamailio.cfg')) || existsSync(join(ROOT, of, 'opensips.cfg'))
        ? join(folder, of)
        : sample,
    );
    const moved = (text: string) => elsewhere.reduce((all, [from, to]) => all.replaceAll(from, to), text);
    if (written !== null && !(written[2] as string).startsWith('/'))
      writeFileSync(written[2] as string, moved(written[1] as string));
    if (words === undefined) continue;
    ran++;
    const { status, out, err } = await runCli(words.map(moved), { stdin: 'a password of mine\n' });
    await t.test(`${each.document}: ${each.line}`, () => {
      // An import that leaves something to do returns status 1.
      assert.ok(status === 0 || (status === 1 && words[0] === 'import'), `${status}: ${out}${err}`);
      const shown = outputBelow(each);
      if (shown !== undefined) assert.equal(out.trimEnd(), shown);
    });
  }
  assert.ok(ran > 10, `${ran} commands`);
});

/** The output that a document shows below a command with a prompt, up to the next one. */
function outputBelow({ document, line }: DocumentedCommand): string | undefined {
  const text = textOf(document);
  const at = text.indexOf(`\n$ ${line}\n`);
  if (at < 0) return undefined;
  const rest = text.slice(at + line.length + 4);
  return rest.slice(0, rest.search(/^(?:\$ |```)/m)).trimEnd();
}
