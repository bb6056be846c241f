#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { parseCommand } from './cli/arguments.js';
import { type CommandIo, check, database, select, serve, settingsFor, watch } from './cli/commands.js';
import { importConfiguration } from './cli/import/import-command.js';
import { callMi, MiCallError } from './cli/mi-client.js';
import { parseCliParams } from './cli/mi-params.js';
import { renderForPeople } from './cli/mi-render.js';
import { commandNames, usage } from './cli/usage.js';
import { ConfigError, formatProblems } from './config/problem.js';
import { messageOf, SwitchyardError } from './core/errors.js';
import { nearest } from './core/nearest.js';
import { VERSION } from './daemon/version.js';

/** Runs one command line. Returns the exit status: 0 ok, 1 what was asked for failed, 2 wrong usage. */
export async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  const [command, ...rest] = argv;
  if (command === '--version' || command === '-v') {
    io.out(`switchyard ${VERSION}\n`);
    return 0;
  }
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    (command === undefined ? io.err : io.out)(usage(rest[0]));
    return command === undefined ? 2 : 0;
  }
  try {
    if (!commandNames().includes(command)) {
      const meant = nearest(command, commandNames());
      const hint = meant === undefined ? '' : ` (did you mean "${meant}"?)`;
      throw new SwitchyardError('USAGE', `unknown command "${command}"${hint}`);
    }
    const { values, positionals } = parseCommand(command, rest);
    if (values['help'] === true) {
      io.out(usage(command));
      return 0;
    }
    switch (command) {
      case 'serve':
        return await serve(values, io);
      case 'check':
        return await check(values, io);
      case 'select':
        return await select(values, positionals, io);
      case 'import':
        return importConfiguration(values, positionals, io);
      case 'db':
        return await database(values, positionals, io);
      case 'watch':
        return await watch(values, io, interrupted(), (to, method, params) => callMi(to, method, params));
      default:
        return await manage(values, positionals, io);
    }
  } catch (error) {
    return complain(error, command, io);
  }
}

async function manage(
  values: Readonly<Record<string, string | boolean | undefined>>,
  positionals: readonly string[],
  io: CommandIo,
): Promise<number> {
  const [method, ...args] = positionals;
  if (method === undefined) throw new SwitchyardError('USAGE', 'mi needs a command, as in "switchyard mi ds_list"');
  let target = values['to'] as string | undefined;
  let replyDir = values['reply-dir'] as string | undefined;
  if (target === undefined) {
    const { mi, http } = settingsFor(values, io);
    if (mi.fifo !== undefined) {
      target = `fifo:${mi.fifo.fifoName}`;
      replyDir ??= mi.fifo.replyDir;
    } else if (mi.http !== undefined && http !== undefined) target = `http://${http.host}:${http.port}/${mi.http.root}`;
    else throw new SwitchyardError('USAGE', 'the configuration has no MI FIFO: give --to TARGET');
  }
  const timeout = values['timeout'] === undefined ? undefined : Number(values['timeout']);
  const answer = await callMi(target, method, parseCliParams(args, method), {
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(replyDir === undefined ? {} : { replyDir }),
  });
  io.out(values['json'] === true ? `${JSON.stringify(answer)}\n` : renderForPeople(method, answer));
  return 0;
}

function complain(error: unknown, command: string, io: CommandIo): number {
  if (error instanceof ConfigError) {
    io.err(`${formatProblems(error.problems)}\n`);
    return 1;
  }
  if (error instanceof MiCallError) {
    io.err(`${error.code} ${error.message}\n`);
    return 1;
  }
  io.err(`switchyard ${command}: ${messageOf(error)}\n`);
  if (error instanceof SwitchyardError && error.code === 'USAGE') {
    io.err(`See "switchyard ${commandNames().includes(command) ? `${command} ` : ''}--help".\n`);
    return 2;
  }
  return 1;
}

function interrupted(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  process.once('SIGTERM', () => controller.abort());
  return controller.signal;
}

// npm links the command: what was typed is a symbolic link to this file.
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const io: CommandIo = {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    stdin: process.stdin,
  };
  // Who reads the output may stop reading: `switchyard mi ds_list | head -1` is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  process.exitCode = await main(process.argv.slice(2), io);
  // Nothing that is still open (a driver's pool) may keep a finished command alive.
  process.stdout.write('', () => process.exit());
}
