import { isDeepStrictEqual } from 'node:util';
import type { Format } from '../../pvar/format.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { type NonceOptions, Nonces } from './nonces.js';

/** Nonces of which it is kept how often they were answered. */
const MOST_NONCES = 262_144;

/** What auth keeps: nonces are made and looked at by it. */
export class Authentication {
  private nonces: Nonces | undefined = undefined;
  private readonly options: NonceOptions;
  /** The secret that was drawn under the file before. */
  private readonly secret: string | undefined;
  /** Quality of protection in challenges whose flags name none. */
  readonly qop: string;
  readonly stateless: boolean;
  private readonly checks: { readonly register: number; readonly outside: number; readonly inside: number };

  /** Throws an Error for a parameter that is not carried out. `before`: nonces that it made hold still. */
  constructor(parameters: ModuleParameters, before?: Authentication) {
    const algorithm = parameters.text('algorithm', '');
    if (algorithm !== '' && algorithm.toUpperCase() !== 'MD5')
      throw new Error(`algorithm must be MD5 here, not ${algorithm}`);
    this.qop = parameters.text('qop', '');
    if (!['', 'auth', 'auth-int'].includes(this.qop))
      throw new Error(`qop must be "auth" or "auth-int", not "${this.qop}"`);
    const lifetime = parameters.int('nonce_expire', 300);
    if (lifetime <= 0) throw new Error(`nonce_expire must be above 0, not ${lifetime}`);
    const secret = parameters.text('secret', '');
    this.options = {
      lifetime,
      counts: parameters.flag('nonce_count', false),
      once: parameters.flag('one_time_nonce', false),
      most: MOST_NONCES,
      secret: secret === '' ? undefined : secret,
    };
    if (before !== undefined && isDeepStrictEqual(before.options, this.options)) this.nonces = before.nonces;
    this.secret = secret === '' ? (before?.nonces?.secret ?? before?.secret) : undefined;
    this.stateless = parameters.flag('force_stateless_reply', false);
    this.checks = {
      register: parameters.int('auth_checks_register', 0),
      outside: parameters.int('auth_checks_no_dlg', 0),
      inside: parameters.int('auth_checks_in_dlg', 0),
    };
  }

  /** What makes and checks nonces. */
  of({ env: { random, clock } }: MessageRun): Nonces {
    this.nonces ??= new Nonces({ ...this.options, secret: this.options.secret ?? this.secret }, random, clock);
    return this.nonces;
  }

  /** What of a message a nonce is for (auth_checks_...): 1 the request-URI, 2 the Call-ID, 4 the From tag, 8 the source address. */
  bound({ message, source }: MessageRun): string {
    const { register, outside, inside } = this.checks;
    const bits = message.method === 'REGISTER' ? register : message.toTag === '' ? outside : inside;
    if (bits === 0) return '';
    const parts = [message.requestUri, message.callId, message.fromTag, source.address];
    return parts.filter((_, i) => (bits & (1 << i)) !== 0).join('\n');
  }
}

/**
 * auth by the parameters of a file. Nonces hold over a reload of it, and those that were answered are remembered where none of the
 * parameters of nonces is another.
 */
export const authentication = {
  module: 'auth',
  create: (parameters: ModuleParameters) => new Authentication(parameters),
  renew: (before: Authentication, parameters: ModuleParameters) => new Authentication(parameters, before),
};

/** The table of users. */
export interface SubscriberTable {
  readonly url: string | undefined;
  readonly user: string;
  readonly domain: string;
  readonly password: string;
  /** Column with HA1 of users that name their domain; undefined where HA1 is calculated. */
  readonly withDomain: string | undefined;
  readonly useDomain: boolean;
  /** Columns whose values a script gets, and the variables. */
  readonly loaded: readonly { readonly column: string; readonly variable: Format }[];
  /** They are loaded where the password was wrong, too. */
  readonly always: boolean;
}

/** auth_db by the parameters of a file. Throws an Error for names that are no columns. */
export const subscribers = {
  module: 'auth_db',
  create(parameters: ModuleParameters, states: ModuleStates): SubscriberTable {
    const column = (parameter: string, fallback: string): string =>
      columnOf(parameters.text(parameter, fallback), parameter);
    const url = parameters.text('db_url', '');
    if (/^(?:text|flatstore|redis|mongodb):/.test(url))
      throw new Error('db_url: users are looked up in an SQL database, which this is not');
    const calculates = parameters.flag('calculate_ha1', false);
    const loaded = parameters
      .text('load_credentials', '')
      .split(';')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .map((each) => {
        const equals = each.indexOf('=');
        const name = columnOf(each.slice(equals + 1).trim(), 'load_credentials');
        return { column: name, variable: states.compile(equals < 0 ? `$avp(${name})` : each.slice(0, equals).trim()) };
      });
    return {
      url: url === '' ? undefined : url,
      user: column('user_column', 'username'),
      domain: column('domain_column', 'domain'),
      password: column('password_column', 'ha1'),
      withDomain: calculates ? undefined : column('password_column_2', 'ha1b'),
      useDomain: parameters.flag('use_domain', false),
      loaded,
      always: parameters.flag('force_generate_avps', false),
    };
  },
};

function columnOf(name: string, parameter: string): string {
  if (!/^\w+$/.test(name)) throw new Error(`${parameter}: "${name}" is not a column`);
  return name;
}
