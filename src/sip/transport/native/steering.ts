/** Sockets a group may have: one of the brain, the others of workers. */
export const MOST_SOCKETS = 25;

/** Characters of a branch after the magic cookie that requests are spread by. */
const HASHED = 32;
/** What stands between the magic cookie and the marker in a branch of ours: the part that is common to all processes. */
const MARKER_AT = 7 + 8;
const FIRST_MARKER = 65;
const COOKIE = 'z9hG4bK';
const ENDS = ';, \r';

/** The character in a branch that names the process which made it: "A" is the brain. */
export function markerOf(socket: number): string {
  return String.fromCharCode(FIRST_MARKER + socket);
}

/** The socket that a reply belongs to by the branch in its topmost Via; 0 (the brain) when it names none. */
export function socketOfReply(branch: string): number {
  const socket = branch.charCodeAt(MARKER_AT) - FIRST_MARKER;
  return socket >= 0 && socket < MOST_SOCKETS ? socket : 0;
}

/**
 * The socket that a request belongs to by the branch in its topmost Via: an INVITE, its copies, its CANCEL and the ACK for its
 * failure come to the same one (RFC 3261 sections 9.1, 17.1.1.3), while the requests of one source spread over all. 0 (the brain)
 * for branches without the magic cookie.
 */
export function socketOfRequest(branch: string, workers: number): number {
  if (!branch.startsWith(COOKIE)) return 0;
  let hash = 0;
  const end = Math.min(branch.length, COOKIE.length + HASHED);
  for (let i = COOKIE.length; i < end; i++) hash = (Math.imul(hash, 31) + (branch.charCodeAt(i) & 0xff)) | 0;
  return ((Math.imul(hash, MIX) >>> 16) % workers) + 1;
}

const MIX = 0x9e3779b1 | 0;

/** Instructions of the classic packet filter (linux/filter.h): class, size, mode or operation. */
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
const MOD = 0x94;
const JUMP = 0x05;
const JEQ = 0x15;
const JGT = 0x25;
const RET = 0x06;
const RET_A = 0x16;

/** Memory cells of the program. */
const HASH = 0;
const BYTE = 1;
const POSITION = 2;

/** The four words of the magic cookie, at whichever of four offsets a word of the message meets it. */
const WORDS = [0, 1, 2, 3].map((at) => Buffer.from(COOKIE).readUInt32BE(at));
const STATUS_LINE = Buffer.from('SIP/').readUInt32BE(0);
/** Where the first Via of a message can begin to name a branch, at the earliest. */
const SEARCH_FROM = 24;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * The program that chooses the socket of a datagram, as `socketOfReply` and `socketOfRequest` do, for a group with SO_REUSEPORT
 * (SO_ATTACH_REUSEPORT_CBPF): `struct sock_filter[]`. It looks for the first magic cookie in `window` bytes; a message
 * without one is for socket 0. Where another header than the topmost Via names a branch first it errs, and whoever gets the
 * message passes it on.
 */
export function steeringProgram(workers: number, window: number): Buffer {
  const samples = Math.floor(window / 4);
  const search: Instruction[] = [];
  // After the search: how far it is from each match to the end of the search.
  const perSample = 14;
  for (let i = 0; i < samples; i++) {
    const at = SEARCH_FROM + 4 * i;
    search.push([LD_WORD, 0, 0, at]);
    // To the four endings below, which say where the cookie began.
    for (let k = 0; k < 4; k++) search.push([JEQ, 4 + k, 0, WORDS[k] as number]);
    search.push([JUMP, 0, 0, 8]);
    for (let k = 0; k < 4; k++) {
      search.push([LDX_IMMEDIATE, 0, 0, at - k]);
      const position = i * perSample + 6 + 2 * k + 1;
      search.push([JUMP, 0, 0, samples * perSample + 1 - position - 1]);
    }
  }
  search.push([RET, 0, 0, 0]);
  const hash: Instruction[] = [];
  const perByte = 13;
  for (let i = 0; i < HASHED; i++) {
    hash.push([LD_BYTE_AT_X, 0, 0, COOKIE.length + i]);
    for (let k = 0; k < ENDS.length; k++) {
      const last = k === ENDS.length - 1;
      hash.push([JEQ, ENDS.length - 1 - k, last ? 1 : 0, ENDS.charCodeAt(k)]);
    }
    hash.push([JUMP, 0, 0, (HASHED - i) * perByte - 6]);
    hash.push([ST, 0, 0, BYTE], [LD_MEMORY, 0, 0, HASH], [MUL, 0, 0, 31]);
    hash.push([LDX_MEMORY, 0, 0, BYTE], [ADD_X, 0, 0, 0], [ST, 0, 0, HASH], [LDX_MEMORY, 0, 0, POSITION]);
  }
  const reply: readonly Instruction[] = [
    [LD_BYTE_AT_X, 0, 0, MARKER_AT],
    [SUB, 0, 0, FIRST_MARKER],
    [JGT, 0, 1, workers],
    [RET, 0, 0, 0],
    [RET_A, 0, 0, 0],
  ];
  return encoded([
    [LD_LENGTH, 0, 0, 0],
    [JGT, 1, 0, SEARCH_FROM],
    [RET, 0, 0, 0],
    ...search,
    [LD_WORD, 0, 0, 0],
    [JEQ, 0, reply.length, STATUS_LINE],
    ...reply,
    [STX, 0, 0, POSITION],
    [LD_IMMEDIATE, 0, 0, 0],
    [ST, 0, 0, HASH],
    ...hash,
    [LD_MEMORY, 0, 0, HASH],
    [MUL, 0, 0, MIX >>> 0],
    [RSH, 0, 0, 16],
    [MOD, 0, 0, workers],
    [ADD, 0, 0, 1],
    [RET_A, 0, 0, 0],
  ]);
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
