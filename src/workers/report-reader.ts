import type { RouteOrigin } from '../proxy/decision.js';
import type { FromWorker } from './protocol.js';
import { FIXED, INVITE, KIND, RECORD_ROUTE } from './report-kinds.js';
import type { ReportRing } from './report-ring.js';

/** A text to which records refer. */
interface Name {
  readonly text: string;
  /** The parsed JSON, if it was needed. */
  value?: RouteOrigin;
}

/** Reads what a worker has written to its ring (`ReportWriter`). */
export class ReportReader {
  private readonly names: Name[] = [];

  constructor(
    private readonly ring: ReportRing,
    private readonly receive: (item: FromWorker) => void,
    /** Called when a record could not be handled; the following ones are. */
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Passes on everything written so far. Returns the number of items. */
  read(): number {
    return this.ring.read(this.one);
  }

  /** Another process writes from now on. */
  clear(): void {
    this.ring.clear();
    this.names.length = 0;
  }

  private readonly one = (kind: number, at: number): void => {
    try {
      if (kind === KIND.name) this.learn(at);
      else this.receive(this.itemOf(kind, at));
    } catch (error) {
      this.failed(error);
    }
  };

  private itemOf(kind: number, to: number): FromWorker {
    const { words, doubles } = this.ring;
    if (kind === KIND.item) {
      return JSON.parse(this.text('utf8', 4 * to + FIXED.item, words[to] as number)) as FromWorker;
    }
    if (kind === KIND.byeEnded) {
      const [code = 0, idLength = 0, tagLength = 0] = words.subarray(to, to + 3);
      const from = 4 * to + FIXED.byeEnded;
      return ['byeEnded', this.text('latin1', from, idLength), this.text('latin1', from + idLength, tagLength), code];
    }
    const at = doubles[to >> 1] as number;
    const id = doubles[(to >> 1) + 1] as number;
    switch (kind) {
      case KIND.began: {
        const bits = this.word(to + 7);
        const origin = this.valueOf(this.word(to + 8));
        const [invite, recordRoute] = [(bits & INVITE) !== 0, (bits & RECORD_ROUTE) !== 0];
        const address = this.nameOf(this.word(to + 5));
        const textAt = 4 * to + FIXED.began;
        const callIdAt = textAt + this.word(to + 9);
        const tagAt = callIdAt + this.word(to + 10);
        const text = this.text('latin1', textAt, this.word(to + 9));
        const callId = this.text('latin1', callIdAt, this.word(to + 10));
        const fromTag = this.text('latin1', tagAt, this.word(to + 11));
        const [socket, port] = [this.word(to + 4), this.word(to + 6)];
        return ['began', id, at, socket, address, port, text, recordRoute, origin, invite, callId, fromTag];
      }
      case KIND.sent: {
        const destination = [
          this.nameOf(this.word(to + 4)),
          this.word(to + 5),
          this.word(to + 6),
          this.nameOf(this.word(to + 7)),
        ] as const;
        return ['sent', id, at, [destination, this.nameOf(this.word(to + 8)), this.word(to + 9), this.word(to + 10)]];
      }
      case KIND.provisional:
        return ['provisional', id, at, this.word(to + 4)];
      case KIND.failed:
        return [
          'failed',
          id,
          at,
          this.word(to + 4),
          this.word(to + 5) === 1,
          this.word(to + 6) < 0 ? null : this.nameOf(this.word(to + 6)),
        ];
      default:
        return ['ended', id, at, this.word(to + 4), this.word(to + 5) === 1];
    }
  }

  private learn(at: number): void {
    const { words } = this.ring;
    const number = words[at + 1] as number;
    if (number === 0) this.names.length = 0;
    this.names[number] = { text: this.text('utf8', 4 * at + FIXED.name, words[at] as number) };
  }

  private word(at: number): number {
    return this.ring.words[at] as number;
  }

  private nameOf(number: number): string {
    return this.names[number]?.text ?? '';
  }

  private valueOf(number: number): RouteOrigin {
    const name = this.names[number];
    if (name === undefined) return { rule: '' };
    name.value ??= JSON.parse(name.text) as RouteOrigin;
    return name.value;
  }

  private text(encoding: 'latin1' | 'utf8', from: number, length: number): string {
    return this.ring.octets.toString(encoding, from, from + length);
  }
}
