import { spawn } from 'node:child_process';
import { buildAlone, isBuildStale } from './compile.js';

const CHECKS: readonly (readonly [title: string, command: string, ...args: string[]])[] = [
  ['biome check', 'node_modules/.bin/biome', 'check', '.'],
  ['types', 'node_modules/.bin/tsc', '-p', 'tsconfig.json', '--noEmit'],
  ['types of the console', 'node_modules/.bin/tsc', '-p', 'src/console/browser'],
];

/** Runs the linter and the type checker, of the pages in the browser too, in parallel. Returns how many failed. */
export async function checks(signal: AbortSignal): Promise<number> {
  const results = await Promise.all(
    CHECKS.map(async ([title, command, ...args]) => {
      const started = performance.now();
      const ok = await runToEnd(command, args, signal);
      console.log(`${ok ? 'ok' : 'FAILED'}: ${title} (${Math.round(performance.now() - started)} ms)`);
      return ok;
    }),
  );
  return results.filter((ok) => !ok).length;
}

function runToEnd(command: string, args: readonly string[], signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'], signal });
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(false);
    });
    child.once('exit', (code) => resolve(code === 0));
  });
}

/** Builds dist/, which tests run, when the sources are newer. Returns whether it is up to date. */
export function updateBuild(signal: AbortSignal): Promise<boolean> {
  return buildAlone(async () => {
    if (!isBuildStale()) return true;
    console.log('building dist/, since the sources are newer');
    const steps = [
      [process.execPath, 'src/bundle.mjs', '--keep-types'],
      [process.execPath, 'dist/config/write-validators.js'],
      ['npm', 'run', '-s', 'build:console'],
    ] as const;
    for (const [command, ...args] of steps) if (!(await runToEnd(command, args, signal))) return false;
    return true;
  });
}
