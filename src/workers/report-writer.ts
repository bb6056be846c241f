import type { FromWorker } from './protocol.js';
import { FIXED, INVITE, KIND, MAX_NAMES, NOTHING, RECORD_ROUTE } from './report-kinds.js';
import { ReportRing } from './report-ring.js';

/** When so many items, or characters of them, wait for room in the ring, no further calls are reported. */
const MAX_WAITING = 20_000;
const MAX_CHARACTERS = 32 * 1024 * 1024;
/** Maximum characters of all numbered texts; beyond that the numbering restarts. */
const MAX_OF_NAMES = 1024 * 1024;
/** Milliseconds after which waiting items are tried again. */
const AGAIN_MS = 5;
/** Maximum number of texts of one record, and of characters of one text. */
const NAMES_OF_ONE = 3;
const LONGEST_NAME = 32_000;
/** There is no room for a text. */
const FULL = -2;

/**
 * Writes a worker's reports to its ring. Items without room wait, in order. Events of calls have binary records of
 * their own; all others are JSON.
 */
export class ReportWriter {
  private readonly names = new Map<string, number>();
  /** The JSON of objects that many calls share. */
  private readonly texts = new WeakMap<object, string>();
  private waiting: FromWorker[] = [];
  private characters = 0;
  private charactersOfNames = 0;
  private timer: NodeJS.Timeout | undefined = undefined;

  constructor(
    private readonly ring: ReportRing,
    /** Wakes the brain. */
    private readonly wake: () => void,
    /** Sends an item that is larger than the ring in another way. */
    private readonly otherwise: (item: FromWorker) => void,
  ) {}

  /** Whether the brain is so far behind that no further call should be reported. */
  get isBehind(): boolean {
    return this.waiting.length >= MAX_WAITING || this.characters >= MAX_CHARACTERS;
  }

  /** Writes an item, after those that wait. */
  add(item: FromWorker): void {
    if (this.waiting.length > 0 || !this.write(item)) this.wait(item);
  }

  /** Notes in the ring that an item waits outside it. */
  remind(): void {
    if (this.ring.wakes()) this.wake();
  }

  private wait(item: FromWorker): void {
    this.waiting.push(item);
    for (const each of item) if (typeof each === 'string') this.characters += each.length;
    if (this.timer !== undefined) return;
    // The brain does not read often enough: the ring is full.
    this.wake();
    this.timer = setTimeout(() => {
      this.timer = undefined;
      const { waiting } = this;
      this.waiting = [];
      this.characters = 0;
      for (const each of waiting) this.add(each);
    }, AGAIN_MS);
  }

  /** Writes an item; returns whether there was room. */
  private write(item: FromWorker): boolean {
    if (this.names.size > MAX_NAMES - NAMES_OF_ONE || this.charactersOfNames > MAX_OF_NAMES) {
      this.names.clear();
      this.charactersOfNames = 0;
    }
    switch (item[0]) {
      case 'began': {
        const [, id, at, socket, address, port, text, recordRoute, origin, invite, callId, fromTag] = item;
        const size = FIXED.began + text.length + callId.length + fromTag.length;
        if (!ReportRing.fits(size)) break;
        const from = this.nameOf(address);
        const by = from < 0 ? from : this.nameOf(this.textOf(origin));
        const to = by < 0 ? by : this.ring.begin(KIND.began, size);
        if (to < 0) return false;
        this.call(to, at, id);
        const { words, octets } = this.ring;
        words[to + 4] = socket;
        words[to + 5] = from;
        words[to + 6] = port;
        words[to + 7] = (recordRoute ? RECORD_ROUTE : 0) | (invite ? INVITE : 0);
        words[to + 8] = by;
        words[to + 9] = text.length;
        words[to + 10] = callId.length;
        words[to + 11] = fromTag.length;
        let end = 4 * to + FIXED.began;
        end += octets.write(text, end, text.length, 'latin1');
        end += octets.write(callId, end, callId.length, 'latin1');
        octets.write(fromTag, end, fromTag.length, 'latin1');
        return this.end(to, size);
      }
      case 'sent': {
        const [, id, at, [[partition, setId, position, uri], address, port, socket]] = item;
        const table = this.nameOf(partition);
        const target = table < 0 ? table : this.nameOf(uri);
        const host = target < 0 ? target : this.nameOf(address);
        const to = host < 0 ? host : this.ring.begin(KIND.sent, FIXED.sent);
        if (to < 0) return false;
        this.call(to, at, id);
        const { words } = this.ring;
        words[to + 4] = table;
        words[to + 5] = setId;
        words[to + 6] = position;
        words[to + 7] = target;
        words[to + 8] = host;
        words[to + 9] = port;
        words[to + 10] = socket;
        return this.end(to, FIXED.sent);
      }
      case 'provisional':
      case 'ended': {
        const [kind, id, at, code] = item;
        const to = this.ring.begin(KIND[kind], FIXED.ended);
        if (to < 0) return false;
        this.call(to, at, id);
        this.ring.words[to + 4] = code;
        this.ring.words[to + 5] = item[0] === 'ended' && item[4] ? 1 : 0;
        return this.end(to, FIXED.ended);
      }
      case 'failed': {
        const [, id, at, code, local, cause] = item;
        const why = cause === null ? NOTHING : this.nameOf(cause);
        const to = why === FULL ? why : this.ring.begin(KIND.failed, FIXED.failed);
        if (to < 0) return false;
        this.call(to, at, id);
        const { words } = this.ring;
        words[to + 4] = code;
        words[to + 5] = local ? 1 : 0;
        words[to + 6] = why;
        return this.end(to, FIXED.failed);
      }
      case 'byeEnded': {
        const [, callId, fromTag, code] = item;
        const length = callId.length + fromTag.length;
        if (!ReportRing.fits(length)) break;
        const to = this.ring.begin(KIND.byeEnded, FIXED.byeEnded + length);
        if (to < 0) return false;
        const { words, octets } = this.ring;
        words[to] = code;
        words[to + 1] = callId.length;
        words[to + 2] = fromTag.length;
        octets.write(callId, 4 * to + FIXED.byeEnded, callId.length, 'latin1');
        octets.write(fromTag, 4 * to + FIXED.byeEnded + callId.length, fromTag.length, 'latin1');
        return this.end(to, FIXED.byeEnded + length);
      }
      default:
    }
    return this.writeText(KIND.item, JSON.stringify(item), item);
  }

  /** Writes a record with only a text; `item` is sent in another way if it is too large. */
  private writeText(kind: number, text: string, item: FromWorker): boolean {
    const length = Buffer.byteLength(text);
    if (!ReportRing.fits(length + FIXED.item)) {
      this.otherwise(item);
      return true;
    }
    const to = this.ring.begin(kind, FIXED.item + length);
    if (to < 0) return false;
    this.ring.words[to] = length;
    this.ring.octets.write(text, 4 * to + FIXED.item, length, 'utf8');
    return this.end(to, FIXED.item + length);
  }

  /** The number of a text; FULL when there is no room to define it. */
  private nameOf(text: string): number {
    const known = this.names.get(text);
    if (known !== undefined) return known;
    if (text.length > LONGEST_NAME) return this.nameOf(text.slice(0, LONGEST_NAME));
    const number = this.names.size;
    const length = Buffer.byteLength(text);
    const to = this.ring.begin(KIND.name, FIXED.name + length);
    if (to < 0) return FULL;
    this.ring.words[to] = length;
    this.ring.words[to + 1] = number;
    this.ring.octets.write(text, 4 * to + FIXED.name, length, 'utf8');
    this.end(to, FIXED.name + length);
    this.names.set(text, number);
    this.charactersOfNames += text.length;
    return number;
  }

  private textOf(value: object): string {
    const known = this.texts.get(value);
    if (known !== undefined) return known;
    let text = JSON.stringify(value);
    // A long text is left out, since records show only its beginning.
    if (text.length > LONGEST_NAME) text = JSON.stringify({ rule: '' });
    this.texts.set(value, text);
    return text;
  }

  private call(to: number, at: number, id: number): void {
    this.ring.doubles[to >> 1] = at;
    this.ring.doubles[(to >> 1) + 1] = id;
  }

  private end(at: number, octets: number): true {
    if (this.ring.end(at, octets)) this.wake();
    return true;
  }
}
