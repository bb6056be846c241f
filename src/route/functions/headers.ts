import type { RouteKind } from '../../cfg/ast.js';
import type { FieldSpan } from '../../sip/message.js';
import { code, optional, param, type SharedFunctions } from './definition.js';
import type { MessageSite } from './site.js';

const EDITING: readonly RouteKind[] = ['request', 'onreply', 'failure', 'branch', 'local', 'branch-failure', 'event'];
const SENDING: readonly RouteKind[] = [...EDITING, 'onsend'];

/** Appends header lines: after the last field of a name, else after all. */
export function appendHeader(site: MessageSite, lines: string, after?: string): number {
  if (lines === '') return -1;
  let last: FieldSpan | undefined;
  if (after !== undefined) for (const each of site.fields(after)) last = each;
  const fault = site.edits.insert(last?.next ?? site.message.headersEnd, lines);
  return fault === undefined ? 1 : site.refused('append_hf', fault);
}

/** Inserts header lines: before the first field of a name, else before all. */
function insertHeader(site: MessageSite, lines: string, before?: string): number {
  if (lines === '') return -1;
  const first = before === undefined ? undefined : site.message.nextField(before);
  const fault = site.edits.insert(first?.line ?? site.message.headersStart, lines);
  return fault === undefined ? 1 : site.refused('insert_hf', fault);
}

/** Removes all fields of a name. Returns their number. */
export function removeNamed(site: MessageSite, name: string): number {
  let count = 0;
  for (const { line, next } of site.fields(name)) if (site.edits.remove(line, next)) count++;
  return count;
}

/** Functions on header fields: sipmsgops of OpenSIPS, textops of Kamailio. */
export const HEADER_FUNCTIONS = {
  append_hf: {
    parameters: [param('lines', 'string'), optional('after', 'string')],
    routes: SENDING,
    summary: 'adds header lines at the end, or after a header',
    run: appendHeader,
  },
  insert_hf: {
    parameters: [param('lines', 'string'), optional('before', 'string')],
    routes: EDITING,
    summary: 'adds header lines at the start, or before a header',
    run: insertHeader,
  },
  remove_hf: {
    parameters: [param('name', 'string')],
    routes: SENDING,
    summary: 'removes all header fields with a name',
    run(site: MessageSite, name: string): number {
      const fault = site.edits.keeps(name);
      return fault === undefined ? code(removeNamed(site, name) > 0) : site.refused('remove_hf', fault);
    },
  },
  is_present_hf: {
    parameters: [param('name', 'string')],
    routes: 'any',
    summary: 'whether there is a header field with a name',
    run(site: MessageSite, name: string): number {
      for (const _ of site.fields(name)) return 1;
      return -1;
    },
  },
} as const satisfies SharedFunctions;
