import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** Prefix of folders with copies; the process ID of their creator follows. */
const PREFIX = 'switchyard-program-';

/**
 * Keeps a copy of the workers' program from the start of the daemon. An upgrade replaces the files under a running
 * daemon, but a worker that is replaced later must use the same protocol as this process. A spare process was
 * considered: 50 MB of memory for a single death.
 */
export class KeptProgram {
  private folder: string | undefined = undefined;

  constructor(
    /** The original file that workers run: `daemon/worker-process.js` in the folder of the build. */
    private readonly original: string,
    /** The folder for copies. */
    private readonly copies = tmpdir(),
  ) {}

  /** The file to run. */
  get file(): string {
    const copy = this.folder && join(this.folder, 'dist', 'daemon', 'worker-process.js');
    return copy !== undefined && existsSync(copy) ? copy : this.original;
  }

  /** Copies the build; TypeScript sources that run directly are not copied. Rejects when no file can be written. */
  async keep(): Promise<void> {
    if (!this.original.endsWith('.js') || this.folder !== undefined) return;
    await this.clear();
    const build = resolve(dirname(this.original), '..');
    const folder = await mkdtemp(join(this.copies, `${PREFIX}${process.pid}-`));
    try {
      await cp(build, join(folder, 'dist'), {
        recursive: true,
        filter: (path) => !/\.map$|\.d\.ts$/.test(path) && path !== join(build, 'console'),
      });
      const root = dirname(build);
      for (const name of ['package.json', 'schemas'])
        await cp(join(root, name), join(folder, name), { recursive: true });
      // The packages are in node_modules of this one or, if npm installed it as a dependency, beside it.
      const packages = [join(root, 'node_modules'), dirname(root)].find((each) => existsSync(join(each, 'koffi')));
      if (packages !== undefined) await symlink(packages, join(folder, 'node_modules'));
      this.folder = folder;
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes the copy. */
  async release(): Promise<void> {
    const { folder } = this;
    this.folder = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  /** Removes copies of processes that ended without removing them. */
  private async clear(): Promise<void> {
    for (const name of await readdir(this.copies)) {
      const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : 0;
      if (pid > 0 && !existsSync(`/proc/${pid}`)) {
        // The copy may belong to another user, who can remove it.
        await rm(join(this.copies, name), { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }
}
