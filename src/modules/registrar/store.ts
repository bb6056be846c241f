import { messageOf, SwitchyardError } from '../../core/errors.js';
import type { ModuleParameters, ScriptEnvironment } from '../../script/environment.js';
import type { SqlDatabase } from '../../script/services.js';
import { isSqlName, sqlCondition } from '../sql.js';
import type { Binding } from './contact.js';
import { Locations, Ruids, type UnsavedContacts } from './locations.js';
import { bindingOf, columnsOf, timeColumn } from './rows.js';
import { type Column, type UsrlocSettings, usrlocSettings } from './settings.js';

/** Maximum number of rows that one statement reads, and writes. */
const READ = 1000;
const WRITE = 50;
/** Maximum number of requests that wait for one address of record. */
const MAX_WAITING = 100;
/** Maximum number of location tables of one file. */
const MAX_TABLES = 64;
/** Milliseconds for which a database that did not answer is not queried. */
const RETRY_AFTER_MS = 1000;

/** One location table, with its connection to the database. */
export class LocationTable {
  readonly locations: Locations;
  private loading: Promise<void> | undefined;
  private isLoaded = false;
  private writing: Promise<boolean> = Promise.resolve(true);
  /** The next write, which has not begun: it includes the changes made until it begins. */
  private nextWrite: Promise<boolean> | undefined;
  private database: SqlDatabase | undefined;
  /** When a database that did not answer is queried again, and whether a request is trying it. */
  private nextAttemptAt = 0;
  private isTrying = false;
  /** Requests that wait until another one has finished with their address of record. */
  private readonly waiting = new Map<string, (() => void)[]>();

  constructor(
    readonly name: string,
    readonly settings: UsrlocSettings,
    locations?: Locations,
  ) {
    this.locations = locations ?? new Locations(settings.mode !== 0);
    this.isLoaded = locations !== undefined;
  }

  /**
   * Runs a function on an address of record as the database has it; returns a promise only when the database has to be
   * queried.
   */
  use<T>(env: ScriptEnvironment, aor: string, act: () => T | Promise<T>): T | Promise<T> {
    const { mode } = this.settings;
    if (mode === 3) return this.alone(env, aor, act);
    return mode === 0 || this.isLoaded ? act() : this.load(env).then(act);
  }

  /** Reads the table once. An error is logged, and the table is read again at its next use. */
  load(env: ScriptEnvironment): Promise<void> {
    this.loading ??= this.asked(env, () => this.readAll(env)).then(
      () => {
        this.isLoaded = true;
      },
      (error: unknown) => {
        this.loading = undefined;
        this.logged(env, error, 'usrloc: the table cannot be read');
      },
    );
    return this.loading;
  }

  /**
   * Writes the changes; false when the database did not accept them: they are then tried again with the next change.
   */
  flush(env: ScriptEnvironment): Promise<boolean> {
    this.nextWrite ??= this.writing = this.writing.then(() => {
      this.nextWrite = undefined;
      return this.write(env);
    });
    return this.nextWrite;
  }

  /**
   * Queries the database. While it does not answer, only one request at a time tries it, at intervals; all others fail
   * at once instead of waiting.
   */
  private async asked<T>(env: ScriptEnvironment, work: () => Promise<T>): Promise<T> {
    const wasAway = this.nextAttemptAt > 0;
    if (wasAway && (this.isTrying || env.clock.now() < this.nextAttemptAt)) throw new DatabaseUnavailable();
    this.isTrying ||= wasAway;
    try {
      const result = await work();
      this.nextAttemptAt = 0;
      return result;
    } catch (error) {
      if (error instanceof SwitchyardError && error.code === 'STORE_UNREACHABLE')
        this.nextAttemptAt = env.clock.now() + RETRY_AFTER_MS;
      throw error;
    } finally {
      if (wasAway) this.isTrying = false;
    }
  }

  /** Logs a database error, unless the database was not queried, since its failure has been logged already. */
  private logged(env: ScriptEnvironment, error: unknown, message: string, more: object = {}): void {
    if (!(error instanceof DatabaseUnavailable))
      env.peerLog.error({ err: messageOf(error), table: this.name, ...more }, message);
  }

  /** Deletes expired rows of a table that is not kept in memory. */
  async clean(env: ScriptEnvironment, now: number): Promise<void> {
    const { columns } = this.settings;
    const database = this.open(env);
    const at = (seconds: number): string => database.quoted(timeColumn(seconds, this.settings));
    const condition = `${columns.expires} < ${at(now)} AND ${columns.expires} <> ${at(0)}`;
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
   * Runs requests about one address of record in sequence. Its contacts are only in memory meanwhile; a request that
   * read them before another one has written its changes would undo these.
   */
  private async alone<T>(env: ScriptEnvironment, aor: string, act: () => T | Promise<T>): Promise<T> {
    const queue = this.waiting.get(aor);
    if (queue === undefined) this.waiting.set(aor, []);
    else if (queue.length >= MAX_WAITING)
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
      const { bindings } = await this.asked(env, () => this.read(env, `WHERE ${where} LIMIT ${READ}`));
      this.locations.forget(aor);
      // A database may compare names without letter case: the contacts are stored under the name that was asked for.
      this.locations.enter(
        bindings.map((each) => ({ ...each, aor })),
        env.maxContacts,
      );
    } catch (error) {
      this.logged(env, error, 'usrloc: the table cannot be read');
    }
  }

  private async readAll(env: ScriptEnvironment): Promise<void> {
    const { ruid } = this.settings.columns;
    for (let after = ''; ; ) {
      const { bindings, last, count } = await this.read(
        env,
        `WHERE ${ruid} > ${this.open(env).quoted(after)} ORDER BY ${ruid} LIMIT ${READ}`,
      );
      this.locations.enter(bindings, env.maxContacts);
      // The database may sort texts in another order than JavaScript.
      if (count < READ || last === after) return;
      after = last;
    }
  }

  /**
   * The contacts in the rows, the ruid of the last row, and the number of rows, including those without a valid
   * contact.
   */
  private async read(
    env: ScriptEnvironment,
    rest: string,
  ): Promise<{ readonly bindings: Binding[]; readonly last: string; readonly count: number }> {
    const names = Object.keys(this.settings.columns) as Column[];
    const list = names.map((each) => this.settings.columns[each]).join(', ');
    const { rows } = await this.open(env).query(`SELECT ${list} FROM ${this.name} ${rest}`);
    const bindings = rows
      .map((row) => bindingOf(row, names, this.settings))
      .filter((each): each is Binding => each !== undefined);
    return { bindings, last: String(rows.at(-1)?.[names.indexOf('ruid')] ?? ''), count: rows.length };
  }

  private async write(env: ScriptEnvironment): Promise<boolean> {
    const { locations } = this;
    if (locations.changes.size === 0) return true;
    const taken: UnsavedContacts = locations.changes;
    locations.changes = new Map();
    locations.underWay = taken;
    try {
      await this.asked(env, async () => this.writeAll(env, this.open(env), taken));
      return true;
    } catch (error) {
      // With db_mode 3 the REGISTER is answered with 500, and the write is not repeated.
      if (this.settings.mode !== 3) locations.restoreUnsaved(taken);
      else for (const ruid of taken.keys()) locations.stored.delete(ruid);
      this.logged(env, error, 'usrloc: contacts cannot be written', { waiting: locations.changes.size });
      return false;
    } finally {
      locations.underWay = undefined;
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
    const present = [...taken.values()].filter((each): each is Binding => each !== undefined);
    const gone = [...taken].flatMap(([ruid, each]) => (each === undefined ? [ruid] : []));
    for (let i = 0; i < gone.length; i += WRITE) {
      const some = gone.slice(i, i + WRITE);
      const list = some.map((each) => database.quoted(each)).join(', ');
      await database.query(`DELETE FROM ${this.name} WHERE ${columns.ruid} IN (${list})`);
      for (const each of some) stored.delete(each);
      for (const each of some) taken.delete(each);
    }
    for (const binding of present.filter(({ ruid }) => stored.has(ruid))) {
      const [ruid, row] = named(binding);
      const set = Object.entries(row).map(([name, value]) => `${name} = ${database.quoted(value)}`);
      const where = `${columns.ruid} = ${database.quoted(ruid)}`;
      await this.attempt(env, taken, [ruid], () =>
        database.query(`UPDATE ${this.name} SET ${set.join(', ')} WHERE ${where}`),
      );
    }
    const added = present.filter(({ ruid }) => !stored.has(ruid));
    const insert = (some: ReturnType<typeof named>[]) =>
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
      const some = added.slice(i, i + WRITE).map(named);
      // A row that the table refuses must not delay the others.
      if (!(await insert(some)) && some.length > 1) for (const each of some) await insert([each]);
    }
  }

  /**
   * Writes contacts; false when the table refuses them. A single contact is then left out. Throws errors that can be
   * retried.
   */
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

/** The database did not answer just before and was not queried. */
class DatabaseUnavailable extends Error {
  readonly retryable = true;
}

/** The location tables of a file; their contents outlive a reload. */
class LocationStore {
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

  /** The table with a name; undefined when there are too many. */
  of(name: string): LocationTable | undefined {
    let table = this.tables.get(name);
    if (table === undefined && this.tables.size < MAX_TABLES) {
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
