/**
 * A value in the answer of an RPC command, before it is encoded as BINRPC or JSON. A name may occur several times in a
 * structure: a list of destinations is a list of members named DEST.
 */
export type RpcValue = number | string | null | RpcDouble | RpcStruct | RpcList | RpcStructs;

/** A member of a structure; a name may occur several times. */
export type RpcMember = readonly [name: string, value: RpcValue];

/** A number with a fraction: three decimals in BINRPC, six in JSON. */
export interface RpcDouble {
  readonly kind: 'double';
  readonly value: number;
}

/** A structure. */
export interface RpcStruct {
  readonly kind: 'struct';
  readonly members: readonly RpcMember[];
}

/** In BINRPC a structure with all members; in JSON an array of objects with one member each (recorded). */
export interface RpcList {
  readonly kind: 'list';
  readonly items: readonly RpcMember[];
}

/** Structures in sequence: in BINRPC one with the members of all, in JSON an array. */
export interface RpcStructs {
  readonly kind: 'structs';
  readonly structs: readonly RpcStruct[];
}

/**
 * The answer of a command: a text, or values. In JSON, values other than a single structure are an array; with `many`
 * they always are.
 */
export type RpcResult =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'values'; readonly values: readonly RpcValue[]; readonly many?: boolean };

/** A structure with these members, in this order. */
export const struct = (...members: readonly RpcMember[]): RpcStruct => ({ kind: 'struct', members });
/** A list of named items. */
export const list = (items: readonly RpcMember[]): RpcList => ({ kind: 'list', items });
/** A number with a fraction. */
export const double = (value: number): RpcDouble => ({ kind: 'double', value });
/** A result that is a text. */
export const textResult = (text: string): RpcResult => ({ kind: 'text', text });
/** A result with any number of values, always an array in JSON. */
export const manyResult = (values: readonly RpcValue[]): RpcResult => ({ kind: 'values', values, many: true });
/** A result with these values. */
export const valuesResult = (...values: readonly RpcValue[]): RpcResult => ({ kind: 'values', values });
