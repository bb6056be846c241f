import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { UdpSocket } from '../sip/transport/udp.js';
import { machineMs } from './machine-time.js';
import { ItemQueue } from './outbox.js';
import type { FromWorker, HandedToBrain } from './protocol.js';
import type { RemoteSocket } from './remote-socket.js';
import { ReportRing } from './report-ring.js';
import { ReportWriter } from './report-writer.js';

const BELL = ['bell'] as const;

/** Sends items to the brain, and calls `taken` when it has them or never will. Never throws. */
export type SendToBrain = (items: readonly FromWorker[], taken: () => void) => void;

/** What a worker says to the brain: at once, through the channel of the process, or when the brain looks, through memory. */
export class ToBrain {
  /** The sockets of this process, which both know by their positions. Set before anything is said of them. */
  sockets: readonly SipSocket[] = [];
  /** Whether calls count as load of their destinations: their end is then reported at once. */
  countsLoad = false;
  private readonly outbox: ItemQueue<FromWorker>;
  private readonly reports: ReportWriter;
  /** What the brain's monotonic milliseconds are ahead of those of this process. */
  private readonly ahead: number;
  private ids = 0;

  /** `ahead`: what machine-wide monotonic milliseconds are ahead of those of the brain. */
  constructor(memory: ArrayBufferLike, worker: number, ahead: number, send: SendToBrain) {
    const outbox = (this.outbox = new ItemQueue(send));
    this.reports = new ReportWriter(
      new ReportRing(memory, worker),
      () => outbox.add(BELL),
      (item) => outbox.add(item),
    );
    this.ahead = machineMs() - performance.now() - ahead;
  }

  /** Whether the brain is so far behind that no further call is to be reported. */
  get isBehind(): boolean {
    return this.reports.isBehind;
  }

  /** A number for a request, by which both know it. */
  nextId(): number {
    return ++this.ids;
  }

  /** Says something that the brain is to hear now. */
  add(item: FromWorker): void {
    this.outbox.add(item);
  }

  /** Hands on a message, which may be lost as any datagram: false when too much waits for the brain already. */
  hand(item: HandedToBrain): boolean {
    const text = item[item.length - 1] as string;
    return this.outbox.addMessage(item, text.length);
  }

  /** Says something that may wait. Where calls count as load, their end may not. */
  addLater(item: FromWorker): void {
    const { countsLoad } = this;
    // A BYE frees its destination, and means nothing else by itself.
    if (item[0] === 'bye' && !countsLoad) return;
    this.reports.add(item);
    if (countsLoad && (item[0] === 'ended' || item[0] === 'bye')) this.outbox.add(BELL);
  }

  /** Something else than a record is there to be read in memory. */
  remind(): void {
    this.reports.remind();
  }

  /** Sends at once what was said. */
  flush(): void {
    this.outbox.flush();
  }

  /** Monotonic milliseconds as the brain counts them. */
  time(): number {
    return performance.now() + this.ahead;
  }

  /** Milliseconds as the brain counts them; its items have no use for more digits. */
  now(): number {
    return Math.round(this.time() * 10) / 10;
  }

  /** A message as items name it: its socket, address, port and text. */
  cameAs({ socket, address, port }: Source, text: string): [number, string, number, string] {
    return [this.sockets.indexOf(socket), address, port, text];
  }

  /** The source that such an item names; undefined where there is no such socket. */
  sourceOf(socket: number, address: string, port: number): Source | undefined {
    return (this.sockets[socket] as UdpSocket | RemoteSocket | undefined)?.sourceOf(address, port);
  }
}
