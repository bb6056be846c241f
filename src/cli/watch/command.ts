import { CONFIG, defineCommand, JSON_OUTPUT, text } from '../line/command.js';

/** "switchyard watch". */
export const watch = defineCommand({
  name: 'watch',
  group: 'operate',
  summary: 'print status events as they happen',
  description: `
Prints status events, one a line, until interrupted. They come from the NATS server of the configuration, or from the one that
--nats names. With --to, the daemon at that management endpoint sends them to this process.`,
  options: {
    config: CONFIG,
    nats: text('URL', 'NATS server, as in nats://127.0.0.1:4222.'),
    to: text('TARGET', 'Management endpoint of a daemon (see mi).'),
    partition: text('P', 'Events of this partition only.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['from NATS', 'switchyard watch --nats nats://127.0.0.1:4222'],
    ['from a daemon without NATS', 'switchyard watch --to udp:127.0.0.1:8080 --json'],
  ],
  run: async ({ options, io }) => (await import('./watch.js')).watch(options, io),
});
