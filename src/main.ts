#!/usr/bin/env node
import { existsSync, realpathSync } from 'node:fs';
import * as modules from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { standardIo } from './cli/line/io.js';

// npm links the command: what was typed is a symbolic link to this file.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  // Who reads the output may stop reading: `switchyard mi ds_list | head -1` is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  cacheCompiled();
  const { runLine } = await import('./cli/line/run.js');
  process.exitCode = await runLine(process.argv.slice(2), standardIo());
  // Nothing that is still open (a driver's pool) may keep a finished command alive.
  process.stdout.write('', () => process.exit());
}

/**
 * Keeps what V8 compiles for the next start (Node 22 and later). In a folder of this user alone: whoever can write
 * there decides what runs. systemd names one (CacheDirectory=). A home that does not exist is not made: accounts of
 * services have none.
 */
function cacheCompiled(): void {
  const { CACHE_DIRECTORY: given, XDG_CACHE_HOME: base, HOME: home } = process.env;
  const own = base || (home && existsSync(home) ? join(home, '.cache') : undefined);
  const folder = given ?? (own === undefined ? undefined : join(own, 'switchyard'));
  const { enableCompileCache } = modules as { enableCompileCache?: (folder: string) => unknown };
  if (folder !== undefined) enableCompileCache?.(folder);
}
