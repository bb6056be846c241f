import type { SipSocket, Source } from '../sip/transport/transport.js';
import type { UdpSocket } from '../sip/transport/udp.js';
import { machineMs } from './machine-time.js';
import { ItemQueue } from './outbox.js';
import type { FromWorker, HandedToBrain } from './protocol.js';
import type { RemoteSocket } from './remote-socket.js';
import { ReportRing } from './report-ring.js';
import { ReportWriter } from './report-writer.js';

const READ_REPORTS = ['read'] as const;

/**
 * Sends items to the brain, and calls `taken` when they are delivered or lost, so that the next ones can follow. Never
 * throws.
 */
export type SendToBrain = (items: readonly FromWorker[], taken: () => void) => void;

/**
 * What a worker sends to the brain: at once over the process's channel, or through shared memory, which the brain reads
 * regularly.
 */
export class ToBrain {
  /** The sockets of this process, which both sides know by position. Must be set before items refer to them. */
  sockets: readonly SipSocket[] = [];
  /** Whether calls may count as load. The end of a call that the brain decided about is then reported at once. */
  countsLoad = false;
  private readonly outbox: ItemQueue<FromWorker>;
  private readonly reports: ReportWriter;
  /** How many milliseconds the brain's clock is ahead of this process's. */
  private readonly ahead: number;
  private ids = 0;

  /** `ahead`: how many milliseconds the machine-wide clock is ahead of the brain's. */
  constructor(memory: ArrayBufferLike, worker: number, ahead: number, send: SendToBrain) {
    const outbox = (this.outbox = new ItemQueue(send));
    this.reports = new ReportWriter(
      new ReportRing(memory, worker),
      () => outbox.add(READ_REPORTS),
      (item) => outbox.add(item),
    );
    this.ahead = machineMs() - performance.now() - ahead;
  }

  /** Whether the brain is so far behind that no further call should be reported. */
  get isBehind(): boolean {
    return this.reports.isBehind;
  }

  /** A new number for a request, used by both sides. */
  nextId(): number {
    return ++this.ids;
  }

  /** Sends an item that the brain must get now. */
  add(item: FromWorker): void {
    this.outbox.add(item);
  }

  /**
   * Queues a message for the brain; false when too much is waiting: the message is then dropped, as a datagram may be.
   */
  hand(item: HandedToBrain): boolean {
    const text = item[item.length - 1] as string;
    return this.outbox.addMessage(item, text.length);
  }

  /** Sends an item that can wait. */
  addLater(item: FromWorker): void {
    this.reports.add(item);
  }

  /** Sends the end of a call that the brain decided about; where calls count as load it cannot wait. */
  addEnd(item: FromWorker): void {
    this.reports.add(item);
    if (this.countsLoad) this.outbox.add(READ_REPORTS);
  }

  /** Makes the brain read the shared counters with the reports, even where no report is waiting. */
  remind(): void {
    this.reports.remind();
  }

  /** Sends all queued items at once. */
  flush(): void {
    this.outbox.flush();
  }

  /** Monotonic milliseconds of the brain's clock. */
  time(): number {
    return performance.now() + this.ahead;
  }

  /** The same, rounded to a tenth of a millisecond, which is how items state times. */
  now(): number {
    return Math.round(this.time() * 10) / 10;
  }

  /** A received message as items describe it: position of the socket, address, port and text. */
  described({ socket, address, port }: Source, text: string): [number, string, number, string] {
    return [this.sockets.indexOf(socket), address, port, text];
  }

  /** The source that such an item describes; undefined when there is no such socket. */
  sourceOf(socket: number, address: string, port: number): Source | undefined {
    return (this.sockets[socket] as UdpSocket | RemoteSocket | undefined)?.sourceOf(address, port);
  }
}
