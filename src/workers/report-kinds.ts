/** Kinds of records in a ring of reports. */
export const KIND = {
  /** A text that later records name by its number. The first, 0, begins anew. */
  name: 1,
  /** Any item, as JSON. */
  item: 2,
  began: 3,
  sent: 4,
  provisional: 5,
  failed: 6,
  ended: 7,
  byeEnded: 8,
} as const;

/** Names that are remembered: beyond, both sides begin anew. */
export const MOST_NAMES = 4096;

/** Bit of a request that begins: this proxy stays in the path of its dialog. */
export const RECORD_ROUTE = 1;
/** Bit of a request that begins: it is an INVITE. */
export const INVITE = 2;

/** Stands for the name of nothing. */
export const NOTHING = -1;

/** Octets before the text of each kind: its time and id are doubles, all else words. */
export const FIXED = {
  name: 8,
  item: 8,
  began: 16 + 4 * 8,
  sent: 16 + 4 * 7,
  provisional: 16 + 8,
  failed: 16 + 4 * 3,
  ended: 16 + 8,
  byeEnded: 16,
} as const;
