import { dirname, resolve } from 'node:path';
import type { ModuleParameter, Position } from '../../cfg/ast.js';
import { isTlsParameter } from '../../cfg-file/tls.js';
import { parsePartitionString } from '../../config/partition-string.js';
import { readSchema } from '../../config/schema.js';
import { messageOf } from '../../core/errors.js';
import type { WrittenJson } from './json.js';
import type { Ledger } from './ledger.js';

type Fields = { [key: string]: WrittenJson };

/** The counterpart in this product (src/daemon/route-scripts.ts). */
const EVENT_ROUTE = 'here it is an event route of a JavaScript route script (settings key "route_script")';

/** Parameters of a partition; those of Kamailio are written to the file of the default partition. */
const PARTITION_KEYS = new Set(['db_url', 'table_name', 'dst_avp', 'grp_avp', 'cnt_avp', 'sock_avp', 'attrs_avp']);
/** Modules whose parameters have no meaning for rules or the proxy. */
const SEVERAL = 'parameters of the module have no counterpart';
/** Default port of OpenSIPS' httpd. */
const HTTPD_PORT = 8888;

/** Imports module parameters. */
export class Modules {
  readonly modparam: Fields = {};
  readonly tm: Fields = {};
  readonly limits: Fields = {};
  readonly partitions = new Map<string, Fields>();
  defaultPartition: string | undefined;
  private readonly fifo: Fields = {};
  private readonly jsonrpc: Fields = {};
  private readonly ctl: Fields[] = [];
  private readonly datagrams: Fields[] = [];
  private readonly httpd: { ip?: string; port?: number; root?: string; used: boolean } = { used: false };
  private readonly pike: { period: number; density: number; at: Position | undefined } = {
    period: 2,
    density: 30,
    at: undefined,
  };
  private readonly known = new Set(Object.keys(readSchema('modparam').properties ?? {}));

  constructor(
    private readonly kamailio: boolean,
    private readonly modules: ReadonlySet<string>,
    private readonly ledger: Ledger,
  ) {}

  /** Imports a parameter, or reports why not. */
  take({ module, name, value, at }: ModuleParameter): void {
    for (const each of module.split('|')) this.one(each.trim(), name, value, at);
  }

  private one(module: string, name: string, value: string | number, at: Position): void {
    const none = () => this.ledger.leave(at, `${module} ${name} has no counterpart`);
    switch (module) {
      case 'dispatcher':
        this.dispatcher(name, value, at);
        return;
      case 'tm':
        if (!this.timer(name, value)) none();
        return;
      case 'mi_fifo':
        if (name === 'fifo_name' || name === 'reply_dir') this.fifo[name] = String(value);
        else if (name === 'fifo_mode') this.fifo['fifo_mode'] = mode(value);
        else none();
        return;
      case 'mi_datagram': {
        const last = this.datagrams.at(-1);
        if (name === 'socket_name') this.datagrams.push({ socket_name: String(value) });
        else if (name === 'unix_socket_mode' && last !== undefined) last['unix_socket_mode'] = mode(value);
        else if (name === 'unix_socket_mode') this.ledger.leave(at, `${module} ${name} comes before any socket_name`);
        else none();
        return;
      }
      case 'jsonrpcs':
        if (/^(?:fifo_name|fifo_reply_dir|dgram_socket)$/.test(name)) this.jsonrpc[name] = String(value);
        else if (/^(?:fifo|dgram)_mode$/.test(name)) this.jsonrpc[name] = mode(value);
        else none();
        return;
      case 'ctl': {
        const last = this.ctl.at(-1);
        if (name === 'binrpc') this.ctl.push({ socket_name: String(value) });
        else if (name === 'mode' && last !== undefined) last['unix_socket_mode'] = mode(value);
        else none();
        return;
      }
      case 'httpd':
        this.httpd.used = true;
        if (name === 'ip') this.httpd.ip = String(value);
        else if (name === 'port') this.httpd.port = Number(value);
        else none();
        return;
      case 'mi_http':
        if (name === 'root') this.httpd.root = String(value);
        else none();
        return;
      case 'prometheus':
      case 'xhttp_prom':
        this.ledger.note(at, `${module} ${name}: metrics are at /metrics of the listener "http", with other names`);
        return;
      case 'tls':
      case 'tls_mgm':
      case 'proto_tls':
        if (!isTlsParameter(name, this.kamailio ? 'kamailio' : 'opensips')) none();
        return;
      case 'pike':
        this.pikeParameter(name, Number(value), at);
        return;
      default:
        if (/^(?:event_|nats|rabbitmq)/.test(module)) {
          this.ledger.leave(at, `${module} ${name}: events go to NATS here (settings key "events")`);
        } else this.ledger.leaveRepeated(at, `module ${module}: ${SEVERAL}`);
    }
  }

  private dispatcher(name: string, value: string | number, at: Position): void {
    if (name === 'partition') {
      this.partitionString(String(value), at);
      return;
    }
    if (name === 'list_file') {
      // A relative path starts from the file that contains it; the written file is in another folder.
      this.partition('default')['db_url'] = `list:${resolve(dirname(at.file), String(value))}`;
      return;
    }
    if (name === 'event_callback' && value !== '') {
      this.ledger.leave(at, `event_callback names a function of a KEMI script: ${EVENT_ROUTE}`);
      return;
    }
    if (!this.known.has(name)) {
      this.ledger.leave(at, `dispatcher parameter "${name}" is not known and was left out`);
      return;
    }
    if (name === 'db_url' && !/^(?:mysql|postgres(?:ql)?|sqlite|text):/i.test(String(value))) {
      this.ledger.leave(
        at,
        `db_url "${String(value).replace(/:\/\/.*@/, '://...@')}": there is no driver for this kind of database`,
      );
      return;
    }
    if (this.kamailio && PARTITION_KEYS.has(name)) {
      this.partition('default')[name] = value;
      return;
    }
    const before = this.modparam[name];
    if (name === 'ds_define_blacklist') {
      this.modparam[name] = Array.isArray(before) ? [...before, String(value)] : [String(value)];
      return;
    }
    if (before !== undefined) this.ledger.note(at, `"${name}" is set again; the last value counts`);
    this.modparam[name] = value;
  }

  private partitionString(text: string, at: Position): void {
    try {
      const parsed = parsePartitionString(text);
      if (parsed.kind === 'redirect') {
        this.defaultPartition = parsed.target;
        return;
      }
      const partition = this.partition(parsed.name);
      for (const [key, value] of parsed.params) {
        const before = partition[key];
        if (key !== 'ds_define_blacklist') partition[key] = value;
        else partition[key] = Array.isArray(before) ? [...before, value] : [value];
      }
    } catch (error) {
      this.ledger.leave(at, `partition "${text.slice(0, 40).replace(/:\/\/.*@/, '://...@')}": ${messageOf(error)}`);
    }
  }

  /** The fields of a partition's file. */
  partition(name: string): Fields {
    let partition = this.partitions.get(name);
    if (partition === undefined) {
      partition = { name, ...(this.kamailio ? { flavour: 'kamailio' } : {}) };
      this.partitions.set(name, partition);
    }
    return partition;
  }

  private timer(name: string, value: string | number): boolean {
    // Kamailio uses milliseconds, OpenSIPS seconds.
    const seconds = this.kamailio ? Number(value) / 1000 : Number(value);
    switch (name) {
      case 'fr_timeout':
      case 'fr_timer':
        this.tm['fr_timeout'] = seconds;
        return true;
      case 'fr_inv_timeout':
      case 'fr_inv_timer':
        this.tm['fr_inv_timeout'] = seconds;
        return true;
      case 'T1_timer':
      case 'retr_timer1':
        this.tm['t1'] = Number(value);
        return true;
      case 'T2_timer':
      case 'retr_timer2':
        this.tm['t2'] = Number(value);
        return true;
      case 'auto_100trying':
      case 'auto_inv_100':
        this.tm['auto_100'] = Number(value) !== 0;
        return true;
      default:
        return false;
    }
  }

  private pikeParameter(name: string, value: number, at: Position): void {
    this.pike.at ??= at;
    if (name === 'sampling_time_unit' && value > 0) this.pike.period = value;
    else if (name === 'reqs_density_per_unit' && value > 0) this.pike.density = value;
    else this.ledger.leave(at, `pike ${name} has no counterpart`);
  }

  /** Writes the collected values to the settings. */
  finish(settings: Fields): void {
    if (this.defaultPartition !== undefined) settings['default'] = this.defaultPartition;
    if (this.pike.at !== undefined || this.modules.has('pike')) {
      const rate = Math.max(1, Math.round(this.pike.density / this.pike.period));
      this.limits['requests_per_second_per_source'] = rate;
      this.ledger.note(this.pike.at, `pike: "limits" allows ${rate} new requests a second from one address`);
    }
    const mi: Fields = {};
    if (this.fifo['fifo_name'] !== undefined) mi['fifo'] = this.fifo;
    else if (Object.keys(this.fifo).length > 0 || this.modules.has('mi_fifo')) {
      mi['fifo'] = { fifo_name: '/tmp/opensips_fifo', ...this.fifo };
    }
    if (this.datagrams.length > 0) mi['datagram'] = this.datagrams;
    if (this.ctl.length > 0) mi['ctl'] = this.ctl;
    if (Object.keys(this.jsonrpc).length > 0) mi['jsonrpc'] = this.jsonrpc;
    const metrics = this.modules.has('prometheus') || this.modules.has('xhttp_prom');
    if (this.httpd.used || this.modules.has('httpd') || this.httpd.root !== undefined || metrics) {
      const host = this.httpd.ip ?? '127.0.0.1';
      settings['http'] =
        `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${this.httpd.port ?? HTTPD_PORT}`;
      if (this.httpd.ip === undefined) {
        this.ledger.note(
          undefined,
          `"http" listens on ${settings['http'] as string}: the file names no address for it`,
        );
      }
      if (this.modules.has('mi_http') || this.httpd.root !== undefined) mi['http'] = { root: this.httpd.root ?? 'mi' };
    }
    if (Object.keys(mi).length > 0) settings['mi'] = mi;
    if (Object.keys(this.limits).length > 0) settings['limits'] = this.limits;
  }
}

function mode(value: string | number): string {
  // A number in the file was octal.
  const digits = typeof value === 'number' ? value.toString(8) : value.replace(/^0o?/, '');
  return `0${digits.padStart(3, '0')}`;
}
