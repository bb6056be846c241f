import { isDeepStrictEqual } from 'node:util';
import { trimmed } from '../../core/characters.js';
import type { Format } from '../../pvar/format.js';
import type { MessageRun } from '../../script/call.js';
import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { type NonceOptions, Nonces } from './nonces.js';

/** Maximum number of nonces whose use is remembered. */
const MAX_NONCES = 262_144;

/** State of auth: makes and checks nonces. */
export class Authentication {
  private nonces: Nonces | undefined = undefined;
  private readonly options: NonceOptions;
  /** The random secret of the configuration before. */
  private readonly secret: string | undefined;
  readonly stateless: boolean;
  private readonly checks: { readonly register: number; readonly outside: number; readonly inside: number };

  /** Throws an Error for a parameter that is not supported. `before`: the state whose nonces stay valid. */
  constructor(parameters: ModuleParameters, before?: Authentication) {
    const algorithm = parameters.text('algorithm', '');
    if (algorithm !== '' && algorithm.toUpperCase() !== 'MD5')
      throw new Error(`algorithm must be MD5 here, not ${algorithm}`);
    const qop = parameters.text('qop', '');
    if (!['', 'auth', 'auth-int'].includes(qop)) throw new Error(`qop must be "auth" or "auth-int", not "${qop}"`);
    const lifetime = parameters.int('nonce_expire', 300);
    if (lifetime <= 0) throw new Error(`nonce_expire must be above 0, not ${lifetime}`);
    const secret = parameters.text('secret', '');
    this.options = {
      lifetime,
      counts: parameters.flag('nonce_count', false),
      once: parameters.flag('one_time_nonce', false),
      max: MAX_NONCES,
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

  /** The object that makes and checks nonces. */
  of({ env: { random, clock } }: MessageRun): Nonces {
    this.nonces ??= new Nonces({ ...this.options, secret: this.options.secret ?? this.secret }, random, clock);
    return this.nonces;
  }

  /**
   * The parts of a message that a nonce is bound to (auth_checks_...): 1 request-URI, 2 Call-ID, 4 From tag, 8 source
   * address.
   */
  bound({ message, source }: MessageRun): string {
    const { register, outside, inside } = this.checks;
    const bits = message.method === 'REGISTER' ? register : message.toTag === '' ? outside : inside;
    if (bits === 0) return '';
    const parts = [message.requestUri, message.callId, message.fromTag, source.address];
    return parts.filter((_, i) => (bits & (1 << i)) !== 0).join('\n');
  }
}

/**
 * State of auth from the parameters of a file. After a reload nonces stay valid, and their use is still remembered if
 * no parameter about nonces has changed.
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
  /** Column with the HA1 of users whose username contains a domain; undefined when HA1 is calculated. */
  readonly withDomain: string | undefined;
  readonly useDomain: boolean;
  /** Columns to load, with the variables that get their values. */
  readonly loaded: readonly { readonly column: string; readonly variable: Format }[];
  /** Whether they are loaded even if the password was wrong. */
  readonly always: boolean;
}

/** Settings of auth_db from the parameters of a file. Throws an Error for names that cannot be columns. */
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
      .map((each) => trimmed(each))
      .filter((each) => each !== '')
      .map((each) => {
        const equals = each.indexOf('=');
        const name = columnOf(trimmed(each.slice(equals + 1)), 'load_credentials');
        return {
          column: name,
          variable: states.compile(equals < 0 ? `$avp(${name})` : trimmed(each.slice(0, equals))),
        };
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
