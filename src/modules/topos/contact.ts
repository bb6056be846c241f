import { addrSpecOf } from '../../core/name-addr.js';
import { parseUri, type SipUri, uriParam, uriTransport } from '../../core/uri.js';
import type { HiddenDialog } from './records.js';

/** Which side of a dialog sees one of our Contacts: "a" the caller, "b" the callee. */
export type Seen = 'a' | 'b';

/** The form of the Contacts that the sides see. */
export interface ContactForm {
  /** 0: the name of the dialog is the user of the URI; 1: it is in a parameter. */
  readonly mode: 0 | 1;
  /** Name of the parameter. */
  readonly parameter: string;
  /** Host of the Contact; '' for the host of our Record-Route. */
  readonly host: string;
}

/**
 * The Contact that one side sees instead of the other side's; undefined when there is no Record-Route of ours, which
 * gives the address of this proxy.
 */
export function shownContact(
  dialog: HiddenDialog,
  seen: Seen,
  { mode, parameter, host }: ContactForm,
): string | undefined {
  const { own, users, id } = dialog;
  const facing = seen === 'b' ? own[0] : own[own.length - 1];
  const uri = facing === undefined ? undefined : parseUri(addrSpecOf(facing));
  if (uri === undefined) return undefined;
  const name = `${seen}tpsh-${id}`;
  const user = mode === 0 ? name : seen === 'b' ? users.caller : users.callee;
  const transport = uriTransport(uri);
  const explicit =
    transport === undefined || uriParam(uri.params, 'transport') === undefined ? '' : `;transport=${transport}`;
  const port = uri.portText === '' ? '' : `:${uri.portText}`;
  const rest = mode === 0 ? '' : `;${parameter}=${name}`;
  return `<${uri.scheme}:${user === '' ? '' : `${user}@`}${host || uri.host}${port}${explicit}${rest}>`;
}

/** The dialog named in a request-URI, and the side that sees this name; undefined for any other URI. */
export function dialogNamed(
  uri: SipUri,
  { mode, parameter }: ContactForm,
): { readonly seen: Seen; readonly id: string } | undefined {
  const name = mode === 0 ? uri.user : uriParam(uri.params, parameter);
  const found = name === undefined || name.length > MAX_NAME ? null : NAME.exec(name);
  return found === null ? undefined : { seen: found[1] as Seen, id: found[2] as string };
}

const MAX_NAME = 46;
const NAME = /^([ab])tpsh-([0-9a-f]{1,40})$/;
