import { CONFIG, defineCommand, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard mi". */
export const mi = defineCommand({
  name: 'mi',
  group: 'operate',
  summary: 'run a management command on a running daemon',
  description: `
Runs a management (MI) command on a running daemon. Without --to, the endpoint is the first one in the configuration: FIFO,
datagram socket or HTTP.`,
  arguments: [
    { name: 'COMMAND', description: 'Name of the management command, as in ds_list.' },
    {
      name: 'PARAMETER',
      optional: true,
      rest: true,
      description: 'All parameters by name (name=value), or all in their order.',
    },
  ],
  options: {
    config: CONFIG,
    to: text('TARGET', 'Endpoint: fifo:PATH, udp:HOST:PORT, unix:PATH or http://HOST:PORT/mi.'),
    timeout: whole('MS', 'Milliseconds to wait for the answer. Default: 5000.', 1, 86_400_000),
    'reply-dir': text(
      'DIR',
      'Folder in which the daemon looks for reply FIFOs. Default: that of the configuration, or /tmp.',
    ),
    json: JSON_OUTPUT,
  },
  passThrough: true,
  examples: [
    ['all destinations with their states', 'switchyard mi ds_list'],
    [
      'take a destination out of service',
      'switchyard mi --to udp:127.0.0.1:8080 ds_set_state state=i group=acme:1 address=sip:10.0.0.2:5060',
    ],
    ['read the table of a partition again', 'switchyard mi --to fifo:/run/switchyard/mi ds_reload partition=acme'],
  ],
  run: async ({ options, args, io }) => (await import('./mi.js')).mi(options, args, io),
});
