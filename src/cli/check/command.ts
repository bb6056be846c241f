import { CONFIG, defineCommand, flag, JSON_OUTPUT } from '../line/command.js';

export const check = defineCommand({
  name: 'check',
  group: 'data',
  summary: 'validate settings, partitions, databases and tables',
  description: `
Validates settings and partitions, reads each table with the loader of the daemon, and lists everything at once, as
FILE#/POINTER: REASON. Starts nothing and changes nothing.

Errors keep the daemon or a whole partition from working: settings that are refused, an address this machine does not have, a
database that cannot be read, an algorithm that does not exist. Warnings are what makes calls fail, or does nothing, while the
daemon works: rows that would be discarded, a rule whose set has no destination, a rule that is never reached, a table that may
not be written. The exit status is 1 for errors, and with --strict for warnings too.`,
  options: {
    config: CONFIG,
    strict: flag('Fail on warnings too.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['check the settings of a system', 'switchyard check --config /etc/switchyard/switchyard.json'],
    ['before a deployment, in a script', 'switchyard check --strict --json --config staging.json | jq .summary'],
  ],
  run: async ({ options, io }) => (await import('./check.js')).check(options, io),
});
