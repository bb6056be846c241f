import { parseUri } from '../../core/uri.js';
import type { Destination } from '../destination.js';
import { dialledAddress } from '../secure-address.js';

/**
 * The Request-URI as ds_select_domain and ds_next_domain leave it: scheme, user and password stay, host, port and
 * parameters become the destination's; its own parameters and headers go. Undefined where the Request-URI cannot be rewritten, ''
 * where what comes out is not a URI.
 *
 * As recorded (strict), the destination's user part is put in as well, which only works where there was none; a sips URI with
 * user=phone becomes a sip one, a tel URI stays one, a urn loses all but its first word. By default the destination's user part is left out, and a telephone number
 * becomes the user of a SIP URI (RFC 3261 section 19.1.6).
 */
export function kamailioRequestUri(ruri: string, destination: Destination, strict: boolean): string | undefined {
  return strict ? recordedRequestUri(ruri, destination.row.uri) : betterRequestUri(ruri, destination);
}

/**
 * The Request-URI of a branch of algorithm 12 in mode domain. As recorded (strict): the destination's own URI with the user
 * put in, without password, whether that makes a URI or not.
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
      return sole(`${written}:${at < 0 ? '' : rest.slice(0, at + 1)}${address}`);
    }
    case 'tel':
      // The host of a number that was rewritten before is taken for the number.
      return sole(`tel:${at < 0 ? rest : rest.slice(at + 1).replace(/:[0-9]*/, '')}@${address}`);
    case 'urn': {
      const [first, second, more] = rest.split(':');
      if (more !== undefined) return undefined;
      return sole(`sip:${second ? `${first}@` : ''}${address}`);
    }
    default:
      return undefined;
  }
}

/** Among the parameters, not the headers. */
const USER_PHONE = /^[^?]*;[uU][sS][eE][rR]=phone(?:[;?]|$)/;

/** Two user parts make no URI. */
function sole(uri: string): string {
  return uri.indexOf('@') === uri.lastIndexOf('@') ? uri : '';
}
