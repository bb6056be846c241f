import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** What folders of copies begin with; the process id of who made one follows. */
const PREFIX = 'switchyard-program-';

/**
 * The program of the workers as it was when the daemon started: an upgrade replaces the files under a running daemon, and a worker that is
 * replaced after that must speak as this process does. A spare process was weighed: 50 MB of memory that lasts for one death.
 */
export class KeptProgram {
  private folder: string | undefined = undefined;

  constructor(
    /** The file that workers run, at `daemon/worker-process.js` in the folder of the build. */
    private readonly original: string,
    /** The folder that copies are put into. */
    private readonly copies = tmpdir(),
  ) {}

  /** The file to run. */
  get file(): string {
    const copy = this.folder && join(this.folder, 'dist', 'daemon', 'worker-process.js');
    return copy !== undefined && existsSync(copy) ? copy : this.original;
  }

  /** Copies the build; sources that are run as they are stay where they are. Rejects where no file can be written. */
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
      // Packages stand in this one, or beside it, as npm installs a dependency.
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

  /** Removes copies of processes that have ended without removing them. */
  private async clear(): Promise<void> {
    for (const name of await readdir(this.copies)) {
      const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : 0;
      if (pid > 0 && !existsSync(`/proc/${pid}`)) {
        // Another one's may be left to it.
        await rm(join(this.copies, name), { recursive: true, force: true }).catch(() => undefined);
      }
    }
  }
}
