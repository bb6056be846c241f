/**
 * The lower bound for a proxy in Node: receives and sends the datagrams of a call and reads only the target in the
 * first line. No parsing, no transaction, no state. Run as `floor.ts PORT FIRST SECOND`: listens on 127.0.0.1:PORT,
 * distributes new calls over the two destination ports by round robin, and sends replies to the caller that was seen
 * last.  A call has thirteen datagrams, seven of them sent; the 100 that a stateful proxy sends to the caller is
 * included.
 */
import { createSocket } from 'node:dgram';

const [port = 0, first = 0, second = 0] = process.argv.slice(2).map(Number);
const TRYING = Buffer.from('SIP/2.0 100 Trying\r\n');
const [S, I, LF] = [0x53, 0x49, 0x0a];

// The lookup of an address literal is answered synchronously; otherwise each send would wait for an event loop
// iteration.
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
  // ACK and BYE contain the destination in the request-URI; its port is followed by the parameters or the version.
  const line = data.toString('latin1', 0, data.indexOf(LF));
  socket.send(data, line.includes(`:${first}`) ? first : second, '127.0.0.1');
});
socket.bind(port, '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
