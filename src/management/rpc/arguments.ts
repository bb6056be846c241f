import type { BinrpcRecord } from './binrpc-decode.js';

/** One argument as received: kamcmd sends what looks like a number as an integer; JSON has numbers and strings. */
export type RpcArgument =
  | { readonly type: 'int' | 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'other' };

/** The wire an argument came over: what may stand for what differs. */
export type RpcWire = 'binrpc' | 'json';

/** Arguments beyond this are not taken in: no command has more. */
export const MAX_ARGUMENTS = 256;

/** Arguments by position, read as the command wants them. */
export class RpcArguments {
  constructor(
    private readonly args: readonly RpcArgument[],
    readonly wire: RpcWire,
  ) {}

  /** How many were given. */
  get count(): number {
    return this.args.length;
  }

  /** The arguments as an audit record shows them. */
  shown(): readonly (string | number)[] {
    return this.args.map((arg) => (arg.type === 'other' ? '?' : arg.value));
  }

  /**
   * An integer. Over BINRPC a text is none, as recorded. In JSON the digits of a text are taken when `lenient`; the
   * original takes any text for 0.
   */
  int(index: number, lenient = true): number | undefined {
    const arg = this.args[index];
    if (arg?.type === 'int') return arg.value;
    if (this.wire === 'binrpc') return undefined;
    if (arg?.type === 'double') return Math.trunc(arg.value);
    if (arg?.type !== 'string') return undefined;
    if (!lenient) return 0;
    return /^\s*[+-]?[0-9]{1,9}\s*$/.test(arg.value) ? Number(arg.value) : undefined;
  }

  /** A text; numbers are none. */
  text(index: number): string | undefined {
    const arg = this.args[index];
    return arg?.type === 'string' ? arg.value : undefined;
  }

  /** A text; integers stand for their digits, other numbers for their whole part. */
  printable(index: number): string | undefined {
    const arg = this.args[index];
    if (arg === undefined || arg.type === 'other') return undefined;
    if (arg.type === 'double') return this.wire === 'json' ? String(Math.trunc(arg.value)) : undefined;
    return String(arg.value);
  }
}

/** An argument from a BINRPC record. */
export function fromRecord(record: BinrpcRecord): RpcArgument {
  switch (record.type) {
    case 'int':
    case 'double':
      return { type: record.type, value: record.value };
    case 'string':
      return { type: 'string', value: record.value };
    case 'bytes':
      return { type: 'string', value: record.value.toString('utf8') };
    default:
      return { type: 'other' };
  }
}

/** An argument from a JSON value. */
export function fromJson(value: unknown): RpcArgument {
  if (typeof value === 'string') return { type: 'string', value };
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'int' : 'double', value };
  return { type: 'other' };
}
