import { parseDatabaseUrl } from '../config/db-url.js';
import { systemClock } from '../core/clock.js';
import { messageOf, SwitchyardError } from '../core/errors.js';
import type { Logger } from '../core/logger.js';
import { within } from '../core/within.js';
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

/** Milliseconds one statement of a script may take: a request waits for it. */
const STATEMENT_MS = 5000;

/** Milliseconds in which what waits for databases has to be written at the end. */
const ENDING_MS = 1000;

/** What the services of a script are made with. */
export interface ScriptServicesOptions {
  /** Folder relative paths of database URLs start from. */
  readonly folder: () => string;
  /** Publishes on "<prefix>.calls.<partition>.<kind>"; false where nothing is published. */
  readonly publish: (partition: string, kind: string, text: string) => boolean;
  readonly sharingTag: (name: string) => 'active' | 'backup' | undefined;
  /** Sends an event to a socket; what is wrong with that. */
  readonly subscribe: (event: string, socket: string, seconds: number | undefined) => string | undefined;
  /** Copies of messages for a capture server. */
  readonly captures: () => ScriptServices['captures'];
  /** Runs a command of Kamailio's RPC. */
  readonly rpc: ScriptServices['rpc'];
  readonly log: Logger;
}

/** Databases and the like for the modules of a script; the pools are shared by its configurations. */
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

  subscribe(event: string, socket: string, seconds: number | undefined): string | undefined {
    return this.options.subscribe(event, socket, seconds);
  }

  publish(partition: string, kind: string, text: string): boolean {
    return this.options.publish(partition, kind, text);
  }

  sharingTag(name: string): 'active' | 'backup' | undefined {
    return this.options.sharingTag(name);
  }

  /** Closes all databases, when what waits for them is written, or cannot be in time. */
  async stop(): Promise<void> {
    const endings = this.endings.splice(0);
    if (endings.length > 0) await within(systemClock, ENDING_MS, Promise.all(endings.map((write) => write())));
    await Promise.all([...this.databases.values()].map((each) => each.release()));
    this.databases.clear();
  }
}

/** What is thrown, as text; undefined when nothing is. */
export function faultOf(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
