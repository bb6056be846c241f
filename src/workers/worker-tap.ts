import type { SipMessage } from '../sip/message.js';
import { ForwardingReceiver } from '../sip/transport/forwarding-receiver.js';
import { type MessageTap, TapPoint } from '../sip/transport/tap.js';
import type { Receiver, SipSocket, Source } from '../sip/transport/transport.js';
import type { FromWorker } from './protocol.js';
import type { ToBrain } from './to-brain.js';

/** A message that was received or sent. */
type Seen = Extract<FromWorker, readonly ['seen', ...unknown[]]>;

/**
 * While messages are traced, reports to the brain the messages that this worker receives and sends for what it keeps
 * itself: dialogs of its script, and transactions that began earlier. A message that is passed on is reported by the
 * process that gets it.
 */
export class WorkerTap extends ForwardingReceiver implements MessageTap {
  private readonly point: TapPoint;
  /** Whether the message being received was passed to another process. */
  private wentOn = false;
  /** What was sent while a message was being received. */
  private sending: Seen[] | undefined = undefined;

  constructor(
    receiver: Receiver,
    private readonly brain: Pick<ToBrain, 'hand' | 'described' | 'sockets'>,
  ) {
    super(receiver);
    this.point = new TapPoint(this);
  }

  /** Sets the sockets of this process; called once, before `trace`. */
  watch(sockets: readonly SipSocket[]): void {
    this.point.watch(sockets);
  }

  /** Whether messages are traced from now on. */
  trace(isTraced: boolean): void {
    this.point.use(isTraced ? this : undefined);
  }

  /** The message being received is passed to another process, or the brain is asked about it. */
  passed(): void {
    this.wentOn = true;
  }

  received(): void {
    // Whether the message stays here is known only when it has been handled.
  }

  sent(text: string, socket: SipSocket, address: string, port: number): void {
    const seen: Seen = ['seen', true, this.brain.sockets.indexOf(socket), address, port, text];
    if (this.sending === undefined) this.brain.hand(seen);
    else this.sending.push(seen);
  }

  parse(text: string): SipMessage | undefined {
    return this.receiver.parse?.(text);
  }

  receive(text: string, source: Source, parsed?: SipMessage): void {
    if (!this.point.isTapped) {
      this.receiver.receive(text, source, parsed);
      return;
    }
    const sending: Seen[] = [];
    this.sending = sending;
    this.wentOn = false;
    this.receiver.receive(text, source, parsed);
    this.sending = undefined;
    if (!this.wentOn) this.brain.hand(['seen', false, ...this.brain.described(source, text)]);
    for (const each of sending) this.brain.hand(each);
  }
}
