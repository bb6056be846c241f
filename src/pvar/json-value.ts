/** A value of JSON; objects are Maps, so that no key of a peer reaches a prototype. */
export type JsonValue = null | boolean | number | string | JsonValue[] | Map<string, JsonValue>;
