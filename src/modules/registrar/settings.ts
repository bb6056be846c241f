import type { ModuleParameters, ModuleStates } from '../../script/environment.js';
import { isSqlName } from '../sql.js';
import type { MatchingMode } from './matching.js';

/** Columns of a location table, with the parameter of usrloc for each name. */
const COLUMNS = {
  ruid: 'ruid',
  user: 'username',
  domain: 'domain',
  contact: 'contact',
  received: 'received',
  path: 'path',
  expires: 'expires',
  q: 'q',
  callid: 'callid',
  cseq: 'cseq',
  last_modified: 'last_modified',
  flags: 'flags',
  cflags: 'cflags',
  user_agent: 'user_agent',
  socket: 'socket',
  methods: 'methods',
  instance: 'instance',
  reg_id: 'reg_id',
} as const;

/** A column of a location table. */
export type Column = keyof typeof COLUMNS;

/**
 * When changes are written to the database: 0 never, 1 at once, 2 at intervals; 3: the database is used without
 * contacts in memory.
 */
export type DatabaseMode = 0 | 1 | 2 | 3;

/** Parameters of usrloc. */
export interface UsrlocSettings {
  readonly useDomain: boolean;
  readonly timerSeconds: number;
  readonly mode: DatabaseMode;
  /** Whether a change is written before the REGISTER is answered. */
  readonly writesAtOnce: boolean;
  readonly url: string;
  readonly columns: Readonly<Record<Column, string>>;
  /** Whether times are numbers in the table (`expires_type` 1). */
  readonly numbers: boolean;
  readonly cseqDelay: number;
  readonly matching: MatchingMode;
  readonly preload: readonly string[];
  /** Whether a contact is removed when the connection on which it was registered closes. */
  readonly lostWithConnection: boolean;
  /** Name of the XAVP with attributes of contacts; empty for none. */
  readonly attributes: string;
}

/** Reads the settings of usrloc; throws an Error for an unsupported parameter. */
export function usrlocSettings(parameters: ModuleParameters): UsrlocSettings {
  const mode = parameters.int('db_mode', 0);
  if (mode !== 0 && mode !== 1 && mode !== 2 && mode !== 3) throw new Error(`db_mode must be 0 to 3 here, not ${mode}`);
  const matching = parameters.int('matching_mode', 0);
  if (matching !== 0 && matching !== 1 && matching !== 2 && matching !== 3)
    throw new Error(`matching_mode must be 0 to 3, not ${matching}`);
  const columns = Object.entries(COLUMNS).map(([column, name]) => {
    const given = parameters.text(`${column}_column`, name);
    if (!isSqlName(given)) throw new Error(`${column}_column: "${given}" is not a name of a column`);
    return [column, given] as const;
  });
  return {
    useDomain: parameters.flag('use_domain', false),
    timerSeconds: Math.max(1, parameters.int('timer_interval', 60)),
    mode,
    writesAtOnce: mode === 1 || mode === 3,
    url: parameters.text('db_url', 'mysql://kamailio:kamailiorw@localhost/kamailio'),
    columns: Object.fromEntries(columns) as Record<Column, string>,
    numbers: parameters.int('expires_type', 0) === 1,
    cseqDelay: parameters.int('cseq_delay', 20),
    matching,
    preload: parameters.all('preload').map(String),
    lostWithConnection: parameters.flag('handle_lost_tcp', false),
    attributes: parameters.text('xavp_contact', ''),
  };
}

/** Parameters of registrar. */
export const registrarSettings = {
  module: 'registrar',
  create: (parameters: ModuleParameters, states: ModuleStates) => {
    const text = (name: string, fallback: string) => parameters.text(name, fallback);
    return {
      defaultExpires: parameters.int('default_expires', 3600),
      minExpires: parameters.int('min_expires', 60),
      /** Whether a lifetime that is too short is refused with 423 instead of being prolonged. */
      refusesShort: parameters.flag('min_expires_mode', false),
      maxExpires: parameters.int('max_expires', 0),
      maxContacts: parameters.int('max_contacts', 0),
      defaultQ: parameters.int('default_q', -1),
      appendBranches: parameters.flag('append_branches', true),
      caseSensitive: parameters.flag('case_sensitive', false),
      methodFiltering: parameters.flag('method_filtering', false),
      retryAfter: parameters.int('retry_after', 0),
      usePath: parameters.flag('use_path', false),
      pathMode: parameters.int('path_mode', 2),
      pathReceived: parameters.flag('path_use_received', false),
      receivedAvp: parameters.avp('received_avp'),
      receivedParam: text('received_param', 'received'),
      realmPrefix: text('realm_prefix', ''),
      gruu: parameters.flag('gruu_enabled', true),
      /** 0: without RFC 5626, 1: for those who ask, 2: for all. */
      outboundMode: parameters.int('outbound_mode', 0),
      /** Value of Flow-Timer; 0: none is sent. */
      flowTimer: parameters.int('flow_timer', 0),
      recordXavp: text('xavp_rcd', ''),
      configXavp: text('xavp_cfg', ''),
      contactSize: parameters.int('contact_max_size', 511),
      useDomain: usrlocSettings(states.module('usrloc')).useDomain,
    };
  },
};

/** Parameters of registrar, as read. */
export type RegistrarSettings = ReturnType<typeof registrarSettings.create>;
