import { parsePartitionString } from '../../config/partition-string.js';
import { readSchema } from '../../config/schema.js';
import { parseSocket } from '../../config/socket.js';
import { messageOf } from '../../core/errors.js';
import { type CfgStatement, readCfg } from './cfg-statements.js';
import { type Preprocessed, preprocess } from './preprocess.js';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A configuration carried over: files to write, and what has to be looked at by a person. */
export interface ImportedConfiguration {
  readonly settings: { [key: string]: Json };
  /** Partition files by name. */
  readonly partitions: ReadonlyMap<string, { [key: string]: Json }>;
  /** One line each, "line N: ...". */
  readonly notes: readonly string[];
}

/** Partition-specific parameters: in Kamailio's case they go into the partition's file with its flavour. */
const PARTITION_KEYS = new Set([
  'db_url',
  'table_name',
  'dst_avp',
  'grp_avp',
  'cnt_avp',
  'sock_avp',
  'attrs_avp',
  'list_file',
]);

/**
 * Reads the parameters of a real opensips.cfg or kamailio.cfg that the dispatcher, tm, MI and the listening sockets are
 * set by. Routing logic is not translated: the dispatcher calls found are shown as a rule to start from. Never throws
 * for what it does not understand; that is in `notes`.
 */
export function importCfg(text: string): ImportedConfiguration {
  const { text: carriedOut, notes } = preprocess(text);
  return new Import(readCfg(carriedOut), notes).run();
}

class Import {
  private readonly settings: { [key: string]: Json } = { $schema: './schemas/settings.schema.json' };
  private readonly partitions = new Map<string, { [key: string]: Json }>();
  private readonly modparam: { [key: string]: Json } = {};
  private readonly tm: { [key: string]: Json } = {};
  private readonly fifo: { [key: string]: Json } = {};
  private readonly jsonrpc: { [key: string]: Json } = {};
  private readonly ctl: { [key: string]: Json }[] = [];
  private readonly datagrams: { [key: string]: Json }[] = [];
  private readonly listen: string[] = [];
  private readonly notes: string[] = [];
  /** Modules whose parameters nobody here knows. */
  private readonly passedOver = new Set<string>();
  private readonly http: { ip?: string; port?: number; root?: string } = {};
  private readonly kamailio: boolean;
  private readonly known = new Set(Object.keys(readSchema('modparam').properties ?? {}));

  constructor(
    private readonly statements: readonly CfgStatement[],
    notes: Preprocessed['notes'],
  ) {
    for (const { line, text } of notes) this.note(line, text);
    this.kamailio = statements.some(
      (each) =>
        (each.kind === 'directive' && /^#!KAMAILIO|^#!SER/i.test(each.text)) ||
        (each.kind === 'modparam' &&
          each.modules.includes('dispatcher') &&
          /^(list_file|flags|ds_hash_size|xavp_dst)$/.test(each.name)) ||
        (each.kind === 'module' && /^(tmx|jsonrpcs|ctl|siputils)$/.test(each.name)),
    );
  }

  run(): ImportedConfiguration {
    for (const each of this.statements) {
      if (each.kind === 'modparam') this.take(each);
      else if (each.kind === 'setting') this.takeSetting(each);
    }
    this.finish();
    return { settings: this.settings, partitions: this.partitions, notes: this.notes };
  }

  private note(line: number, text: string): void {
    this.notes.push(`line ${line}: ${text}`);
  }

  private take(param: Extract<CfgStatement, { kind: 'modparam' }>): void {
    for (const module of param.modules) {
      switch (module) {
        case 'dispatcher':
          this.takeDispatcher(param);
          break;
        case 'tm':
          this.takeTm(param);
          break;
        case 'mi_fifo':
          if (param.name === 'fifo_name' || param.name === 'reply_dir') this.fifo[param.name] = String(param.value);
          else if (param.name === 'fifo_mode') this.fifo['fifo_mode'] = mode(param.value);
          else this.note(param.line, `mi_fifo ${param.name} has no counterpart`);
          break;
        case 'mi_datagram':
          if (param.name === 'socket_name') this.datagrams.push({ socket_name: String(param.value) });
          else if (param.name === 'unix_socket_mode') this.unixMode(param);
          else this.note(param.line, `mi_datagram ${param.name} has no counterpart`);
          break;
        case 'jsonrpcs':
          if (/^(fifo_name|fifo_reply_dir|dgram_socket)$/.test(param.name))
            this.jsonrpc[param.name] = String(param.value);
          else if (/^(fifo|dgram)_mode$/.test(param.name)) this.jsonrpc[param.name] = mode(param.value);
          else this.note(param.line, `jsonrpcs ${param.name} has no counterpart`);
          break;
        case 'ctl':
          if (param.name === 'binrpc') this.ctl.push({ socket_name: String(param.value) });
          else if (param.name === 'mode' && this.ctl.length > 0)
            this.ctl.at(-1)!['unix_socket_mode'] = mode(param.value);
          else this.note(param.line, `ctl ${param.name} has no counterpart`);
          break;
        case 'httpd':
          if (param.name === 'ip') this.http.ip = String(param.value);
          else if (param.name === 'port') this.http.port = Number(param.value);
          break;
        case 'mi_http':
          if (param.name === 'root') this.http.root = String(param.value);
          break;
        default:
          if (/^(event_|nats|rabbitmq)/.test(module)) {
            this.note(param.line, `${module} ${param.name}: events go to NATS here (settings key "events")`);
          } else this.passedOver.add(module);
      }
    }
  }

  private takeDispatcher(param: Extract<CfgStatement, { kind: 'modparam' }>): void {
    const { name, value, line } = param;
    if (name === 'partition') {
      this.takePartition(String(value), line);
      return;
    }
    if (!this.known.has(name)) {
      this.note(line, `dispatcher parameter "${name}" is not known and was left out`);
      return;
    }
    if (name === 'db_url' && !/^(mysql|postgres(ql)?|sqlite|text):/i.test(String(value))) {
      this.note(line, `db_url "${String(value).replace(/:\/\/.*@/, '://...@')}": no driver for it here`);
      return;
    }
    if (this.kamailio && PARTITION_KEYS.has(name)) {
      const partition = this.partition('default');
      if (name === 'list_file') partition['db_url'] = `list:${String(value)}`;
      else partition[name] = value;
      return;
    }
    if (name === 'ds_define_blacklist') {
      const lists = this.modparam[name];
      this.modparam[name] = Array.isArray(lists) ? [...lists, String(value)] : [String(value)];
    } else {
      if (this.modparam[name] !== undefined) this.note(line, `"${name}" is set again; the last value counts`);
      this.modparam[name] = value;
    }
  }

  private takePartition(text: string, line: number): void {
    try {
      const parsed = parsePartitionString(text);
      if (parsed.kind === 'redirect') {
        this.settings['default'] = parsed.target;
        return;
      }
      const partition = this.partition(parsed.name);
      for (const [key, value] of parsed.params) {
        if (key === 'ds_define_blacklist') {
          const lists = partition[key];
          partition[key] = Array.isArray(lists) ? [...lists, value] : [value];
        } else partition[key] = value;
      }
    } catch (error) {
      this.note(line, `partition "${text.slice(0, 40)}...": ${messageOf(error)}`);
    }
  }

  private partition(name: string): { [key: string]: Json } {
    let partition = this.partitions.get(name);
    if (partition === undefined) {
      partition = {
        $schema: '../schemas/partition.schema.json',
        name,
        ...(this.kamailio ? { flavour: 'kamailio' } : {}),
      };
      this.partitions.set(name, partition);
    }
    return partition;
  }

  private takeTm({ name, value, line }: Extract<CfgStatement, { kind: 'modparam' }>): void {
    // Kamailio counts these in milliseconds, OpenSIPS in seconds.
    const seconds = this.kamailio ? Number(value) / 1000 : Number(value);
    switch (name) {
      case 'fr_timeout':
      case 'fr_timer':
        this.tm['fr_timeout'] = seconds;
        return;
      case 'fr_inv_timeout':
      case 'fr_inv_timer':
        this.tm['fr_inv_timeout'] = seconds;
        return;
      case 'T1_timer':
      case 'retr_timer1':
        this.tm['t1'] = Number(value);
        return;
      case 'T2_timer':
      case 'retr_timer2':
        this.tm['t2'] = Number(value);
        return;
      case 'auto_100trying':
      case 'auto_inv_100':
        this.tm['auto_100'] = Number(value) !== 0;
        return;
      default:
        this.note(line, `tm ${name} has no counterpart`);
    }
  }

  private unixMode({ value, line }: Extract<CfgStatement, { kind: 'modparam' }>): void {
    const last = this.datagrams[this.datagrams.length - 1];
    if (last === undefined) this.note(line, 'mi_datagram unix_socket_mode stands before any socket_name');
    else last['unix_socket_mode'] = mode(value);
  }

  private takeSetting({ name, value, line }: Extract<CfgStatement, { kind: 'setting' }>): void {
    if (name === 'listen' || name === 'socket') {
      this.takeSocket(name, value, line);
    } else if (name === 'log_level' || name === 'debug') {
      const level = Number(value);
      const names = ['error', 'error', 'warn', 'info', 'debug'] as const;
      if (Number.isInteger(level))
        this.settings['log'] = { level: names[Math.min(4, Math.max(0, level + (this.kamailio ? 1 : 0)))] ?? 'info' };
    } else if (name === 'advertised_address') this.settings['advertise'] = value;
    else if (name === 'alias') {
      this.note(line, `alias=${value} has no counterpart: rules say which requests are taken`);
    } else if (name === 'port') this.note(line, `port=${value}: write it into the sockets of "listen"`);
  }

  /** "udp:host:port [as|advertise host:port] [option ...]" */
  private takeSocket(name: string, value: string, line: number): void {
    const parts = /^(\S+)(?:\s+(?:as|advertise)\s+(\S+))?(?:\s+(\S.*))?$/i.exec(value.trim());
    const [, socket = '', advertised, options] = parts ?? [];
    const protocol = /^([a-z]\w*):(?!\/)/i.exec(socket)?.[1] ?? '';
    if (/^(?:hep|bin|smpp|msrp|ipsec)/i.test(protocol)) {
      this.note(line, `${name}=${value}: protocol ${protocol} has no counterpart`);
      return;
    }
    const [named = '', label] = /(?:^|\s)name\s+"?([\w.-]+)"?/i.exec(options ?? '') ?? [];
    const text = `${socket}${advertised === undefined ? '' : ` as ${advertised}`}${label === undefined ? '' : ` name ${label}`}`;
    try {
      parseSocket(text);
      this.listen.push(text);
      // How many processes serve a socket is no question here.
      const other = (options ?? '')
        .replace(named, '')
        .replace(/use_(?:children|workers)\s+\d+/i, '')
        .trim();
      if (other !== '') this.note(line, `${name}=${text}: its options have no counterpart: ${other}`);
    } catch (error) {
      this.note(line, `${name}=${value}: ${messageOf(error)}`);
    }
  }

  private finish(): void {
    const { settings } = this;
    if (this.listen.length > 0) settings['listen'] = this.listen;
    else this.notes.push('no listening socket could be carried over: add "listen"');
    settings['partitions'] = this.partitions.size === 0 ? [] : './partitions';
    if (Object.keys(this.modparam).length > 0) settings['modparam'] = this.modparam;
    settings['routing'] = this.rules();
    if (Object.keys(this.tm).length > 0) settings['tm'] = this.tm;
    if (this.passedOver.size > 0) {
      this.notes.push(`parameters of these modules have no counterpart: ${[...this.passedOver].sort().join(', ')}`);
    }
    const mi: { [key: string]: Json } = {};
    if (Object.keys(this.fifo).length > 0) mi['fifo'] = this.fifo;
    if (this.datagrams.length > 0) mi['datagram'] = this.datagrams;
    if (this.ctl.length > 0) mi['ctl'] = this.ctl;
    if (Object.keys(this.jsonrpc).length > 0) mi['jsonrpc'] = this.jsonrpc;
    if (this.http.port !== undefined) {
      settings['http'] = `${this.http.ip ?? '127.0.0.1'}:${this.http.port}`;
      mi['http'] = { root: this.http.root ?? 'mi' };
    }
    if (Object.keys(mi).length > 0) settings['mi'] = mi;
    for (const each of this.statements) {
      if (each.kind === 'route')
        this.note(each.line, `${each.head}: routing logic is not translated; see "routing" and route scripts`);
    }
  }

  /** A rule from the dispatcher calls of the script: what a person starts from. */
  private rules(): Json[] {
    const calls = this.statements.filter((each) => each.kind === 'call');
    const recordRoute = calls.some((each) => each.name === 'record_route');
    const selections = calls.filter((each) => /^ds_select_(dst|domain|routes)$/.test(each.name));
    const checked = calls.find((each) => each.name === 't_check_status')?.args[0] ?? '';
    const codes = statusCodes(checked);
    const mark = calls
      .find((each) => each.name === 'ds_mark_dst')
      ?.args.at(-1)
      ?.toLowerCase()
      .charAt(0);
    const [first, ...others] = selections;
    if (first === undefined) return [];
    for (const each of others)
      this.note(each.line, `a further ${each.name}(${each.args.join(', ')}): add a rule for it`);
    this.note(
      first.line,
      `${first.name}(${first.args.join(', ')}) became the rule in "routing": check what it should match`,
    );
    const select = this.select(first, calls.some((each) => each.name.startsWith('ds_next')) ? 'f' : '');
    return [
      {
        match: {},
        select,
        failover: {
          codes: codes.length > 0 ? codes : ['408', '5xx'],
          ...(mark === 'p' || mark === 'i' || mark === 'a' ? { mark } : {}),
        },
        record_route: recordRoute,
      },
    ];
  }

  /**
   * (set, alg[, flags[, partition[, max_res]]]) of OpenSIPS, (set, alg[, limit]) of Kamailio, (rules, mode[, limit]) of its
   * ds_select_routes. An argument that is left out is ''.
   */
  private select({ name, args }: Extract<CfgStatement, { kind: 'call' }>, failover: string): { [key: string]: Json } {
    const [set, alg = '', third = '', partition = '', fifth = ''] = args;
    const flags = this.kamailio ? '' : third;
    const most = this.kamailio ? third.replace(/^0$/, '') : fifth;
    const routes = name === 'ds_select_routes';
    const domain = name === 'ds_select_domain' || (routes && /^[1rR]/.test(alg));
    return {
      ...(partition === '' ? {} : { partition }),
      ...(routes ? { rules: set ?? '' } : { set: numeric(set || '1'), alg: numeric(alg || '4') }),
      flags: flags || failover,
      ...(most === '' ? {} : { max_res: numeric(most) }),
      ...(domain ? { fn: 'domain' } : {}),
    };
  }
}

/** A number where the text is one, else the text: a variable, a list. */
function numeric(text: string): number | string {
  return /^[0-9]+$/.test(text) ? Number(text) : text;
}

/** Codes and classes of a t_check_status expression: "(408)|([56][0-9][0-9])" is 408, 5xx and 6xx. */
function statusCodes(expression: string): string[] {
  const codes: string[] = [];
  for (const [, digits, rest] of expression.matchAll(/\[?([3-6]+)\]?(\[0-9\]\[0-9\]|[0-9]{2}|xx|\.\.)/g)) {
    const tail = /^[0-9]{2}$/.test(rest ?? '') ? (rest as string) : 'xx';
    for (const digit of digits ?? '') codes.push(`${digit}${tail}`);
  }
  return [...new Set(codes)];
}

function mode(value: string | number): string {
  const digits = String(value).replace(/^0o?/, '');
  return `0${digits}`;
}
