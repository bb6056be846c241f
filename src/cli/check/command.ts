import { CONFIG, defineCommand, flag, JSON_OUTPUT } from '../line/command.js';
import { CFG_OPTIONS, RUNTIME_DIR } from './cfg-options.js';

/** "switchyard check". */
export const check = defineCommand({
  name: 'check',
  group: 'data',
  summary: 'validate settings, partitions, databases, tables, or a cfg file',
  description: `
Validates settings and partitions, reads each table as the daemon would, and lists all problems at once, each as
FILE#/POINTER: REASON. It starts nothing and changes nothing.

Errors keep the daemon or a whole partition from working: settings that are refused, an address this machine does not have, a
database that cannot be read, an algorithm that does not exist. Warnings are about calls that would fail, or settings that have
no effect: rows that would be discarded, a rule whose set has no destination, a rule that is never reached, a table that cannot
be written. The exit status is 1 for errors, and with --strict for warnings too.

With --cfg it checks an opensips.cfg or kamailio.cfg instead. It lists what has no effect here, what is unknown and what is
wrong, each with its line, and gives a verdict: runs whole, runs without (with what is missing), or cannot run. The exit status
is 0 for a file that runs whole.`,
  options: {
    config: CONFIG,
    strict: flag('Fail on warnings too.'),
    json: JSON_OUTPUT,
    ...CFG_OPTIONS,
    'runtime-dir': RUNTIME_DIR,
    all: flag('With --cfg: list what is supported too.'),
  },
  examples: [
    ['check the settings of a system', 'switchyard check --config /etc/switchyard/switchyard.json'],
    ['whether a cfg file runs as it is', 'switchyard check --cfg /etc/kamailio/kamailio.cfg'],
    ['before a deployment, in a script', 'switchyard check --strict --json --config staging.json | jq .summary'],
  ],
  run: async ({ options, io }) => {
    const { cfg, define, 'runtime-dir': runtimeFolder, ...more } = options;
    if (cfg === undefined) return (await import('./check.js')).check(options, io);
    return (await import('./cfg.js')).checkCfg({ ...more, cfg, defines: define, runtimeFolder }, io);
  },
});
