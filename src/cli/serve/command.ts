import { DEFINE, DIALECT_NAMES, RUNTIME_DIR } from '../check/cfg-options.js';
import { CONFIG, choice, defineCommand, text } from '../line/command.js';

/** "switchyard serve". */
export const serve = defineCommand({
  name: 'serve',
  group: 'daemon',
  summary: 'run the daemon',
  description: `
Runs the daemon until SIGTERM or SIGINT. The first signal lets calls under way finish, writes states and delivers events; a
second one ends the daemon at once. SIGHUP reads the settings again: they are taken whole, or refused whole while the old ones
stay in force. Log lines go to standard error as JSON.

With --cfg the file is an opensips.cfg or a kamailio.cfg, and it is the configuration: its script routes, its parameters set the rest.
A switchyard.json beside it, or the one of --config, adds what such files cannot say (NATS, access, console, limits).`,
  options: {
    config: CONFIG,
    cfg: text('FILE', 'An opensips.cfg or a kamailio.cfg to run.'),
    dialect: choice('NAME', DIALECT_NAMES, 'Whose file it is, where it cannot be detected.'),
    define: DEFINE,
    'runtime-dir': RUNTIME_DIR,
  },
  examples: [
    ['with ./switchyard.json, or the built-in defaults', 'switchyard serve'],
    ['with the file of an OpenSIPS or a Kamailio', 'switchyard serve --cfg /etc/opensips/opensips.cfg'],
    ['with the settings of a system', 'switchyard serve --config /etc/switchyard/switchyard.json'],
  ],
  run: async ({ options, io }) => (await import('./serve.js')).serve(options, io),
});
