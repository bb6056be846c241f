import { SwitchyardError } from '../core/errors.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleState } from '../script/environment.js';
import { PerCall } from '../script/per-call.js';
import type { RequestBranch } from '../script/request-branches.js';
import { type FunctionSpec, KAMAILIO, optional } from './define.js';

/** A contact for a later attempt; `q` in thousandths, -1 for none. */
interface Waiting {
  readonly branch: RequestBranch;
  readonly q: number;
}

const queues = new PerCall<Waiting[][]>(() => []);

function qualityOf(q: string | undefined): number {
  if (q === undefined || q === '') return -1;
  const number = Number(q);
  return Number.isNaN(number) ? -1 : number > 1 ? number : Math.round(number * 1000);
}

/** Whether the file sets contacts_avp, which Kamailio accepts only together with contact_flows_avp. */
export const contactSettings: ModuleState<{ readonly configured: boolean }> = {
  module: 'tm',
  create: (parameters) => {
    const configured = parameters.text('contacts_avp', '') !== '';
    if (configured && parameters.text('contact_flows_avp', '') === '')
      throw new SwitchyardError('USAGE', 'contacts_avp needs contact_flows_avp');
    return { configured };
  },
};

function configured(run: MessageRun): boolean {
  return run.env.modules.of(contactSettings).configured;
}

/**
 * Takes the request-URI and the branches from the call as groups of equal q, the highest first; within a group the last
 * added comes first.
 */
function loadContacts(run: MessageRun): number {
  if (!configured(run)) return -1;
  const { call, pvars } = run;
  if (call.branches.length === 0) return 1;
  const main: RequestBranch = {
    uri: call.requestUri,
    destinationUri: pvars.destinationUri,
    q: call.q ?? '',
    path: '',
    flags: call.branchFlags,
    socket: call.sendSocket?.description,
  };
  const all = [main, ...call.branches].map((branch) => ({ branch, q: qualityOf(branch.q) }));
  if (all.every(({ q }) => q === all[0]?.q)) return 1;
  const groups = new Map<number, Waiting[]>();
  for (const each of all.reverse()) {
    const group = groups.get(each.q);
    if (group === undefined) groups.set(each.q, [each]);
    else group.push(each);
  }
  queues.set(
    call,
    [...groups.entries()].sort(([a], [b]) => b - a).map(([, group]) => group),
  );
  call.branches = [];
  return 1;
}

/**
 * Makes the next group the request-URI and branches. Returns 1; -2 when there is none; -1 when the parameter of tm is
 * not set.
 */
function nextContacts(run: MessageRun): number {
  if (!configured(run)) return -1;
  const { call, pvars } = run;
  const group = queues.known(call)?.shift();
  const [first, ...others] = group ?? [];
  if (first === undefined) return -2;
  pvars.setRequestUri(first.branch.uri);
  pvars.destinationUri = first.branch.destinationUri;
  call.branchFlags = first.branch.flags;
  call.branches = others.map(({ branch }) => branch);
  return 1;
}

/** Serial forking of Kamailio's tm. */
export const contactFunctions: FunctionSpec[] = [
  {
    name: 't_load_contacts',
    dialects: KAMAILIO,
    parameters: [optional('mode', 'string')],
    summary: 'keeps the destination set for later attempts in the order of q',
    compile: () => loadContacts,
  },
  {
    name: 't_next_contacts',
    dialects: KAMAILIO,
    summary: 'makes the contacts with the next lower q the destination set',
    compile: () => nextContacts,
  },
  {
    name: 't_next_contact_flow',
    dialects: KAMAILIO,
    summary: 'always -2: there is no registrar with flows of contacts',
    compile: () => () => -2,
  },
];

/** ";q=0.7" for "0.7", or for the thousandths assigned to $ru_q; "" for none. */
export function qParameter(q: string | undefined): string {
  if (q === undefined || q === '') return '';
  const number = Number(q);
  if (q.includes('.') || Number.isNaN(number) || (number >= 0 && number <= 1)) return `;q=${q}`;
  return number < 0 ? '' : `;q=${Math.min(1, number / 1000)}`;
}
