import { Worker } from 'node:worker_threads';

export interface Flood {
  /** Source address. */
  readonly from: string;
  readonly port: number;
  readonly count: number;
  /** Request-URIs, used by round robin. */
  readonly uris: readonly string[];
  readonly methods: readonly string[];
}

/** Number of replies by status. */
export type FloodResult = Readonly<Record<string, number>>;

/** In a separate thread, so that it slows down only the target. */
const SCRIPT = `
const { parentPort, workerData: flood } = require('node:worker_threads');
const socket = require('node:dgram').createSocket({ type: 'udp4', recvBufferSize: 8 << 20, sendBufferSize: 8 << 20 });
const statuses = {};
let last = Date.now();
socket.on('error', () => {});
socket.on('message', (data) => {
  const status = data.toString('latin1', 8, 11);
  statuses[status] = (statuses[status] ?? 0) + 1;
  last = Date.now();
});
let sent = 0;
function batch() {
  for (let i = 0; i < 100 && sent < flood.count; i++, sent++) {
    const method = flood.methods[sent % flood.methods.length];
    const uri = flood.uris[sent % flood.uris.length];
    socket.send(
      method + ' ' + uri + ' SIP/2.0\\r\\nVia: SIP/2.0/UDP ' + flood.from + ':' + socket.address().port +
        ';rport;branch=z9hG4bKflood' + sent + '\\r\\nMax-Forwards: 70\\r\\nFrom: <sip:f@' + flood.from + '>;tag=' + sent +
        '\\r\\nTo: <' + uri + '>\\r\\nCall-ID: flood' + sent + '@' + flood.from + '\\r\\nCSeq: 1 ' + method +
        '\\r\\nContact: <sip:f@' + flood.from + '>\\r\\nContent-Length: 0\\r\\n\\r\\n',
      flood.port, '127.0.0.1');
  }
  last = Date.now();
  if (sent < flood.count) setTimeout(batch, 2);
}
socket.bind(0, flood.from, batch);
const timer = setInterval(() => {
  if (sent < flood.count || Date.now() - last < 500) return;
  clearInterval(timer);
  socket.close();
  parentPort.postMessage(statuses);
}, 50);
`;

/** Floods a target with requests and waits until no more replies come. */
export function flood(options: Flood): Promise<FloodResult> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(SCRIPT, { eval: true, workerData: options });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}
