/** A JSON value. Objects are Maps, so that a key sent by a peer never reaches a prototype. */
export type JsonValue = null | boolean | number | string | JsonValue[] | Map<string, JsonValue>;
