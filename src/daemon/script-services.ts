import { parseDatabaseUrl } from '../config/db-url.js';
import { systemClock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { within } from '../core/within.js';
import type { PvarValue } from '../pvar/context.js';
import type {
  HttpAnswer,
  HttpFailure,
  HttpRequest,
  RpcAnswer,
  RpcSender,
  ScriptServices,
  SqlDatabase,
} from '../script/services.js';
import { isSqlUrl } from '../store/dialects.js';
import { DatabasePools } from '../store/pools.js';
import { Statements } from '../store/statements.js';
import { exchange } from './http-exchange.js';

/** Milliseconds a statement of a script may take, since a request waits for it. */
const STATEMENT_MS = 5000;

/** Milliseconds for writing what waits for databases at the end. */
const ENDING_MS = 3000;

/** What the services of a script need. */
export interface ScriptServicesOptions {
  /** Folder from which relative paths in database URLs start. */
  readonly folder: () => string;
  /** Publishes on "<prefix>.calls.<partition>.<kind>"; false where nothing is published. */
  readonly publish: (partition: string, kind: string, text: string) => boolean;
  readonly sharingTag: (name: string) => 'active' | 'backup' | undefined;
  /** Sends events to a socket; returns an error text. */
  readonly subscribe: (event: string, socket: string, seconds: number | undefined) => string | undefined;
  /** Whether an event has subscribers; sends it to them. */
  readonly subscribed: ScriptServices['subscribed'];
  readonly raise: ScriptServices['raise'];
  /** Sends copies of messages to a capture server. */
  readonly captures: () => ScriptServices['captures'];
  /** Runs one of Kamailio's RPC commands. */
  readonly rpc: ScriptServices['rpc'];
  /** Runs a management command. */
  readonly mi: ScriptServices['mi'];
  /** Keeps the contents of call records in the main process; undefined in that process. */
  readonly keep?: ScriptServices['keep'];
  readonly log: Logger;
}

/** Databases and other services for the modules of a script; successive configurations share the pools. */
export class OutsideServices implements ScriptServices {
  private readonly pools: DatabasePools;
  private readonly databases = new Map<string, Statements>();
  private readonly endings: (() => Promise<void>)[] = [];

  constructor(private readonly options: ScriptServicesOptions) {
    this.pools = new DatabasePools(options.log, { operationMs: STATEMENT_MS });
  }

  database(text: string): SqlDatabase {
    const url = parseDatabaseUrl(text, this.options.folder());
    if (!isSqlUrl(url)) throw new SwitchyardError('STORE_DRIVER', `${url.display}: only SQL databases take statements`);
    let found = this.databases.get(url.canonical);
    if (found === undefined) {
      found = new Statements(this.pools.open(url));
      this.databases.set(url.canonical, found);
    }
    return found;
  }

  beforeClosing(write: () => Promise<void>): void {
    this.endings.push(write);
  }

  http(request: HttpRequest): Promise<HttpAnswer | HttpFailure> {
    return exchange(request);
  }

  get captures(): ScriptServices['captures'] {
    return this.options.captures();
  }

  rpc(text: string, sender: RpcSender | undefined): Promise<RpcAnswer | undefined> {
    return this.options.rpc(text, sender);
  }

  mi(...asked: Parameters<ScriptServices['mi']>): ReturnType<ScriptServices['mi']> {
    return this.options.mi(...asked);
  }

  subscribe(event: string, socket: string, seconds: number | undefined): string | undefined {
    return this.options.subscribe(event, socket, seconds);
  }

  subscribed(event: string): boolean {
    return this.options.subscribed(event);
  }

  raise(event: string, params: ReadonlyMap<string, PvarValue>): void {
    this.options.raise(event, params);
  }

  publish(partition: string, kind: string, text: string): boolean {
    return this.options.publish(partition, kind, text);
  }

  get keep(): ScriptServices['keep'] {
    return this.options.keep;
  }

  sharingTag(name: string): 'active' | 'backup' | undefined {
    return this.options.sharingTag(name);
  }

  /** Closes all databases when pending writes are done, or time is up. */
  async stop(): Promise<void> {
    const endings = this.endings.splice(0);
    if (endings.length > 0) await within(systemClock, ENDING_MS, Promise.all(endings.map((write) => write())));
    await Promise.all([...this.databases.values()].map((each) => each.release()));
    this.databases.clear();
  }
}

/** The text of what `act` throws; undefined when it throws nothing. */
export function faultOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
