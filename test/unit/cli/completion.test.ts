import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { commandNames, loadCommands } from '../../../src/cli/line/run.js';
import { runCli } from '../../support/command-line.js';
import { requireTool } from '../../support/servers.js';

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'switchyard-completion-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('bash completes commands, options, values and management commands', async (t) => {
  const file = join(folder(t), 'switchyard');
  writeFileSync(file, (await runCli(['completion', 'bash'])).out);
  const complete = (line: string): string[] => {
    const words = line.split(' ');
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _switchyard; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script, 'bash', file, ...words], {
      encoding: 'utf8',
    });
    assert.equal(stderr, '');
    return stdout.split('\n').filter((word) => word !== '');
  };
  assert.deepEqual(complete('switchyard ser'), ['serve']);
  assert.ok(commandNames().every((name) => complete('switchyard ').includes(name)));
  assert.deepEqual(complete('switchyard check --st'), ['--strict']);
  assert.deepEqual(complete('switchyard select --fn d'), ['dst', 'domain']);
  assert.deepEqual(complete('switchyard mi ds_set'), ['ds_set_state']);
  assert.deepEqual(complete('switchyard db import --if'), ['--if-empty']);
  assert.deepEqual(complete('switchyard completion f'), ['fish']);
});

/** Results for the last word of a line; each shell has its own lists of candidates. */
const COMPLETED = [
  ['switchyard ser', 'serve'],
  ['switchyard check --str', '--strict'],
  ['switchyard trace --no-b', '--no-bodies'],
  ['switchyard mi ds_set', 'ds_set_state'],
  ['switchyard db import --if', '--if-empty'],
  ['switchyard completion f', 'fish'],
] as const;

test('fish completes commands, options, values and management commands', async (t) => {
  const fish = requireTool(t, 'fish');
  if (fish === undefined) return;
  const home = folder(t);
  const file = join(home, 'switchyard.fish');
  writeFileSync(file, (await runCli(['completion', 'fish'])).out);
  const script = `source ${file}\n${COMPLETED.map(([line]) => `complete -C '${line}'; echo ==`).join('\n')}`;
  const { stdout, stderr } = spawnSync(fish, ['--no-config', '-c', script], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home },
  });
  assert.equal(stderr, '');
  const found = stdout.split('==\n').map((each) => each.split(/[\t\n]/, 1)[0]);
  assert.deepEqual(
    found.slice(0, COMPLETED.length),
    COMPLETED.map(([, word]) => word),
  );
});

test('zsh completes commands, options, values and management commands', async (t) => {
  const zsh = requireTool(t, 'zsh');
  if (zsh === undefined) return;
  const home = folder(t);
  writeFileSync(join(home, '_switchyard'), (await runCli(['completion', 'zsh'])).out);
  // A separate shell on a terminal: the test sends keys and reads the output. Control-G prints the line.
  const init = [
    'PS1=',
    `fpath=(${home} $fpath)`,
    `autoload -Uz compinit; compinit -u -d ${home}/dump`,
    'mark() { print -r -- "<$BUFFER>" }',
    "zle -N mark; bindkey '^G' mark",
    "print rea'dy'",
  ];
  writeFileSync(join(home, 'init'), `${init.join('\n')}\n`);
  const script = [
    'zmodload zsh/zpty',
    'zpty z zsh -f -i',
    'show() { zpty -r -m z got "*$1*"; print -r -- "$got" }',
    `zpty -w z 'source ${home}/init'`,
    'show ready > /dev/null',
    ...COMPLETED.map(([line]) => `zpty -n -w z '${line}'$'\\t\\a'; show '<*>'; zpty -n -w z $'\\x15'`),
    'zpty -d z',
  ].join('\n');
  const { stdout } = spawnSync(zsh, ['-f', '-c', script], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { PATH: process.env['PATH'], HOME: home, TERM: 'dumb' },
  });
  const buffers = [...stdout.matchAll(/<(switchyard [^>]*)>/g)].map(([, buffer = '']) => buffer.trim());
  assert.deepEqual(
    buffers,
    COMPLETED.map(([line, word]) => line.replace(/\S+$/, word)),
  );
});

test('the scripts of zsh and fish name every command and option', async () => {
  const zsh = (await runCli(['completion', 'zsh'])).out;
  const fish = (await runCli(['completion', 'fish'])).out;
  for (const { name, options = {} } of await loadCommands()) {
    assert.ok(zsh.includes(`'${name}:`), name);
    assert.match(fish, new RegExp(`-f -a ${name} -d`));
    for (const option of Object.keys(options)) {
      assert.ok(zsh.includes(`'--${option}[`), option);
      assert.ok(fish.includes(`-l ${option} `), option);
    }
  }
  // An unclosed quotation mark would include the rest of the file.
  for (const script of [zsh, fish]) assert.equal((script.replaceAll("'\\''", '').match(/'/g) ?? []).length % 2, 0);
});

test('an unknown shell is refused with the name of the nearest one', async () => {
  const { status, err } = await runCli(['completion', 'bas']);
  assert.equal(status, 2);
  assert.match(err, /expected one of bash, zsh, fish, not "bas" \(did you mean "bash"\?\)/);
});

test('the manual page has every command, and man takes it without a warning', async (t) => {
  const { out } = await runCli(['man']);
  for (const name of commandNames()) assert.ok(out.includes(`.SS "switchyard ${name}"`), name);
  const file = join(folder(t), 'switchyard.8');
  writeFileSync(file, out);
  const { status, stdout, stderr, error } = spawnSync('man', ['--warnings', '-l', '-P', 'cat', file], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8' },
  });
  if (error !== undefined || /minimized/.test(stdout)) return t.skip('man is not installed');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /SWITCHYARD\(8\)/);
  assert.match(stdout, /--strict/);
});
