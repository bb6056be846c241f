import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../support/ports.js';
import { until } from '../support/until.js';

const ROOT = resolve(import.meta.dirname, '../..');
const BUILD = join(ROOT, 'examples/deploy/debian/build.sh');

const onDebian = existsSync('/etc/debian_version') && process.getuid?.() === 0;
// A package that was purged is still known, as not installed.
// biome-ignore lint/suspicious/noTemplateCurlyInString: a field of dpkg-query
const installed = spawnSync('dpkg-query', ['-W', '-f', '${db:Status-Status}', 'switchyard'], { encoding: 'utf8' });
const skip = !onDebian
  ? 'needs Debian and root'
  : /^(?!not-)./.test(installed.stdout ?? '')
    ? 'switchyard is installed here'
    : false;

const run = (command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEB_LEVEL: '1' },
  });

test('the Debian package is built, installed, serves as its user, and leaves nothing when it is purged', {
  skip,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-deb-'));
  t.after(() => {
    spawnSync('dpkg', ['--purge', 'switchyard']);
    rmSync(folder, { recursive: true, force: true });
  });
  run(BUILD, folder);
  const [deb = ''] = readdirSync(folder);
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  assert.match(deb, new RegExp(`^switchyard_${version.replaceAll('.', '\\.')}_[a-z0-9]+\\.deb$`));
  const listed = run('dpkg-deb', '--contents', join(folder, deb));
  assert.doesNotMatch(listed, / (?!root\/root)[a-z]+\/[a-z]+ +[0-9]+ /);
  for (const path of [
    'usr/bin/switchyard',
    'usr/share/man/man8/switchyard.8.gz',
    'usr/share/bash-completion/completions/switchyard',
    'usr/share/zsh/vendor-completions/_switchyard',
    'usr/share/fish/vendor_completions.d/switchyard.fish',
    'lib/systemd/system/switchyard.service',
    'etc/switchyard/switchyard.json',
    'usr/share/doc/switchyard/changelog.gz',
  ]) {
    assert.ok(listed.includes(` ./${path}\n`), path);
  }

  // Node comes from this machine, perhaps not from a package; the dependency is checked in the control file.
  run('dpkg', '--install', '--force-depends', join(folder, deb));
  assert.match(run('dpkg-deb', '--field', join(folder, deb), 'Depends'), /nodejs \(>= 20\.19\)/);
  assert.equal(run('switchyard', '--version').split('\n')[0], `switchyard ${version}`);
  assert.match(run('getent', 'passwd', 'switchyard'), /:\/var\/lib\/switchyard:\/usr\/sbin\/nologin$/m);
  assert.equal(run('stat', '-c', '%U %G %a', '/etc/switchyard/switchyard.json').trim(), 'root switchyard 640');
  assert.equal(run('stat', '-c', '%U %a', '/var/lib/switchyard').trim(), 'switchyard 750');
  const unit = readFileSync('/lib/systemd/system/switchyard.service', 'utf8');
  assert.match(unit, /^ExecStart=\/usr\/bin\/switchyard serve --config \/etc\/switchyard\/switchyard\.json$/m);
  assert.match(unit, /^ExecReload=\/usr\/bin\/switchyard reload /m);
  assert.doesNotMatch(unit, /ExecStartPre/);

  // As in the unit: the user, the folders, the settings; only the ports differ.
  const [sip, http] = [await freePort(), await freePort()];
  const config = '/etc/switchyard/switchyard.json';
  const settings = readFileSync(config, 'utf8')
    .replaceAll('127.0.0.1:5060', `127.0.0.1:${sip}`)
    .replace('127.0.0.1:8085', `127.0.0.1:${http}`);
  writeFileSync(config, settings);
  run('install', '-d', '-o', 'switchyard', '-m', '750', '/run/switchyard');
  const as = ['--reuid', 'switchyard', '--regid', 'switchyard', '--clear-groups'];
  run('setpriv', ...as, 'switchyard', 'db', 'init', '--config', config);
  const daemon = spawn('setpriv', [...as, 'switchyard', 'serve', '--config', config], {
    cwd: '/var/lib/switchyard',
    stdio: 'ignore',
  });
  const ended = new Promise((done) => daemon.once('exit', done));
  try {
    let answer = '';
    await until('the daemon answers', () => {
      const asked = spawnSync('switchyard', ['mi', '--config', config, '--json', 'version'], { encoding: 'utf8' });
      answer = asked.stdout;
      return asked.status === 0;
    });
    assert.match(answer, /switchyard/i);
    assert.equal(spawnSync('switchyard', ['reload', '--config', config], { encoding: 'utf8' }).status, 0);
  } finally {
    daemon.kill('SIGTERM');
    await ended;
  }

  run('dpkg', '--purge', 'switchyard');
  for (const path of [
    '/usr/lib/switchyard',
    '/usr/bin/switchyard',
    '/etc/switchyard',
    '/var/lib/switchyard',
    '/lib/systemd/system/switchyard.service',
  ]) {
    assert.ok(!existsSync(path), path);
  }
  assert.equal(spawnSync('getent', ['passwd', 'switchyard']).status, 2);
  rmSync('/run/switchyard', { recursive: true, force: true });
});
