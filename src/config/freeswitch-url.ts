import { SwitchyardError } from '../core/errors.js';
import { bracketed } from '../core/uri.js';
import { parseHostPort } from './socket.js';

/** The event socket of a FreeSWITCH server. */
export interface FreeswitchUrl {
  /** '' when there is no user, only the server's password. */
  readonly user: string;
  readonly password: string;
  /** Host or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** "fs://host:port", for logs: without secrets. */
  readonly display: string;
}

/** Default port of the event socket (documentation of OpenSIPS' module freeswitch). */
const DEFAULT_PORT = 8021;
const MAX_LENGTH = 512;
/**
 * The characters that a line of the event socket may contain. The last "@" comes before the host, since a password may
 * contain some.
 */
const FORM = /^fs:\/\/([\x21-\x7e]*)@([^@]+)$/i;

/**
 * Parses "fs://[username]:password@host[:port]" without escapes. Throws SwitchyardError CONFIG_INVALID; the message
 * shows nothing of the text, since any part may be a misplaced password.
 */
export function parseFreeswitchUrl(text: string): FreeswitchUrl {
  const [, login = '', address = ''] = (text.length <= MAX_LENGTH && FORM.exec(text)) || [];
  const colon = login.indexOf(':');
  let at: { host: string; port: number | undefined } | undefined;
  try {
    at = parseHostPort(address);
  } catch {
    at = undefined;
  }
  const port = at?.port ?? DEFAULT_PORT;
  if (colon < 0 || colon === login.length - 1 || at === undefined || port === 0) {
    throw new SwitchyardError('CONFIG_INVALID', 'expected fs://[username]:password@host[:port]');
  }
  return {
    user: login.slice(0, colon),
    password: login.slice(colon + 1),
    host: at.host,
    port,
    display: `fs://${bracketed(at.host)}:${port}`,
  };
}
