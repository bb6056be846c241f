import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Settings } from '../config/settings.js';
import { stateFolder } from '../config/state-folder.js';
import type { Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { type KeptKey, KeyRing } from '../core/key-ring.js';
import { keyedHash } from '../core/keyed-hash.js';
import type { Logger } from '../core/logger.js';
import type { Random } from '../core/random.js';

/** The file is beside the settings, or in the state folder of the service manager. */
const FILE = 'switchyard.secret';

/**
 * The key for dialog tokens: from `secret` in the settings, else from a file created at the first start (mode 0600), so
 * that calls in progress survive a restart. Replaced keys are kept there for a day.
 */
export class Secret {
  readonly keys: KeyRing;
  /** Undefined: the key is only for this run. */
  private readonly path: string | undefined;
  private unsaved: boolean;
  private isConfigured: boolean;

  constructor(
    settings: Settings,
    private readonly environment: { readonly clock: Clock; readonly random: Random; readonly log: Logger },
  ) {
    const { clock, random } = environment;
    const folder = stateFolder(dirname(settings.file));
    this.path = folder === undefined ? undefined : join(folder, FILE);
    this.isConfigured = configured(settings) !== undefined;
    const [newest, ...older] = this.read();
    const now = clock.now();
    const wanted = configured(settings) ?? newest?.key ?? random.token(32);
    const earlier =
      newest === undefined || newest.key === wanted
        ? older
        : [{ ...newest, replacedAt: newest.replacedAt ?? now }, ...older];
    this.keys = new KeyRing(wanted, () => clock.now(), earlier);
    this.unsaved = newest?.key !== wanted;
  }

  /** The key that the nodes of a cluster may share; undefined if the settings give one. */
  get shared(): string | undefined {
    return this.isConfigured ? undefined : this.keys.current;
  }

  /** Uses the common key of a cluster. */
  adopt(key: string): void {
    if (this.isConfigured || !this.keys.use(key)) return;
    this.unsaved = true;
    this.save();
  }

  /** Uses the key of other settings. */
  configure(settings: Settings): void {
    const wanted = configured(settings);
    this.isConfigured = wanted !== undefined;
    if (wanted === undefined || !this.keys.use(wanted)) return;
    this.unsaved = true;
    this.save();
  }

  /** Writes the keys if the file has others; a failure is logged. */
  save(): void {
    if (this.path === undefined || !this.unsaved) return;
    this.unsaved = false;
    this.write(this.path);
  }

  private read(): readonly KeptKey[] {
    if (this.path === undefined) return [];
    try {
      const { keys } = JSON.parse(readFileSync(this.path, 'utf8')) as { keys?: unknown };
      return Array.isArray(keys) ? keys.filter(isKept) : [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.complain('cannot be read', error);
      return [];
    }
  }

  private write(path: string): void {
    const aside = `${path}.new`;
    try {
      writeFileSync(aside, `${JSON.stringify({ keys: this.keys.keys })}\n`, { mode: 0o600 });
      chmodSync(aside, 0o600);
      renameSync(aside, path);
    } catch (error) {
      this.complain('cannot be written, calls in progress are not recognised after a restart', error);
    }
  }

  private complain(what: string, error: unknown): void {
    this.environment.log.warn({ file: this.path, reason: messageOf(error) }, `the file of the secret key ${what}`);
  }
}

/** A key derived from the secret, so that the secret itself is in no other file. */
function configured({ secret }: Settings): string | undefined {
  return secret === undefined ? undefined : keyedHash(secret, 'dialog tokens');
}

function isKept(value: unknown): value is KeptKey {
  const { key, replacedAt } = (value ?? {}) as Partial<Record<keyof KeptKey, unknown>>;
  return typeof key === 'string' && key.length >= 16 && (replacedAt === undefined || typeof replacedAt === 'number');
}
