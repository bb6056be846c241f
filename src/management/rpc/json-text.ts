import type { RpcResult, RpcValue } from './value.js';

/** Approximate length of one piece of a long answer. */
const PIECE = 32 * 1024;

/** The ID in an answer: undefined if the request had none. */
export type JsonId = string | number | undefined;

/**
 * A success answer in Kamailio's layout: indented by tabs, a tab after each colon, no line break at the end. In pieces.
 */
export function* renderJsonResult(result: RpcResult, id: JsonId): Generator<string> {
  yield* new Writer().document('result', id, (writer) => writer.result(result));
}

/** An error answer in the same layout. */
export function renderJsonError(code: number, message: string, id: JsonId): string {
  const error: RpcValue = { kind: 'struct', members: [['code', code], ['message', message]] }; // biome-ignore format: one record
  return [...new Writer().document('error', id, (writer) => writer.value(error, 1))].join('');
}

const ERROR = '{\n\t"jsonrpc":\t"2.0",\n\t"error":';

/** The error in an answer; undefined for a success. */
export function errorIn([text = '', ...more]: readonly string[]): { code: number; message: string } | undefined {
  if (more.length > 0 || !text.startsWith(ERROR)) return undefined;
  return (JSON.parse(text) as { error: { code: number; message: string } }).error;
}

class Writer {
  private text = '';

  *document(name: string, id: JsonId, write: (writer: Writer) => Generator<string>): Generator<string> {
    this.text = `{\n\t"jsonrpc":\t"2.0",\n\t"${name}":\t`;
    yield* write(this);
    if (id !== undefined) this.text += `,\n\t"id":\t${typeof id === 'string' ? JSON.stringify(id) : number(id)}`;
    yield `${this.text}\n}`;
  }

  *result(result: RpcResult): Generator<string> {
    if (result.kind === 'text') {
      this.text += JSON.stringify(result.text);
      return;
    }
    const [only] = result.values;
    if (result.many !== true && result.values.length === 1 && typeof only === 'object' && only !== null) {
      yield* this.value(only, 1);
      return;
    }
    yield* this.array(result.values, 1);
  }

  *value(value: RpcValue, depth: number): Generator<string> {
    if (value === null) this.text += 'null';
    else if (typeof value === 'number') this.text += number(value);
    else if (typeof value === 'string') this.text += JSON.stringify(value);
    else if (value.kind === 'double') this.text += number(value.value);
    else if (value.kind === 'struct') {
      const inner = '\t'.repeat(depth + 1);
      let separator = '{\n';
      for (const [name, member] of value.members) {
        this.text += `${separator}${inner}${JSON.stringify(name)}:\t`;
        separator = ',\n';
        yield* this.value(member, depth + 1);
      }
      this.text += `${separator === ',\n' ? '\n' : separator}${'\t'.repeat(depth)}}`;
    } else if (value.kind === 'structs') yield* this.array(value.structs, depth);
    else {
      yield* this.array(
        value.items.map((member) => ({ kind: 'struct', members: [member] })),
        depth,
      );
    }
    if (this.text.length >= PIECE) {
      yield this.text;
      this.text = '';
    }
  }

  private *array(values: readonly RpcValue[], depth: number): Generator<string> {
    this.text += '[';
    let separator = '';
    for (const value of values) {
      this.text += separator;
      separator = ', ';
      yield* this.value(value, depth + 1);
    }
    this.text += ']';
  }
}

/** Integers as such, other numbers with six decimals (recorded). */
function number(value: number): string {
  if (!Number.isFinite(value)) return '0';
  return Number.isInteger(value) ? String(value) : value.toFixed(6);
}
