#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { standardIo } from './cli/line/io.js';
import { runLine } from './cli/line/run.js';

// npm links the command: what was typed is a symbolic link to this file.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  // Who reads the output may stop reading: `switchyard mi ds_list | head -1` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  process.exitCode = await runLine(process.argv.slice(2), standardIo());
  // Nothing that is still open (a driver's pool) may keep a finished command alive.
  process.stdout.write('', () => process.exit());
}
