import { messageOf } from '../../core/errors.js';
import type { ModuleParameters, ScriptEnvironment } from '../../script/environment.js';
import type { SqlDatabase } from '../../script/services.js';
import { isSqlName, sqlCondition } from '../sql.js';
import type { Binding } from './contact.js';
import { Locations, Ruids, type UnsavedContacts } from './locations.js';
import { bindingOf, columnsOf } from './rows.js';
import { type Column, type UsrlocSettings, usrlocSettings } from './settings.js';

/** Rows that one statement reads or writes. */
const READ = 1000;
const WRITE = 50;
/** The most requests that wait for one address of record. */
const MOST_WAITING = 100;
/** Location tables of one file. */
const MOST_TABLES = 64;

/** One location table with what a database has of it. */
export class LocationTable {
  readonly locations: Locations;
  private loading: Promise<void> | undefined;
  private isLoaded = false;
  private writing: Promise<boolean> = Promise.resolve(true);
  private database: SqlDatabase | undefined;
  /** Requests waiting for an address of record that another request works on. */
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(
    readonly name: string,
    readonly settings: UsrlocSettings,
    locations?: Locations,
  ) {
    this.locations = locations ?? new Locations(settings.mode !== 0);
    this.isLoaded = locations !== undefined;
  }

  /** Does something with an address of record as the database has it; a promise only where that has to be asked. */
  use<T>(env: ScriptEnvironment, aor: string, act: () => T | Promise<T>): T | Promise<T> {
    const { mode } = this.settings;
    if (mode === 3) return this.alone(env, aor, act);
    return mode === 0 || this.isLoaded ? act() : this.load(env).then(act);
  }

  /** Reads the table once; a table that cannot be read is logged and read again when it is asked for. */
  load(env: ScriptEnvironment): Promise<void> {
    this.loading ??= this.readAll(env).then(
      () => {
        this.isLoaded = true;
      },
      (error: unknown) => {
        this.loading = undefined;
        env.peerLog.error({ err: messageOf(error), table: this.name }, 'usrloc: the table cannot be read');
      },
    );
    return this.loading;
  }

  /** Writes what has changed; false where the database did not take it: it is tried again with the next change. */
  flush(env: ScriptEnvironment): Promise<boolean> {
    this.writing = this.writing.then(() => this.write(env));
    return this.writing;
  }

  /** Takes rows that have expired out of a table of which nothing is kept in memory. */
  async clean(env: ScriptEnvironment, now: number): Promise<void> {
    const { columns } = this.settings;
    const { expires } = columnsOf({ ...NOBODY, expires: now }, this.settings);
    const never = columnsOf({ ...NOBODY, expires: 0 }, this.settings).expires;
    const database = this.open(env);
    const [then, none] = [database.quoted(expires), database.quoted(never)];
    const condition = `${columns.expires} < ${then} AND ${columns.expires} <> ${none}`;
    await database.query(`DELETE FROM ${this.name} WHERE ${condition}`);
  }

  private open(env: ScriptEnvironment): SqlDatabase {
    if (!isSqlName(this.name)) throw new Error(`"${this.name}" is not a name of a table`);
    if (this.database === undefined) {
      this.database = env.services.database(this.settings.url);
      env.services.beforeClosing?.(async () => {
        await this.flush(env);
      });
    }
    return this.database;
  }

  /**
   * Runs requests about one address of record one after another. Its contacts are in memory only meanwhile; a request that read them before
   * another has written its changes would undo these.
   */
  private async alone<T>(env: ScriptEnvironment, aor: string, act: () => T | Promise<T>): Promise<T> {
    const queue = this.waiting.get(aor);
    if (queue === undefined) this.waiting.set(aor, []);
    else if (queue.length >= MOST_WAITING)
      throw new Error(`usrloc: too many requests about ${aor} wait for the database`);
    else await new Promise<void>((resolve) => queue.push(resolve));
    try {
      await this.reload(env, aor);
      return await act();
    } finally {
      this.locations.forget(aor);
      const next = this.waiting.get(aor)?.shift();
      if (next === undefined) this.waiting.delete(aor);
      else next();
    }
  }

  private async reload(env: ScriptEnvironment, aor: string): Promise<void> {
    try {
      const database = this.open(env);
      const { columns, useDomain } = this.settings;
      const at = useDomain ? aor.lastIndexOf('@') : -1;
      const user: [string, string] = [columns.user, at < 0 ? aor : aor.slice(0, at)];
      const where = sqlCondition(database, at < 0 ? [user] : [user, [columns.domain, aor.slice(at + 1)]]);
      const rows = await this.read(env, `WHERE ${where} LIMIT ${READ}`);
      this.locations.forget(aor);
      this.locations.enter(rows);
    } catch (error) {
      env.peerLog.error({ err: messageOf(error), table: this.name }, 'usrloc: the table cannot be read');
    }
  }

  private async readAll(env: ScriptEnvironment): Promise<void> {
    const { ruid } = this.settings.columns;
    for (let after = ''; ; ) {
      const rows = await this.read(
        env,
        `WHERE ${ruid} > ${this.open(env).quoted(after)} ORDER BY ${ruid} LIMIT ${READ}`,
      );
      this.locations.enter(rows);
      const last = rows.at(-1)?.ruid;
      if (rows.length < READ || last === undefined || last <= after) return;
      after = last;
    }
  }

  private async read(env: ScriptEnvironment, rest: string): Promise<Binding[]> {
    const names = Object.keys(this.settings.columns) as Column[];
    const list = names.map((each) => this.settings.columns[each]).join(', ');
    const { rows } = await this.open(env).query(`SELECT ${list} FROM ${this.name} ${rest}`);
    return rows
      .map((row) => bindingOf(row, names, this.settings))
      .filter((each): each is Binding => each !== undefined);
  }

  private async write(env: ScriptEnvironment): Promise<boolean> {
    const { locations } = this;
    if (locations.changes.size === 0) return true;
    const taken: UnsavedContacts = locations.changes;
    locations.changes = new Map();
    try {
      const database = this.open(env);
      await this.writeAll(env, database, taken);
      return true;
    } catch (error) {
      // What has changed again meanwhile is newer.
      for (const [ruid, binding] of taken) if (!locations.changes.has(ruid)) locations.changes.set(ruid, binding);
      const waiting = locations.changes.size;
      env.peerLog.error({ err: messageOf(error), table: this.name, waiting }, 'usrloc: contacts cannot be written');
      return false;
    }
  }

  private async writeAll(env: ScriptEnvironment, database: SqlDatabase, taken: UnsavedContacts): Promise<void> {
    const { columns } = this.settings;
    const { stored } = this.locations;
    const named = (binding: Binding): [ruid: string, row: Record<string, string | number | null>] => [
      binding.ruid,
      Object.fromEntries(
        Object.entries(columnsOf(binding, this.settings)).map(([column, value]) => [columns[column as Column], value]),
      ),
    ];
    const present = [...taken].flatMap(([, each]) => (each === undefined ? [] : [named(each)]));
    const gone = [...taken].flatMap(([ruid, each]) => (each === undefined ? [ruid] : []));
    for (let i = 0; i < gone.length; i += WRITE) {
      const some = gone.slice(i, i + WRITE);
      const list = some.map((each) => database.quoted(each)).join(', ');
      await database.query(`DELETE FROM ${this.name} WHERE ${columns.ruid} IN (${list})`);
      for (const each of some) stored.delete(each);
      for (const each of some) taken.delete(each);
    }
    for (const [ruid, row] of present.filter(([each]) => stored.has(each))) {
      const set = Object.entries(row).map(([name, value]) => `${name} = ${database.quoted(value)}`);
      const where = `${columns.ruid} = ${database.quoted(ruid)}`;
      await this.attempt(env, taken, [ruid], () =>
        database.query(`UPDATE ${this.name} SET ${set.join(', ')} WHERE ${where}`),
      );
    }
    const added = present.filter(([each]) => !stored.has(each));
    const insert = (some: typeof added) =>
      this.attempt(
        env,
        taken,
        some.map(([ruid]) => ruid),
        () =>
          database.insert(
            this.name,
            some.map(([, row]) => ({ ...row, server_id: 0, connection_id: -1, keepalive: 0, partition: 0 })),
          ),
      );
    for (let i = 0; i < added.length; i += WRITE) {
      const some = added.slice(i, i + WRITE);
      // One row that the table does not take must not hold up the others.
      if (!(await insert(some)) && some.length > 1) for (const each of some) await insert([each]);
    }
  }

  /** Writes contacts; false where the table does not take them. A single one is left out then. Throws what can be tried again. */
  private async attempt(
    env: ScriptEnvironment,
    taken: UnsavedContacts,
    ruids: readonly string[],
    write: () => Promise<unknown>,
  ): Promise<boolean> {
    try {
      await write();
      for (const each of ruids) this.locations.stored.add(each);
    } catch (error) {
      if ((error as { retryable?: unknown }).retryable === true) throw error;
      if (ruids.length > 1) return false;
      env.peerLog.error({ err: messageOf(error), table: this.name }, 'usrloc: a contact cannot be written');
    }
    for (const each of ruids) taken.delete(each);
    return true;
  }
}

const NOBODY: Binding = {
  ruid: '',
  aor: '',
  uri: '',
  received: undefined,
  path: undefined,
  expires: 0,
  q: -1,
  callId: '',
  cseq: 0,
  flags: 0,
  cflags: 0,
  userAgent: '',
  socket: undefined,
  methods: 0,
  instance: undefined,
  regId: 0,
  modified: 0,
};

/** The location tables of a file; what is in memory outlives a reload of it. */
export class LocationStore {
  readonly tables = new Map<string, LocationTable>();
  readonly settings: UsrlocSettings;
  private ruids: Ruids | undefined;

  constructor(parameters: ModuleParameters, before?: LocationStore) {
    this.settings = usrlocSettings(parameters);
    this.ruids = before?.ruids;
    const same = before !== undefined && before.settings.mode === this.settings.mode;
    if (same && before.settings.url === this.settings.url)
      for (const [name, { locations }] of before.tables)
        this.tables.set(name, new LocationTable(name, this.settings, locations));
  }

  /** The table of a name; undefined where there are too many. */
  of(name: string): LocationTable | undefined {
    let table = this.tables.get(name);
    if (table === undefined && this.tables.size < MOST_TABLES) {
      table = new LocationTable(name, this.settings);
      this.tables.set(name, table);
    }
    return table;
  }

  /** A name for a new contact. */
  ruid({ random, clock }: ScriptEnvironment): string {
    this.ruids ??= new Ruids(random, secondsNow({ clock }));
    return this.ruids.make();
  }
}

/** Seconds since 1970. */
export function secondsNow({ clock }: Pick<ScriptEnvironment, 'clock'>): number {
  return Math.floor(clock.now() / 1000);
}

/** The location tables of a file. */
export const locationStore = {
  module: 'usrloc',
  create: (parameters: ModuleParameters) => new LocationStore(parameters),
  renew: (before: LocationStore, parameters: ModuleParameters) => new LocationStore(parameters, before),
};
