/** Phase of a node. `alone`: it does not receive its own heartbeats, or cannot commit any change. */
export type Phase = 'joining' | 'ready' | 'draining' | 'alone';

/** Version of the protocol; the cluster uses the lowest one of its ready nodes. */
export const PROTOCOL = 1;

/** The state of a node, which it publishes several times a second. */
export interface Heartbeat {
  /** Incarnation: a random text for each start. */
  readonly inc: string;
  readonly pv: number;
  readonly phase: Phase;
  /** ID of the bucket's generation; '' while unknown. */
  readonly gen: string;
  /** Sequence of the bucket's stream up to which all values were applied. */
  readonly rev: number;
  /** Hash of the names of all nodes that it considers alive. */
  readonly view: number;
  /** Sharing tags that it holds. */
  readonly tags: readonly string[];
  /** Its share of the probing; 0: none. */
  readonly weight: number;
  readonly zone: string;
}

const PHASES: ReadonlySet<string> = new Set<Phase>(['joining', 'ready', 'draining', 'alone']);
const MAX_TEXT = 4096;
const MAX_TAGS = 64;
/** Maximum length of an incarnation, a generation and the name of a zone. */
const MAX_NAME = 64;

/** Text of a heartbeat; fields with their usual value are left out. */
export function encodeHeartbeat(beat: Heartbeat): string {
  const { inc, pv, phase, gen, rev, view, tags, weight, zone } = beat;
  return JSON.stringify({
    inc,
    pv,
    phase,
    gen,
    rev,
    view,
    ...(tags.length === 0 ? {} : { tags }),
    ...(weight === 1 ? {} : { weight }),
    ...(zone === '' ? {} : { zone }),
  });
}

/** Parses a heartbeat; undefined when it is invalid. Anybody with access to the subject may have published it. */
export function parseHeartbeat(text: string): Heartbeat | undefined {
  if (text.length > MAX_TEXT) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (value === null || typeof value !== 'object') return undefined;
  const { inc, pv, phase, gen, rev, view, tags = [], weight = 1, zone = '' } = value as Record<string, unknown>;
  if (typeof inc !== 'string' || inc === '' || inc.length > MAX_NAME) return undefined;
  if (!isCount(pv) || pv < 1 || typeof phase !== 'string' || !PHASES.has(phase)) return undefined;
  if (typeof gen !== 'string' || gen.length > MAX_NAME || !isCount(rev) || !isCount(view)) return undefined;
  if (!Array.isArray(tags) || tags.length > MAX_TAGS || !tags.every((tag) => typeof tag === 'string')) return undefined;
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1000)) return undefined;
  if (typeof zone !== 'string' || zone.length > MAX_NAME) return undefined;
  return { inc, pv, phase: phase as Phase, gen, rev, view, tags: tags as string[], weight, zone };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
