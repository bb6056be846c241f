import { CONFIG, defineCommand } from '../line/command.js';

export const serve = defineCommand({
  name: 'serve',
  group: 'daemon',
  summary: 'run the daemon',
  description: `
Runs the daemon until SIGTERM or SIGINT. The first signal lets calls under way finish, writes states and delivers events; a
second one ends the daemon at once. SIGHUP reads the settings again: they are taken whole, or refused whole while the old ones
stay in force. Log lines go to standard error as JSON.`,
  options: { config: CONFIG },
  examples: [
    ['with ./switchyard.json, or the built-in defaults', 'switchyard serve'],
    ['with the settings of a system', 'switchyard serve --config /etc/switchyard/switchyard.json'],
  ],
  run: async ({ options, io }) => (await import('./serve.js')).serve(options, io),
});
