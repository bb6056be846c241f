import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(import.meta.dirname, '../..');
const TSX = import.meta.resolve('tsx');

/** Folder of the compiled tests, set by `npm test`, which also sees to it that dist/ is up to date. */
const COMPILED = process.env['SWITCHYARD_TEST_COMPILED'];

/**
 * Arguments of node that run a program of the repository, given by its path, such as test/support/writing-process.ts.
 */
export function programArguments(path: string): string[] {
  if (COMPILED === undefined) return ['--import', TSX, join(ROOT, path)];
  return [join(COMPILED, path.replace(/\.ts$/, '.js'))];
}

/** Path of dist/main.js. */
export const BUILT_MAIN = join(ROOT, 'dist/main.js');

const IS_BUILT = COMPILED !== undefined || process.env['SWITCHYARD_TEST_BUILT'] === '1';

/** Arguments of node with which it can import switchyard. */
export const LOADER: readonly string[] = IS_BUILT ? [] : ['--import', TSX];

/**
 * Arguments of node that run switchyard: dist/ under `npm test` and with SWITCHYARD_TEST_BUILT=1, otherwise the
 * sources, whose start takes a second of CPU more.
 */
export const SWITCHYARD: readonly string[] = IS_BUILT ? [BUILT_MAIN] : [...LOADER, join(ROOT, 'src/main.ts')];

/** URL of the package's entry point, which scripts import as "switchyard". */
export const PACKAGE_URL = pathToFileURL(join(ROOT, IS_BUILT ? 'dist/index.js' : 'src/index.ts')).href;
