import { setTimeout as wait } from 'node:timers/promises';
import type { Arrival, Lane } from './lane.js';
import { firstValue, isRequest, methodOf, statusOf, type WireMessage, wireMessage } from './wire.js';

/** A message of the caller, and when it is sent. */
export interface Planned {
  readonly text: string;
  readonly atMs: number;
  /** The message is sent after a reply with this code instead of at a time. */
  readonly whenReply?: number;
  readonly to?: { readonly address: string; readonly port: number };
}

/** One reply of a gateway. */
export interface GatewayReply {
  readonly text: string;
  readonly afterMs: number;
}

/** Reactions of a gateway to a new request. */
export type GatewayPlan = (gateway: string, request: WireMessage, nth: number) => readonly GatewayReply[];

export interface Play {
  readonly lane: Lane;
  readonly server: { readonly address: string; readonly port: number };
  readonly messages: readonly Planned[];
  readonly plan: GatewayPlan;
  /** The ACK of the caller for a final reply to an INVITE; undefined for none. */
  readonly ack: (reply: WireMessage) => string | undefined;
  /** Whether everything expected has been seen: then the case ends soon. */
  readonly complete: (seen: Seen) => boolean;
  /** Resolves when the case may begin; gateways answer meanwhile, but messages are not kept. */
  readonly ready?: () => Promise<void>;
  /** Minimum and maximum waiting time in milliseconds. */
  readonly leastMs: number;
  readonly maxMs: number;
  /** How a gateway answers a CANCEL; null: the INVITE is answered if it has no final reply yet. */
  readonly cancelled: (gateway: string, cancel: WireMessage, invite: WireMessage | undefined) => readonly string[];
}

/** All messages that the caller and the gateways received, without retransmissions. */
export interface Seen {
  readonly replies: { readonly message: WireMessage; readonly arrival: Arrival }[];
  readonly requests: { readonly message: WireMessage; readonly arrival: Arrival }[];
  /**
   * The replies, including equal ones that came too soon to be retransmissions: a script may reply twice with one To
   * tag.
   */
  readonly withRepeats: { readonly message: WireMessage; readonly arrival: Arrival }[];
}

/** Milliseconds after which an equal reply may be a retransmission. */
const RETRANSMITTED = 100;

/** Milliseconds to wait for unexpected messages after everything expected has come. */
const GRACE = 45;

/** Plays the caller and the gateways of a case. */
export async function play(p: Play): Promise<Seen> {
  const { lane } = p;
  const seen: Seen = { replies: [], requests: [], withRepeats: [] };
  const known = new Map<string, number>();
  const counts = new Map<string, number>();
  const invites = new Map<string, { message: WireMessage; final: boolean }>();
  const timers: NodeJS.Timeout[] = [];
  let over = false;
  const later = (ms: number, work: () => void): void => {
    if (ms <= 0) work();
    else timers.push(setTimeout(() => !over && work(), ms));
  };
  const unsent = new Set(p.messages.filter((each) => each.whenReply !== undefined));
  const sendPlanned = (each: Planned): void =>
    lane.send('caller', each.text, each.to?.address ?? p.server.address, each.to?.port ?? p.server.port);
  lane.onArrival = (arrival) => {
    if (over) return;
    const message = wireMessage(arrival.text);
    const key = `${arrival.peer.name} ${arrival.text}`;
    const first = known.get(key);
    const again = first !== undefined;
    if (!again) known.set(key, arrival.at);
    const { address, port } = arrival.from;
    if (!isRequest(message)) {
      if (arrival.peer.name !== 'caller') return;
      if (!again) seen.replies.push({ message, arrival });
      if (first === undefined || arrival.at - first < RETRANSMITTED) seen.withRepeats.push({ message, arrival });
      const status = statusOf(message);
      if (status >= 200 && methodOf(message) === 'INVITE') {
        const ack = p.ack(message);
        if (ack !== undefined) lane.send('caller', ack, address, port);
      }
      for (const each of [...unsent]) {
        if (each.whenReply === status) {
          unsent.delete(each);
          sendPlanned(each);
        }
      }
      return;
    }
    if (again) return;
    seen.requests.push({ message, arrival });
    const method = methodOf(message);
    const { name } = arrival.peer;
    if (name === 'caller' || method === 'ACK') return;
    const branch = /;branch=([^;\s,]+)/.exec(firstValue(message, 'via') ?? '')?.[1] ?? '';
    const invite = invites.get(`${name} ${branch}`);
    const answer = (text: string): void => lane.send(name, text, address, port);
    if (method === 'CANCEL') {
      const open = invite === undefined || invite.final ? undefined : invite.message;
      if (invite !== undefined) invite.final = true;
      for (const text of p.cancelled(name, message, open)) answer(text);
      return;
    }
    const entry = { message, final: false };
    invites.set(`${name} ${branch}`, entry);
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    let at = 0;
    for (const reply of p.plan(name, message, nth)) {
      at += reply.afterMs;
      later(at, () => {
        if (entry.final) return;
        if (Number(reply.text.slice(8, 11)) >= 200) entry.final = true;
        answer(reply.text);
      });
    }
  };
  await p.ready?.();
  seen.requests.length = seen.replies.length = seen.withRepeats.length = 0;
  lane.begin();
  for (const each of p.messages) if (each.whenReply === undefined) later(each.atMs, () => sendPlanned(each));
  const lastAt = Math.max(0, ...p.messages.map((each) => each.atMs));
  while (lane.now() < p.maxMs + lastAt) {
    await wait(5);
    if (lane.now() >= Math.max(lastAt, p.leastMs) && unsent.size === 0 && p.complete(seen)) {
      const until = lane.now() + GRACE;
      while (lane.now() < until) await wait(5);
      break;
    }
  }
  over = true;
  for (const timer of timers) clearTimeout(timer);
  lane.onArrival = undefined;
  return seen;
}
