/**
 * The floor under every proxy written for Node: receives and sends the datagrams of a call and looks at nothing but where
 * the first line says they go. No parsing, no transaction, no state. Run as `floor.ts PORT FIRST SECOND`: listens on
 * 127.0.0.1:PORT, spreads new calls over the two destination ports in turn, and sends answers back to the caller seen last.
 *
 * A call is thirteen datagrams, seven of them sent: the 100 that a stateful proxy owes the caller is sent here too.
 */
import { createSocket } from 'node:dgram';

const [port = 0, first = 0, second = 0] = process.argv.slice(2).map(Number);
const TRYING = Buffer.from('SIP/2.0 100 Trying\r\n');
const [S, I, LF] = [0x53, 0x49, 0x0a];

// For addresses that are literals the lookup is answered on the spot: otherwise each send waits for an event loop iteration.
const socket = createSocket({
  type: 'udp4',
  recvBufferSize: 4 << 20,
  sendBufferSize: 4 << 20,
  lookup: (host, _options, done) => done(null, host, 4),
});
const destinations = [first, second];
let next = 0;
let caller = 0;

socket.on('message', (data, from) => {
  if (data[0] === S) {
    socket.send(data, caller, '127.0.0.1');
    return;
  }
  caller = from.port;
  if (data[0] === I) {
    next ^= 1;
    socket.send(Buffer.concat([TRYING, data.subarray(data.indexOf(LF) + 1)]), caller, '127.0.0.1');
    socket.send(data, destinations[next] as number, '127.0.0.1');
    return;
  }
  // ACK and BYE name the destination in their first line; its port stands before the parameters or the version.
  const line = data.toString('latin1', 0, data.indexOf(LF));
  socket.send(data, line.includes(`:${first}`) ? first : second, '127.0.0.1');
});
socket.bind(port, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
