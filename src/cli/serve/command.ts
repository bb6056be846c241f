import { DEFINE, DIALECT_NAMES, RUNTIME_DIR } from '../check/cfg-options.js';
import { CONFIG, choice, defineCommand, text } from '../line/command.js';

/** "switchyard serve". */
export const serve = defineCommand({
  name: 'serve',
  group: 'daemon',
  summary: 'run the daemon',
  description: `
Runs the daemon until SIGTERM or SIGINT. At the first signal it lets calls in progress finish, writes states and delivers events;
at a second one it ends at once. On SIGHUP it reads the settings again; if anything in them is wrong, all old settings stay in
force. Log lines are written to standard error as JSON.

With --cfg an opensips.cfg or kamailio.cfg is the configuration: its script routes requests, and its parameters take the place of
settings. A switchyard.json in the same folder, or the file of --config, adds what such files do not have (NATS, access, console,
limits).`,
  options: {
    config: CONFIG,
    cfg: text('FILE', 'An opensips.cfg or a kamailio.cfg to run.'),
    dialect: choice('NAME', DIALECT_NAMES, 'Language of the cfg file, if it cannot be detected.'),
    define: DEFINE,
    'runtime-dir': RUNTIME_DIR,
  },
  examples: [
    ['with ./switchyard.json, or the built-in defaults', 'switchyard serve'],
    ['with an opensips.cfg or kamailio.cfg', 'switchyard serve --cfg /etc/opensips/opensips.cfg'],
    ['with the settings of a system', 'switchyard serve --config /etc/switchyard/switchyard.json'],
  ],
  run: async ({ options, io }) => (await import('./serve.js')).serve(options, io),
});
