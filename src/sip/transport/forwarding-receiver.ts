import type { SipMessage } from '../message.js';
import type { Flow, Receiver, Source } from './transport.js';

/** A receiver that passes everything on to another one; subclasses do something with the messages. */
export abstract class ForwardingReceiver implements Receiver {
  constructor(protected readonly receiver: Receiver) {}

  abstract receive(text: string, source: Source, parsed?: SipMessage): void;

  garbage(reason: string, source: Source, bytes: number): void {
    this.receiver.garbage(reason, source, bytes);
  }

  refused(head: string, code: number, reason: string, source: Source): void {
    this.receiver.refused(head, code, reason, source);
  }

  undelivered(text: string, address: string, port: number): void {
    this.receiver.undelivered(text, address, port);
  }

  connectionBroken(flow: Flow): void {
    this.receiver.connectionBroken(flow);
  }
}
