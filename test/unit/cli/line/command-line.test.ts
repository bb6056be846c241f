import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import type { CommandSpec } from '../../../../src/cli/line/command.js';
import { parseLine } from '../../../../src/cli/line/parse.js';
import { commandNames, loadCommands } from '../../../../src/cli/line/run.js';
import { runCli } from '../../../support/command-line.js';

const SRC = resolve(import.meta.dirname, '../../../../src');

test('a command that does not exist is refused with the name of the nearest one', async () => {
  const { status, err } = await runCli(['chekc']);
  assert.equal(status, 2);
  assert.match(err, /unknown command "chekc" \(did you mean "check"\?\)/);
});

test('an option that does not exist is refused with the name of the nearest one', async () => {
  for (const line of ['check --confg x', 'mi --tiemout 5 ps', 'db import --replase f', 'db --partitoin p show']) {
    const { status, err } = await runCli(line.split(' '));
    assert.equal(status, 2, line);
    assert.match(err, /unknown option "--\w+" \(did you mean "--(config|timeout|replace|partition)"\?\)/, line);
  }
});

test('a value that its option does not have is refused', async () => {
  for (const [line, reason] of [
    ['mi --timeout abc ps', '--timeout: expected a whole number from 1 to 86400000, not "abc"'],
    ['mi --timeout -1 ps', '--timeout: expected a whole number'],
    ['mi --timeout 1e3 ps', '--timeout: expected a whole number'],
    ['select --set 1 --alg 0 --max-res many x', '--max-res: expected a whole number'],
    ['select --fn host x', '--fn: expected one of dst, domain, not "host"'],
    ['select --set', 'option "--set" needs a value: --set S'],
  ] as const) {
    const { status, err } = await runCli(line.split(' '));
    assert.equal(status, 2, line);
    assert.ok(err.includes(reason), err);
  }
});

test('an option is given once; definitions for the preprocessor add up', async () => {
  const { status, err } = await runCli(['check', '--config', 'a.json', '--config', 'b.json']);
  assert.equal(status, 2);
  assert.match(err, /--config is given twice/);
  const command = (await loadCommands()).find(({ name }) => name === 'check') as CommandSpec;
  const { options } = parseLine(command, ['--cfg', 'x', '-A', 'WITH_NAT', '--define', 'A=1,B=x y', '-A', 'A=2']);
  assert.deepEqual(
    options['define'],
    new Map([
      ['WITH_NAT', ''],
      ['A', '2'],
      ['B', 'x y'],
    ]),
  );
  assert.match((await runCli(['check', '--cfg', 'x', '-A', '1-2'])).err, /"1-2" is not a name of a definition/);
});

test('arguments that are missing or too many are refused', async () => {
  const missing = await runCli(['import']);
  assert.equal(missing.status, 2);
  assert.match(missing.err, /CFG-FILE is missing/);
  const many = await runCli(['check', 'a', 'b']);
  assert.equal(many.status, 2);
  assert.match(many.err, /takes no arguments, not 2/);
  const below = await runCli(['db', 'shwo']);
  assert.equal(below.status, 2);
  assert.match(below.err, /db needs one of init, show, export, import.*, not "shwo" \(did you mean "show"\?\)/);
  assert.equal((await runCli(['db'])).status, 2);
});

test('every command and every option is explained, with an example that begins with the command', async () => {
  for (const spec of await loadCommands()) {
    for (const [each, path] of [
      [spec, spec.name],
      ...(spec.subcommands ?? []).map((below) => [below, `${spec.name} ${below.name}`] as const),
    ] as const) {
      const { status, out } = await runCli([...path.split(' '), '--help']);
      assert.equal(status, 0);
      assert.match(out, new RegExp(`^Usage: switchyard ${spec.name}`));
      for (const [name, option] of Object.entries({ ...spec.options, ...each.options })) {
        assert.ok(out.includes(`--${name}`), `${path} --${name}`);
        assert.match(option.description, /^[A-Z].*\.$/, `${path} --${name}`);
      }
      assert.ok(each.examples.length > 0, path);
      for (const [, line] of each.examples) assert.match(line, new RegExp(`switchyard ${spec.name}\\b`));
      assert.match(each.summary, /^[a-z].*[^.]$/, path);
      assert.equal((await runCli(['help', ...path.split(' ')])).out, out);
    }
  }
});

test('help is written to standard output if asked for, else to standard error', async () => {
  const asked = await runCli(['--help']);
  assert.equal(asked.status, 0);
  for (const name of commandNames()) assert.match(asked.out, new RegExp(`^  ${name}  `, 'm'));
  const nothing = await runCli([]);
  assert.deepEqual({ ...nothing, err: '' }, { status: 2, out: '', err: '' });
  assert.equal(nothing.err, asked.out);
});

test('with --json an error is JSON too', async () => {
  const usage = await runCli(['select', '--json', '--nonsense']);
  assert.equal(usage.status, 2);
  assert.equal(usage.out, '');
  assert.equal((JSON.parse(usage.err) as { error: { code: string } }).error.code, 'USAGE');
  const unreadable = await runCli(['db', 'show', '--config', '/nowhere/switchyard.json', '--json']);
  assert.equal(unreadable.status, 1);
  const { error } = JSON.parse(unreadable.err) as { error: { code: string; problems: { file: string }[] } };
  assert.equal(error.code, 'CONFIG_UNREADABLE');
  assert.equal(error.problems[0]?.file, '/nowhere/switchyard.json');
});

test('version is shown in two forms', async () => {
  const { version } = JSON.parse(readFileSync(resolve(SRC, '../package.json'), 'utf8')) as { version: string };
  assert.match((await runCli(['--version'])).out, new RegExp(`^switchyard ${version}\n`));
  assert.equal((JSON.parse((await runCli(['version', '--json'])).out) as { version: string }).version, version);
});

/** Files that are loaded when `file` is imported, without dynamic imports. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(file, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  for (const [, words = '', specifier = ''] of code.matchAll(/^(?:import|export)\b([^'";]*?)from\s*'([^']+)'/gm)) {
    if (/^\s*type\b/.test(words)) continue;
    if (!specifier.startsWith('.')) seen.add(specifier);
    else loadedWith(resolve(dirname(file), specifier.replace(/\.js$/, '.ts')), seen);
  }
  return seen;
}

test('the table of commands is loaded without any library but the parser of command lines', () => {
  const files = commandNames().map((name) => {
    const table = readFileSync(resolve(SRC, 'cli/commands.ts'), 'utf8');
    const path = new RegExp(`^  '?${name}'?: .*import\\('\\./([^']+)\\.js'\\)`, 'm').exec(table)?.[1];
    return resolve(SRC, 'cli', `${path}.ts`);
  });
  for (const file of [resolve(SRC, 'main.ts'), ...files]) {
    assert.ok(existsSync(file), file);
    const loaded = [...loadedWith(file)];
    const libraries = loaded.filter((each) => !each.startsWith('/') && !each.startsWith('node:'));
    assert.deepEqual(
      libraries.filter((each) => each !== 'commander'),
      [],
      relative(SRC, file),
    );
    assert.ok(loaded.length < 25, `${relative(SRC, file)} loads ${loaded.length} files`);
  }
});

test('surplus words, options after the command of mi and missing files are named in the error', async () => {
  const said = async (...words: readonly string[]) => (await runCli(words)).err;
  assert.match(await said('db', 'show', 'acme'), /"db show" has too many arguments/);
  assert.match(await said('db', 'shwo'), /not "shwo" \(did you mean "show"\?\)/);
  assert.match(await said('mi', 'version', '--timeout', 'abc'), /--timeout must come before the command/);
  assert.match(await said('explain', '/nosuch/x.sip'), /cannot read \/nosuch\/x\.sip: no such file\n/);
  for (const command of ['check', 'serve', 'explain'])
    assert.equal(
      await said(command, '--cfg', '/nosuch/x.cfg'),
      `switchyard ${command}: /nosuch/x.cfg cannot be read: no such file\n`,
    );
  assert.match(await said('check', '--cfg', tmpdir()), /cannot be read: it is a folder\n$/);
  assert.match(await said('db', 'import', '/nosuch/x.json'), /cannot read \/nosuch\/x\.json: no such file\n/);
});

test('db show and a load leave out the same rows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-show-'));
  writeFileSync(
    join(folder, 'd.list'),
    '1 sip:gw:hidden@127.0.0.1:5071;password=hidden\n1 sip:a:hidden@no-such-host.invalid\n1 sip:127.0.0.1:5072 0 0 socket=udp:9.9.9.9:5060\n1 sip:127.0.0.1:5073;transport=carrier\n',
  );
  const partitions = [{ name: 'default', flavour: 'kamailio', db_url: 'list:./d.list' }];
  const file = join(folder, 'switchyard.json');
  writeFileSync(file, JSON.stringify({ listen: ['udp:127.0.0.1:5060'], partitions }));
  const { out, err } = await runCli(['db', 'show', '--config', file]);
  rmSync(folder, { recursive: true });
  assert.deepEqual(out.trim().split('\n').length, 1);
  assert.match(out, /sip:gw:\*\*\*@127\.0\.0\.1:5071;password=\*\*\*/);
  assert.doesNotMatch(out + err, /hidden/);
  assert.match(err, /line 3: socket "udp:9\.9\.9\.9:5060" is not one of our sockets/);
  assert.match(err, /sip:127\.0\.0\.1:5073;transport=carrier: .*unknown transport/);
  assert.match(err, /sip:a:\*\*\*@no-such-host\.invalid: host "no-such-host\.invalid" does not resolve/);
});

test('db init creates the tables of databases, and a list file only if its partition is named', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-init-'));
  const partitions = [
    { name: 'listed', flavour: 'kamailio', db_url: 'list:./d.list' },
    { name: 'stored', db_url: 'sqlite:./d.db' },
  ];
  const file = join(folder, 'switchyard.json');
  writeFileSync(file, JSON.stringify({ listen: ['udp:127.0.0.1:5060'], partitions }));
  const all = await runCli(['db', 'init', '--config', file]);
  const one = await runCli(['db', 'init', '--config', file, '--partition', 'listed']);
  rmSync(folder, { recursive: true });
  assert.equal(all.status, 0, all.err);
  assert.match(
    all.out,
    /partition listed: a list file, nothing to create\npartition stored: dispatcher version 9, created its table/,
  );
  assert.equal(one.status, 1);
  assert.match(one.err, /a list file cannot be created/);
});
