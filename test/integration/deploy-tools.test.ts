import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findProgram, PROGRAMS } from '../support/servers/programs.js';

const DEPLOY = resolve(import.meta.dirname, '../../examples/deploy');

/** Output of a tool, which must end with status 0. */
function passes(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 });
  assert.equal(status, 0, `${program} ${args.join(' ')}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

const without = (key: 'promtool' | 'compose') =>
  findProgram(key) === undefined ? `${PROGRAMS[key].name} is not installed` : false;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'switchyard-deploy-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

test('promtool accepts the alerts, and each alert with a test fires on its metrics', {
  skip: without('promtool'),
}, (t) => {
  const promtool = findProgram('promtool') ?? '';
  const rules = join(DEPLOY, 'prometheus-alerts.yml');
  const source = readFileSync(rules, 'utf8');
  const count = [...source.matchAll(/^ +- alert: /gm)].length;
  assert.match(passes(promtool, ['check', 'rules', rules]), new RegExp(`SUCCESS: ${count} rules found`));

  const destination = 'instance="a", partition="acme", set="1", destination="sip:192.0.2.1"';
  const series = (name: string, labels: string, values: string) => ({ series: `${name}{${labels}}`, values });
  const alert = (alertname: string, labels: Readonly<Record<string, string>>, annotations: object) => ({
    eval_time: '15m',
    alertname,
    exp_alerts: [{ exp_labels: labels, exp_annotations: annotations }],
  });
  const tests = {
    rule_files: [rules],
    evaluation_interval: '30s',
    tests: [
      {
        interval: '30s',
        input_series: [
          series('up', 'job="switchyard", instance="a"', '0x40'),
          series('switchyard_destinations', 'instance="a", partition="acme", set="1", state="active"', '0x40'),
          series('switchyard_partition_ready', 'instance="a", partition="acme"', '1x40'),
          series('switchyard_destination_replies_total', `${destination}, class="5xx"`, '0+3x40'),
          series('switchyard_destination_replies_total', `${destination}, class="2xx"`, '0+9x40'),
          series('switchyard_settings_reload_success', 'instance="a"', '0x40'),
        ],
        alert_rule_test: [
          alert(
            'SwitchyardDown',
            { severity: 'critical', job: 'switchyard', instance: 'a' },
            { summary: 'switchyard on a does not answer' },
          ),
          alert(
            'SwitchyardSetWithoutDestinations',
            { severity: 'critical', instance: 'a', partition: 'acme', set: '1' },
            { summary: 'set 1 of acme has no active destination' },
          ),
          alert(
            'SwitchyardDestinationRefuses',
            { severity: 'warning', instance: 'a', partition: 'acme', set: '1', destination: 'sip:192.0.2.1' },
            { summary: '25% of the requests to sip:192.0.2.1 (acme) fail' },
          ),
          alert(
            'SwitchyardSettingsRefused',
            { severity: 'warning', instance: 'a' },
            { summary: 'the settings of a were refused; the old ones are in force, the log says why' },
          ),
          { eval_time: '15m', alertname: 'SwitchyardPartitionNotLoaded', exp_alerts: [] },
        ],
      },
    ],
  };
  // JSON is valid YAML.
  const file = join(folder(t), 'alerts-test.yml');
  writeFileSync(file, JSON.stringify(tests));
  assert.match(passes(promtool, ['test', 'rules', file]), /SUCCESS/);
});

const analyze = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
const version = Number(/^systemd ([0-9]+)/.exec(analyze.stdout ?? '')?.[1] ?? 0);

test('systemd accepts the unit, and rates its exposure below 2 of 10', {
  // Older versions cannot analyse a file that is not installed.
  skip: version < 250 ? 'systemd-analyze 250 or newer is not installed' : false,
}, (t) => {
  // The unit names Node of the Debian package, which may differ from the one that runs the tests.
  const unit = join(folder(t), 'switchyard.service');
  const source = readFileSync(join(DEPLOY, 'switchyard.service'), 'utf8');
  writeFileSync(unit, source.replaceAll('/usr/bin/node', process.execPath));
  assert.equal(passes('systemd-analyze', ['verify', '--man=no', unit]), '');
  passes('systemd-analyze', ['security', '--offline=true', '--threshold=20', '--no-pager', unit]);
});

for (const file of ['compose/compose.yml', 'cluster/compose.yaml']) {
  test(`docker-compose accepts ${file}, and fills in its variables`, { skip: without('compose') }, () => {
    const printed = passes(findProgram('compose') ?? '', ['-f', join(DEPLOY, file), 'config']);
    assert.match(printed, /NATS_TOKEN: switchyard/);
    assert.doesNotMatch(printed, /\$\{/);
  });
}
