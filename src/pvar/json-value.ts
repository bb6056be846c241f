/** A value of JSON; objects are Maps, so that no key of a peer reaches a prototype. */
export type Json = null | boolean | number | string | Json[] | Map<string, Json>;
