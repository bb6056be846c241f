import { parseUri } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import { dialledAddress } from '../secure-address.js';

/**
 * The request-URI after ds_select_domain and ds_next_domain: scheme, user and password stay; host, port and parameters
 * are those of the destination; parameters and headers of the old URI are removed. Undefined when the URI cannot be
 * rewritten, '' when the result is not a URI.
 * As recorded (strict), the destination's user part is added too, which gives a valid URI only if there was none
 * before; a sips URI with user=phone becomes a sip URI, a tel URI stays a tel URI, and of a urn only the first word
 * remains. By default the destination's user part is omitted, and a telephone number becomes the user of a SIP URI (RFC
 * 3261 section 19.1.6).
 */
export function kamailioRequestUri(ruri: string, destination: Destination, strict: boolean): string | undefined {
  return strict ? recordedRequestUri(ruri, destination.row.uri) : betterRequestUri(ruri, destination);
}

/**
 * The request-URI of a branch of algorithm 12 in mode domain. As recorded (strict): the destination's own URI with the
 * user (without password) inserted, even if the result is not a URI.
 */
export function branchRequestUri(ruri: string, destination: Destination, strict: boolean): string | undefined {
  if (!strict) return betterRequestUri(ruri, destination);
  const user = parseUri(ruri)?.user ?? '';
  const target = destination.row.uri;
  const start = target.indexOf(':') + 1;
  return user === '' ? target : `${target.slice(0, start).toLowerCase()}${user}@${target.slice(start)}`;
}

function betterRequestUri(ruri: string, destination: Destination): string | undefined {
  const uri = parseUri(ruri);
  if (uri === undefined) return undefined;
  const { address } = dialledAddress(destination, uri.scheme);
  if (uri.scheme === 'tel') {
    const phone = /;user=/i.test(address) ? '' : ';user=phone';
    return `sip:${uri.user}@${address}${phone}`;
  }
  const password = uri.password === '' ? '' : `:${uri.password}`;
  return `${uri.scheme}:${uri.user === '' ? '' : `${uri.user}${password}@`}${address}`;
}

function recordedRequestUri(ruri: string, target: string): string | undefined {
  const colon = ruri.indexOf(':');
  const scheme = ruri.slice(0, colon).toLowerCase();
  const rest = ruri.slice(colon + 1);
  const at = rest.indexOf('@');
  const address = target.slice(target.indexOf(':') + 1);
  switch (scheme) {
    case 'sip':
    case 'sips': {
      if (at === 0) return undefined;
      const written = USER_PHONE.test(rest) ? 'sip' : scheme;
      return withOneUserPart(`${written}:${at < 0 ? '' : rest.slice(0, at + 1)}${address}`);
    }
    case 'tel':
      // In a number that was rewritten before, the host counts as the number.
      return withOneUserPart(`tel:${at < 0 ? rest : rest.slice(at + 1).replace(/:[0-9]*/, '')}@${address}`);
    case 'urn': {
      const [first, second, more] = rest.split(':');
      if (more !== undefined) return undefined;
      return withOneUserPart(`sip:${second ? `${first}@` : ''}${address}`);
    }
    default:
      return undefined;
  }
}

/** Searched among the parameters, not the headers. */
const USER_PHONE = /^[^?]*;[uU][sS][eE][rR]=phone(?:[;?]|$)/;

/** A URI must not have two user parts. */
function withOneUserPart(uri: string): string {
  return uri.indexOf('@') === uri.lastIndexOf('@') ? uri : '';
}
