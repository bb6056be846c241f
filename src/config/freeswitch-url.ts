import { SwitchyardError } from '../core/errors.js';
import { bracketed } from '../core/uri.js';
import { parseHostPort } from './socket.js';

/** The event socket of a FreeSWITCH server. */
export interface FreeswitchUrl {
  /** '' for the server's own password without a user. */
  readonly user: string;
  readonly password: string;
  /** Host or IP literal without brackets. */
  readonly host: string;
  readonly port: number;
  /** "fs://host:port", for logs: nothing secret in it. */
  readonly display: string;
}

/** Port of the event socket unless written (documentation of OpenSIPS' module freeswitch). */
const DEFAULT_PORT = 8021;
const MAX_LENGTH = 512;
/** What a line of the event socket may hold. The last "@" is the one before the host: a password may have some. */
const FORM = /^fs:\/\/([\x21-\x7e]*)@([^@]+)$/i;

/**
 * Reads "fs://[username]:password@host[:port]", nothing in it escaped. Throws SwitchyardError CONFIG_INVALID, whose message
 * shows nothing of the text: any part of it may be a misplaced password.
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
