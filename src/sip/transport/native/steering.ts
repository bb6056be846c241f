/** Maximum number of sockets of a group: one for the brain, the others for workers. */
export const MAX_SOCKETS = 25;

/** Characters of a Call-ID that are hashed to distribute requests. */
const HASHED = 32;
/** Position of the marker in one of our branches: after the magic cookie and the token common to all processes. */
const MARKER_AT = 7 + 8;
const FIRST_MARKER = 65;
const COOKIE = 'z9hG4bK';
/** How the name of the Call-ID field ends; "call" is left out, since it occurs in the names of users and hosts. */
const CALL_ID = 'all-id:';
/** Characters after a Call-ID; it contains no blanks (RFC 3261 section 25.1). */
const ENDS = '\r\n \t';

/** The marker in a branch of this socket's process; "A" is the brain. */
export function markerOf(socket: number): string {
  return String.fromCharCode(FIRST_MARKER + socket);
}

/** The socket for a marker in a branch; 0 (the brain) for an unknown one. */
export function socketOfMarker(marker: string): number {
  const socket = marker.charCodeAt(0) - FIRST_MARKER;
  return socket >= 0 && socket < MAX_SOCKETS ? socket : 0;
}

/** The socket whose process made the branch in a reply's top Via; 0 (the brain) if it is not one of ours. */
export function socketOfReply(branch: string): number {
  return socketOfMarker(branch.charAt(MARKER_AT));
}

/**
 * The socket for a request, by its Call-ID. All requests of a dialog get the same one, in order, as do retransmissions,
 * CANCEL and ACK of an INVITE, while the calls of one source are spread over all. 0 (the brain) without a Call-ID.
 */
export function socketOfRequest(callId: string, workers: number): number {
  return callId === '' ? 0 : (slotOf(callId) % workers) + 1;
}

/** The socket for a request when workers have shares (`boundsOf`), by its Call-ID; 0 (the brain) without one. */
export function socketByShare(callId: string, bounds: readonly number[]): number {
  if (callId === '') return 0;
  const slot = slotOf(callId);
  return bounds.findIndex((bound) => slot < bound) + 1;
}

/** The slots at which the shares of the workers end. `shares` begins with worker 1; at least one must be above 0. */
export function boundsOf(shares: readonly number[]): number[] {
  const all = shares.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  return shares.map((share) => {
    sum += share;
    return Math.round((SLOTS * sum) / all);
  });
}

function slotOf(callId: string): number {
  let hash = 0;
  const end = Math.min(callId.length, HASHED);
  for (let i = 0; i < end; i++) {
    const code = callId.charCodeAt(i) & 0xff;
    if (code === 32 || code === 9) break;
    hash = (Math.imul(hash, 31) + code) | 0;
  }
  return Math.imul(hash, MIX) >>> 16;
}

/** Slots to which Call-IDs are hashed. */
const SLOTS = 65_536;

const MIX = 0x9e3779b1 | 0;

/** Opcodes of the classic packet filter (linux/filter.h). */
const LD_WORD = 0x20;
const LD_LENGTH = 0x80;
const LD_BYTE_AT_X = 0x50;
const LD_MEMORY = 0x60;
const LD_IMMEDIATE = 0x00;
const LDX_IMMEDIATE = 0x01;
const LDX_MEMORY = 0x61;
const ST = 0x02;
const STX = 0x03;
const ADD = 0x04;
const ADD_X = 0x0c;
const SUB = 0x14;
const MUL = 0x24;
const RSH = 0x74;
const OR = 0x44;
const X_TO_A = 0x87;
const A_TO_X = 0x07;
const MOD = 0x94;
const JUMP = 0x05;
const JEQ = 0x15;
const JGT = 0x25;
const JGE = 0x35;
const RET = 0x06;
const RET_A = 0x16;

/** Memory cells that the program uses. */
const HASH = 0;
const BYTE = 1;
const POSITION = 2;

const STATUS_LINE = Buffer.from('SIP/').readUInt32BE(0);
/** The earliest position of a branch or header name in a message. */
const SEARCH_FROM = 24;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** A mask that, ORed to a word, makes its four letters lower case; "-" is unchanged. */
const SMALL_LETTERS = 0x20202020;

/**
 * Instructions that search `bytes` bytes from SEARCH_FROM for a text of seven characters. The instructions after them
 * run with its position in X; if it is not found, the program returns socket 0.
 */
function searchFor(text: string, bytes: number, anyCase: boolean): readonly Instruction[] {
  const samples = Math.floor(bytes / 4);
  /** A message is read in steps of four bytes, so the text is recognised by one of four different words. */
  const words = [0, 1, 2, 3].map((at) => Buffer.from(text).readUInt32BE(at));
  const load = (at: number): readonly Instruction[] =>
    anyCase
      ? [
          [LD_WORD, 0, 0, at],
          [OR, 0, 0, SMALL_LETTERS],
        ]
      : [[LD_WORD, 0, 0, at]];
  const search: Instruction[] = [];
  const perSample = load(0).length + 13;
  for (let i = 0; i < samples; i++) {
    const at = SEARCH_FROM + 4 * i;
    search.push(...load(at));
    // Jumps to one of the four endings below, depending on where the text began.
    for (let k = 0; k < 4; k++) search.push([JEQ, 4 + k, 0, words[k] as number]);
    search.push([JUMP, 0, 0, 8]);
    for (let k = 0; k < 4; k++) {
      search.push([LDX_IMMEDIATE, 0, 0, at - k]);
      // Jumps past the last instruction, which returns 0.
      search.push([JUMP, 0, 0, samples * perSample - search.length]);
    }
  }
  search.push([RET, 0, 0, 0]);
  return search;
}

/** Instructions that return the socket for the slot in A. */
function bySlot(workers: number, bounds: readonly number[] | undefined): readonly Instruction[] {
  if (bounds === undefined) {
    return [
      [MOD, 0, 0, workers],
      [ADD, 0, 0, 1],
      [RET_A, 0, 0, 0],
    ];
  }
  const last = bounds.findIndex((bound) => bound >= SLOTS);
  const before = bounds.slice(0, last).flatMap((bound, i): Instruction[] => [
    [JGE, 1, 0, bound],
    [RET, 0, 0, i + 1],
  ]);
  return [...before, [RET, 0, 0, last + 1]];
}

/** Instructions that return the socket for the Call-ID whose field name is at X. */
function byCallId(workers: number, bounds: readonly number[] | undefined): readonly Instruction[] {
  const valueAt = CALL_ID.length;
  const hash: Instruction[] = [];
  const perByte = 13;
  for (let i = 0; i < HASHED; i++) {
    hash.push([LD_BYTE_AT_X, 0, 0, valueAt + i]);
    for (let k = 0; k < ENDS.length; k++) {
      const last = k === ENDS.length - 1;
      hash.push([JEQ, ENDS.length - 1 - k, last ? 1 : 0, ENDS.charCodeAt(k)]);
    }
    hash.push([JUMP, 0, 0, (HASHED - i) * perByte - 6]);
    hash.push([ST, 0, 0, BYTE], [LD_MEMORY, 0, 0, HASH], [MUL, 0, 0, 31]);
    hash.push([LDX_MEMORY, 0, 0, BYTE], [ADD_X, 0, 0, 0], [ST, 0, 0, HASH], [LDX_MEMORY, 0, 0, POSITION]);
  }
  return [
    // Skips one space after the colon, if there is one.
    [LD_BYTE_AT_X, 0, 0, valueAt],
    [JEQ, 0, 3, 32],
    [X_TO_A, 0, 0, 0],
    [ADD, 0, 0, 1],
    [A_TO_X, 0, 0, 0],
    [STX, 0, 0, POSITION],
    [LD_IMMEDIATE, 0, 0, 0],
    [ST, 0, 0, HASH],
    ...hash,
    [LD_MEMORY, 0, 0, HASH],
    [MUL, 0, 0, MIX >>> 0],
    [RSH, 0, 0, 16],
    ...bySlot(workers, bounds),
  ];
}

/** Instructions that return the socket for the branch at X. */
function byMarker(workers: number): readonly Instruction[] {
  return [
    [LD_BYTE_AT_X, 0, 0, MARKER_AT],
    [SUB, 0, 0, FIRST_MARKER],
    [JGT, 0, 1, workers],
    [RET, 0, 0, 0],
    [RET_A, 0, 0, 0],
  ];
}

/**
 * Makes the program for a group with SO_REUSEPORT (SO_ATTACH_REUSEPORT_CBPF) that chooses the socket of each datagram,
 * as `struct sock_filter[]`. It computes the same as `socketOfReply` and `socketOfRequest`, or with `bounds`
 * `socketByShare`. It searches for the first magic cookie of a reply in `window.reply` bytes, and for the Call-ID of a
 * request, written in full, in `window.request` bytes; without it, the message goes to socket 0. Similar text earlier
 * in the message can mislead it; the process that then gets the message passes it on.
 */
export function steeringProgram(workers: number, window: SearchWindow, bounds?: readonly number[]): Buffer {
  const reply = [...searchFor(COOKIE, window.reply, false), ...byMarker(workers)];
  return encoded([
    [LD_LENGTH, 0, 0, 0],
    [JGT, 1, 0, SEARCH_FROM],
    [RET, 0, 0, 0],
    [LD_WORD, 0, 0, 0],
    [JEQ, 1, 0, STATUS_LINE],
    [JUMP, 0, 0, reply.length],
    ...reply,
    ...searchFor(CALL_ID, window.request, true),
    ...byCallId(workers, bounds),
  ]);
}

/** How many bytes of a message are searched. */
export interface SearchWindow {
  readonly request: number;
  readonly reply: number;
}

function encoded(instructions: readonly Instruction[]): Buffer {
  const program = Buffer.alloc(8 * instructions.length);
  for (const [i, [code, ifTrue, ifFalse, value]] of instructions.entries()) {
    program.writeUInt16LE(code, 8 * i);
    program.writeUInt8(ifTrue, 8 * i + 2);
    program.writeUInt8(ifFalse, 8 * i + 3);
    program.writeUInt32LE(value, 8 * i + 4);
  }
  return program;
}
