import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard trace". */
export const trace = defineCommand({
  name: 'trace',
  group: 'operate',
  summary: 'show the messages of chosen calls',
  description: `
Makes a running daemon keep the messages of the calls that match a filter. When the trace reaches a limit or is interrupted, each
call is shown as a ladder diagram. With --pcap the messages are written to a file that Wireshark and sngrep open.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: of the configuration.'),
    'call-id': text('ID', 'The call with this Call-ID.'),
    from: text('TEXT', 'Calls whose From URI contains this.'),
    'to-uri': text('TEXT', 'Calls whose To URI or request-URI contains this.'),
    source: text('ADDRESS', 'Calls from this address.'),
    partition: text('P', 'Calls dispatched to this partition.'),
    'one-in': whole('N', 'One call in N, chosen by its Call-ID.', 1),
    seconds: whole('S', 'At most this many seconds. Default 300.', 1, 3600),
    calls: whole('N', 'At most this many calls. Default 1000.', 1, 10_000),
    messages: whole('N', 'At most this many messages. Default 10000.', 1, 100_000),
    'no-bodies': flag('Leave out the bodies of messages.'),
    pcap: text('FILE', 'Write the messages to a capture file instead of showing a ladder diagram.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['the next calls of a number', 'switchyard trace --from 4930123456 --calls 1 --seconds 60'],
    ['a capture file for Wireshark', 'switchyard trace --partition acme --one-in 100 --pcap acme.pcap'],
  ],
  run: async ({ options, io }) => (await import('./trace.js')).trace(options, io),
});
