import type { BinrpcRecord } from './binrpc-decode.js';

/**
 * An argument as received: kamcmd sends everything that looks like a number as an integer; JSON has numbers and
 * strings.
 */
export type RpcArgument =
  | { readonly type: 'int' | 'double'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'other' };

/** The encoding an argument came in: accepted conversions differ. */
export type RpcWire = 'binrpc' | 'json';

/** Maximum number of arguments accepted. */
export const MAX_ARGUMENTS = 256;

/** The arguments by position, converted to what the command wants. */
export class RpcArguments {
  constructor(
    private readonly args: readonly RpcArgument[],
    readonly wire: RpcWire,
  ) {}

  /** Number of arguments. */
  get count(): number {
    return this.args.length;
  }

  /** The arguments for an audit record. */
  shown(): readonly (string | number)[] {
    return this.args.map((arg) => (arg.type === 'other' ? '?' : arg.value));
  }

  /**
   * An integer. A BINRPC text is not accepted, as recorded. A JSON text with digits is accepted if `lenient`; Kamailio
   * takes any text as 0.
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

  /** A text; numbers are not accepted. */
  text(index: number): string | undefined {
    const arg = this.args[index];
    return arg?.type === 'string' ? arg.value : undefined;
  }

  /** A text; an integer becomes its digits, another number its integer part. */
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
