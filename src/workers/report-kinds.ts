/** Kinds of records in a ring of reports. */
export const KIND = {
  /** A text to which later records refer by number. Number 0 restarts the numbering. */
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

/** Maximum number of numbered texts; beyond that both sides restart the numbering. */
export const MAX_NAMES = 4096;

/** Bit of a request: this proxy adds Record-Route. */
export const RECORD_ROUTE = 1;
/** Bit of a request: it is an INVITE. */
export const INVITE = 2;

/** The number for no text. */
export const NOTHING = -1;

/** Bytes before the text of each kind: time and ID are doubles, all else is words. */
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
