import type { CallEntry } from '../calls/call-entry-types.js';
import type { EventParts } from './build-events.js';
import type { DaemonEnvironment } from './environment.js';

/** Publishes records on NATS, each with an ID of its own, so that one that is sent twice is stored once. */
export class RecordPublisher {
  private scriptRecords = 0;

  /** @param events called when there is something to publish */
  constructor(
    private readonly env: Pick<DaemonEnvironment, 'settings' | 'clock'>,
    private readonly events: () => EventParts,
  ) {}

  /** Publishes the record of a call that has ended. */
  readonly call = (entry: CallEntry): void => {
    const { partition = '', node, time, seq } = entry;
    this.records?.publish(partition, `${node}:${time}:${seq}`, JSON.stringify(entry));
  };

  /** Publishes a record that a script made; false where records are not published. */
  readonly ofScript = (partition: string, kind: string, text: string): boolean => {
    const { records } = this;
    if (records === undefined) return false;
    const { node } = this.env.settings();
    records.publish(partition, `${node}:${kind}:${++this.scriptRecords}:${this.env.clock.now()}`, text, kind);
    return true;
  };

  private get records() {
    return this.events().nats?.records;
  }
}
