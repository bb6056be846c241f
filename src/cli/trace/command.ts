import { CONFIG, defineCommand, flag, JSON_OUTPUT, text, whole } from '../line/command.js';

/** "switchyard trace". */
export const trace = defineCommand({
  name: 'trace',
  group: 'operate',
  summary: 'show the messages of chosen calls',
  description: `
Has a running daemon keep the messages of the calls that a filter takes, as they come and leave, and shows each call as a ladder when the
trace ends: at a bound, or when it is interrupted. With --pcap they are written to a file that Wireshark and sngrep open.`,
  options: {
    config: CONFIG,
    to: text('TARGET', 'Management endpoint of the daemon (see mi). Default: of the configuration.'),
    'call-id': text('ID', 'The call with this Call-ID.'),
    from: text('TEXT', 'Calls with this in the URI of From.'),
    'to-uri': text('TEXT', 'Calls with this in the URI of To, or in the request-URI.'),
    source: text('ADDRESS', 'Calls that come from this address.'),
    partition: text('P', 'Calls that are dispatched to this partition.'),
    'one-in': whole('N', 'One call in N, chosen by its Call-ID.', 1),
    seconds: whole('S', 'Seconds it lasts at most. Default 300.', 1, 3600),
    calls: whole('N', 'Calls at most. Default 1000.', 1, 10_000),
    messages: whole('N', 'Messages at most. Default 10000.', 1, 100_000),
    'no-bodies': flag('Leave out the bodies of messages.'),
    pcap: text('FILE', 'Write the messages to a capture file as they come, in place of a ladder.'),
    json: JSON_OUTPUT,
  },
  examples: [
    ['the next calls of a number', 'switchyard trace --from 4930123456 --calls 1 --seconds 60'],
    ['a capture file for Wireshark', 'switchyard trace --partition acme --one-in 100 --pcap acme.pcap'],
  ],
  run: async ({ options, io }) => (await import('./trace.js')).trace(options, io),
});
