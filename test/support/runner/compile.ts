import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, type OnLoadResult, type Plugin, stop } from 'esbuild';

const ROOT = resolve('.');
const SOURCE = `${resolve('src')}/`;
const DIST = resolve('dist');
/** Each run has a folder of its own, named after its process. */
const FOLDERS = resolve('.test-build');

/** Programs that tests start. */
const PROGRAMS = ['examples/demo/demo.ts', ...programsOf('test/support')];

/** The tests as JavaScript. */
export interface CompiledTests {
  readonly folder: string;
  /** Paths of the compiled test files, in the order of their sources. */
  readonly files: readonly string[];
  /** The source of a compiled test file. */
  source(file: string): string;
  remove(): void;
}

/**
 * Compiles the test files, what they import of the sources, and the programs that they start: Node loads them in a
 * fraction of the time that tsx needs for as many modules. Their stack traces name the sources.
 */
export async function compileTests(files: readonly string[]): Promise<CompiledTests> {
  removeLeftovers();
  const folder = join(FOLDERS, String(process.pid));
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [...files, ...PROGRAMS.map((path) => resolve(path))],
    outdir: folder,
    outbase: ROOT,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
    plugins: [ownUrls],
  });
  await stop();
  process.env['SWITCHYARD_TEST_COMPILED'] = folder;
  const compiled = (file: string): string => join(folder, relative(ROOT, file).replace(/\.ts$/, '.js'));
  const sources = new Map(files.map((file) => [compiled(file), file]));
  return {
    folder,
    files: [...sources.keys()],
    source: (file) => sources.get(file) ?? file,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/**
 * Tests keep the URL of their source, by which they find fixtures. Modules of src/ have the URL that they have in
 * dist/: they start and load files of the build by it.
 */
const ownUrls: Plugin = {
  name: 'own-urls',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }): OnLoadResult | undefined => {
      const source = readFileSync(path, 'utf8');
      if (!source.includes('import.meta.') || path.includes('/node_modules/')) return undefined;
      const own = path.startsWith(SOURCE) ? join(DIST, relative(SOURCE, path).replace(/\.ts$/, '.js')) : path;
      const contents = source
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(own).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(own)))
        .replaceAll('import.meta.filename', JSON.stringify(own));
      return { contents, loader: 'ts' };
    });
  },
};

function programsOf(folder: string): string[] {
  return readdirSync(resolve(folder))
    .filter((name) => name.endsWith('-process.ts'))
    .map((name) => `${folder}/${name}`);
}

/** Removes the folders of runs that were killed. */
function removeLeftovers(): void {
  if (!existsSync(FOLDERS)) return;
  for (const name of readdirSync(FOLDERS)) {
    if (/^[0-9]+$/.test(name) && !isRunning(Number(name))) {
      rmSync(join(FOLDERS, name), { recursive: true, force: true });
    }
  }
}

/** Whether there is a process with this id, of whatever user. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What each step of the build writes last, or is dated to its beginning. */
const BUILT = ['main.js', 'config/validators-all.cjs', 'console/app.js'];

/** Whether a file that dist/ is made of is newer than a part of dist/, or was removed since, or a part is missing. */
export function isBuildStale(root = ROOT): boolean {
  const built = BUILT.map((name) => join(root, 'dist', name));
  if (!built.every((file) => existsSync(file))) return true;
  const time = Math.min(...built.map((file) => statSync(file).mtimeMs));
  return ['src', 'schemas'].some((folder) =>
    // A folder is newer when one of its files was removed.
    ['', ...readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })].some(
      (name) => statSync(join(root, folder, name)).mtimeMs > time,
    ),
  );
}

/** Calls `work` while no other run does so: they wait for each other. */
export async function buildAlone<T>(work: () => Promise<T>, root = ROOT): Promise<T> {
  const lock = join(root, '.test-build/building');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      // A link names its owner from the beginning, which a file does not when its process is killed before writing.
      symlinkSync(String(process.pid), lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const owner = ownerOf(lock);
    if (owner !== undefined && !(owner > 0 && isRunning(owner))) rmSync(lock, { force: true });
    await delay(100);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** The process that holds a lock; undefined when it has just released it. Earlier versions wrote a file, not a link. */
function ownerOf(lock: string): number | undefined {
  try {
    return Number(lstatSync(lock).isSymbolicLink() ? readlinkSync(lock) : readFileSync(lock, 'latin1'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
