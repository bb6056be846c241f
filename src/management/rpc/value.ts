/**
 * What Kamailio's RPC commands answer, before it is written as BINRPC or as JSON. Names may stand twice in one structure:
 * a list of destinations is a list of members called DEST.
 */
export type RpcValue = number | string | null | RpcDouble | RpcStruct | RpcList;

/** One member of an object; a name may stand more than once. */
export type RpcMember = readonly [name: string, value: RpcValue];

/** A number with a fraction: three decimals in BINRPC, six in JSON. */
export interface RpcDouble {
  readonly kind: 'double';
  readonly value: number;
}

/** An object. */
export interface RpcStruct {
  readonly kind: 'struct';
  readonly members: readonly RpcMember[];
}

/** In BINRPC a structure with all the members; in JSON an array of objects with one member each (recorded). */
export interface RpcList {
  readonly kind: 'list';
  readonly items: readonly RpcMember[];
}

/**
 * A whole answer: one text, or values. JSON writes values that are not one structure as an array; with `many` always, be there
 * one, none or more.
 */
export type RpcResult =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'values'; readonly values: readonly RpcValue[]; readonly many?: boolean };

/** An object of these members, in this order. */
export const struct = (...members: readonly RpcMember[]): RpcStruct => ({ kind: 'struct', members });
/** A list whose items have names. */
export const list = (items: readonly RpcMember[]): RpcList => ({ kind: 'list', items });
/** A number with a fraction. */
export const double = (value: number): RpcDouble => ({ kind: 'double', value });
/** A result that is one text. */
export const textResult = (text: string): RpcResult => ({ kind: 'text', text });
/** A result that may be any number of values, and is an array in JSON whatever the number. */
export const manyResult = (values: readonly RpcValue[]): RpcResult => ({ kind: 'values', values, many: true });
/** A result of these values, one after the other. */
export const valuesResult = (...values: readonly RpcValue[]): RpcResult => ({ kind: 'values', values });
