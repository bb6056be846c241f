import { CONFIG, defineCommand, JSON_OUTPUT } from '../line/command.js';

export const check = defineCommand({
  name: 'check',
  group: 'data',
  summary: 'validate settings, partitions, databases and tables',
  description: `
Validates settings and partitions, and asks each database for its table and version. Starts nothing and changes nothing. Every
problem is listed at once, as FILE#/POINTER: REASON.`,
  options: { config: CONFIG, json: JSON_OUTPUT },
  examples: [['check the settings of a system', 'switchyard check --config /etc/switchyard/switchyard.json']],
  run: async ({ options, io }) => (await import('./check.js')).check(options, io),
});
