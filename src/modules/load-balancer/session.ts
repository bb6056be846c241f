import { trimmed } from '../../core/characters.js';
import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { dialogs } from '../dialog/state.js';
import { type Balanced, balancerOf } from './balancer.js';

/** Return codes from the documentation. */
const NO_CAPACITY = -2;
const NO_DESTINATION = -3;
const NO_RESOURCE = -4;

/** The session that lb_start() began for a call. */
interface Session {
  readonly group: number;
  readonly resources: readonly string[];
  readonly flags: string;
  readonly tried: Set<Balanced>;
  current: Balanced | undefined;
}

const sessions = new PerCall<{ session: Session | undefined }>(() => ({ session: undefined }));

/** Maximum number of resources a call may need. */
const MAX_RESOURCES = 32;

/** Maximum number of parts of a list of resources, empty ones included: it may be a peer's text. */
const MAX_PARTS = 256;

/** Parses "pstn;transc". */
export function resourcesOf(text: string): string[] {
  return text
    .split(';', MAX_PARTS)
    .map((each) => trimmed(each.split('=', 1)[0] ?? ''))
    .filter((each) => each !== '')
    .slice(0, MAX_RESOURCES);
}

/** Whether lb_start() was called for the call. */
export function isStarted(run: MessageRun): boolean {
  return sessions.known(run.call)?.session !== undefined;
}

/** Starts a session: the destination with the largest free capacity gets the call. */
export function start(run: MessageRun, group: number, resources: readonly string[], flags: string): number {
  const balancer = balancerOf(run);
  reset(run);
  let known = false;
  for (const each of balancer.all(run.env)) {
    known ||= resources.every((resource) => balancer.limit(each, resource) !== undefined);
  }
  if (resources.length === 0 || !known) return NO_RESOURCE;
  const session: Session = { group, resources, flags, tried: new Set(), current: undefined };
  sessions.of(run.call).session = session;
  return choose(run, session);
}

/** Chooses the next destination of the session. */
export function next(run: MessageRun): number {
  const session = sessions.known(run.call)?.session;
  return session === undefined ? -1 : choose(run, session);
}

function choose(run: MessageRun, session: Session): number {
  const { env, call } = run;
  const balancer = balancerOf(run);
  const table = env.modules.of(dialogs);
  const dialog = table.of(run) ?? table.begin(run);
  if (dialog === undefined) return -1;
  const { resources, flags, group } = session;
  // The resources counted for the last destination are released before capacity is compared.
  if (session.current !== undefined) balancer.release(env, dialog, session.current, resources);
  session.current = undefined;
  let up = false;
  let highest = Number.NEGATIVE_INFINITY;
  let best: Balanced[] = [];
  for (const each of balancer.all(env)) {
    if (each.row.group !== group || !each.usable || session.tried.has(each)) continue;
    const capacity = balancer.freeCapacity(env, each, resources, flags.includes('r'));
    if (capacity === undefined) continue;
    up = true;
    if (capacity <= 0 && !flags.includes('n')) continue;
    if (capacity < highest) continue;
    if (capacity > highest) best = [];
    highest = capacity;
    best.push(each);
  }
  const chosen = best[flags.includes('s') && best.length > 1 ? env.random.uint32() % best.length : 0];
  if (chosen === undefined) return up ? NO_CAPACITY : NO_DESTINATION;
  session.tried.add(chosen);
  session.current = chosen;
  balancer.allocate(env, dialog, chosen, resources);
  call.sendTo(chosen.uri);
  return 1;
}

/** Ends the session of a call and releases its resources. */
export function reset(run: MessageRun): void {
  const kept = sessions.known(run.call);
  const session = kept?.session;
  if (kept === undefined || session === undefined) return;
  kept.session = undefined;
  const dialog = run.env.modules.of(dialogs).of(run);
  if (session.current !== undefined && dialog !== undefined)
    balancerOf(run).release(run.env, dialog, session.current, session.resources);
}

/** Disables the last destination of the call until it answers a probe. */
export function disable(run: MessageRun): number {
  const current = sessions.known(run.call)?.session?.current;
  if (current === undefined) return -1;
  balancerOf(run).disable(run.env, current);
  return 1;
}

/** Counts a call that the script has routed itself for the destination with an address, or ends that counting. */
export function count(
  run: MessageRun,
  where: { readonly address: string; readonly port: number; readonly group: number },
  resources: readonly string[],
  undo: boolean,
): number {
  const { env } = run;
  const balancer = balancerOf(run);
  const destination = destinationAt(run, where, false);
  const table = env.modules.of(dialogs);
  const dialog = table.of(run) ?? table.begin(run);
  if (destination === undefined || dialog === undefined) return -1;
  if (!resources.every((each) => balancer.limit(destination, each) !== undefined)) return -1;
  if (undo) balancer.release(env, dialog, destination, resources);
  else balancer.allocate(env, dialog, destination, resources);
  return 1;
}

/** The destination with an address. Port 0 and group -1 match any. */
export function destinationAt(
  run: MessageRun,
  { address, port, group }: { readonly address: string; readonly port: number; readonly group: number },
  active: boolean,
): Balanced | undefined {
  for (const each of balancerOf(run).all(run.env)) {
    if (each.address !== address || (port !== 0 && each.port !== port)) continue;
    if (group !== -1 && each.row.group !== group) continue;
    if (!active || each.usable) return each;
  }
  return undefined;
}
