import { type Rights, sees } from '../../access/rights.js';
import { messageOf } from '../../core/errors.js';
import type { EventEntry, EventList } from './wire.js';

/** Events in one answer. */
const PAGE = 100;
/** Events kept in memory. */
const KEPT = 1000;
/** Maximum number of running and waiting requests to read the stream. */
const MAX_READINGS = 8;

/** Reads stored events, newest first. Rejects with the reason in words. */
export type OlderEvents = (query: {
  readonly before: number | undefined;
  readonly limit: number;
  readonly partition: string | undefined;
  readonly wants: (event: EventEntry) => boolean;
}) => Promise<{ readonly events: readonly { readonly event: EventEntry }[]; readonly before: number | undefined }>;

/** Past events: the last ones of this process, and with a stream all that are stored. */
export class PastEvents {
  private readonly kept: EventEntry[] = [];
  /** Number of the next event. */
  private next = 1;
  private readings = 0;
  private last: Promise<unknown> = Promise.resolve();

  /** @param older undefined: no stream keeps events */
  constructor(private readonly older: OlderEvents | undefined) {}

  /** Adds an event; the oldest of this process may be dropped. */
  add(event: EventEntry): void {
    this.next++;
    this.kept.push(event);
    if (this.kept.length > KEPT) this.kept.shift();
  }

  /**
   * A page of the events that a user may see. When the stream cannot be read, the first page is from memory, with the
   * reason; further pages reject with it.
   */
  async page(rights: Rights, before: number | undefined): Promise<EventList> {
    const { older } = this;
    const wants = (event: EventEntry) => isVisible(rights, event);
    if (older === undefined) return this.remembered(wants, before);
    try {
      return await this.stored(older, rights, wants, before);
    } catch (error) {
      if (before !== undefined) throw error;
      // Events in memory have other numbers than those in the stream, so there is no next page.
      const { from, events } = this.remembered(wants);
      return { from, events, problem: messageOf(error) };
    }
  }

  private async stored(
    older: OlderEvents,
    rights: Rights,
    wants: (event: EventEntry) => boolean,
    before: number | undefined,
  ): Promise<EventList> {
    if (this.readings >= MAX_READINGS) throw new Error('too many clients read the stream at once: try again');
    this.readings++;
    const [only, ...more] = rights.partitions ?? [];
    const partition = more.length === 0 ? only : undefined;
    const work = this.last.then(() => older({ before, limit: PAGE, partition, wants }));
    this.last = work.catch(() => {});
    try {
      const { events, before: rest } = await work;
      const list = events.map(({ event: { name, params } }) => ({ name, params }));
      return { from: 'stream', events: list, ...(rest === undefined ? {} : { before: rest }) };
    } finally {
      this.readings--;
    }
  }

  private remembered(wants: (event: EventEntry) => boolean, before = this.next): EventList {
    const { kept } = this;
    const first = this.next - kept.length;
    const events: EventEntry[] = [];
    let number = Math.min(before, this.next) - 1;
    for (; number >= first && events.length < PAGE; number--) {
      const event = kept[number - first];
      if (event !== undefined && wants(event)) events.push(event);
    }
    return { from: 'memory', events, ...(number >= first ? { before: number + 1 } : {}) };
  }
}

function isVisible(rights: Rights, { params }: EventEntry): boolean {
  const { partition } = params;
  return typeof partition === 'string' ? sees(rights, partition) : rights.partitions === undefined;
}
