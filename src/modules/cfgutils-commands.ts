import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../core/errors.js';
import type { PvarValue } from '../pvar/context.js';
import { CommandFault, type MiValue, type ScriptCommand } from '../script/commands.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { probability } from './cfgutils.js';

/** Maximum number of shared variables that commands may create. */
const MAX_VARIABLES = 10_000;

const module = 'cfgutils';

function shown(name: string, value: PvarValue): MiValue {
  return { name, type: typeof value === 'number' ? 'integer' : 'string', value };
}

/** MD5 of a text whose characters are bytes, as hexadecimal digits. */
const hashOf = (text: string): string => createHash('md5').update(text, 'latin1').digest('hex');

/** Content of the file in hash_file as it was read at its first use. */
const hashedFile = {
  module,
  create(parameters: ModuleParameters) {
    const file = parameters.text('hash_file', '');
    return { file, hash: undefined as string | undefined };
  },
};

/** The file and the hash in force. Throws CommandFault. */
function storedHash(env: ScriptEnvironment): { readonly file: string; readonly hash: string } {
  const known = env.modules.of(hashedFile);
  if (known.file === '') throw new CommandFault(404, 'No file for hashing is configured (hash_file)');
  const file = resolve(env.folder, known.file);
  const read = env.sources.get(file);
  known.hash ??= read === undefined ? hashNow(file) : hashOf(read);
  return { file, hash: known.hash };
}

function hashNow(file: string): string {
  try {
    return hashOf(readFileSync(file, 'latin1'));
  } catch (error) {
    throw new CommandFault(500, `${file} cannot be read: ${messageOf(error)}`);
  }
}

const hashes: readonly ScriptCommand[] = [
  {
    module,
    mi: 'check_config_hash',
    rpc: 'cfgutils.check_config_hash',
    help: 'shows whether the file of hash_file has changed since it was read',
    changes: false,
    parameters: [],
    required: 0,
    run(env) {
      const { file, hash } = storedHash(env);
      if (hashNow(file) !== hash)
        throw new CommandFault(400, 'The actual config file hash is not identical to the stored one.');
      return 'The actual config file hash is identical to the stored one.';
    },
  },
  {
    module,
    mi: 'get_config_hash',
    rpc: 'cfgutils.get_config_hash',
    help: 'shows the hash of the file of hash_file',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => storedHash(env).hash,
  },
];

/** Management commands of OpenSIPS' cfgutils: shared variables, hash file, and the probability of rand_event(). */
export const cfgutilsCommands: readonly ScriptCommand[] = [
  ...hashes,
  {
    module,
    mi: 'shv_set',
    help: 'sets a shared variable ($shv)',
    changes: true,
    parameters: ['name', 'type', 'value'],
    required: 3,
    run(env, { name = '', type = '', value = '' }) {
      const number = type === 'int' ? Number(value) : undefined;
      if (number === undefined && type !== 'str') throw new CommandFault(400, 'the type must be int or str');
      if (number !== undefined && (!/^[+-]?\d{1,10}$/.test(value) || number !== (number | 0)))
        throw new CommandFault(400, 'the value must be a number of 32 bits');
      if (!env.shared.has(name) && env.shared.size >= MAX_VARIABLES)
        throw new CommandFault(400, `there are already ${MAX_VARIABLES} shared variables`);
      env.shared.set(name, number ?? value);
      return 'OK';
    },
  },
  {
    module,
    mi: 'shv_get',
    help: 'shows a shared variable, or all of them',
    changes: false,
    parameters: ['name'],
    required: 0,
    run(env, { name }) {
      if (name === undefined) return [...env.shared].slice(0, MAX_VARIABLES).map(([each, value]) => shown(each, value));
      const value = env.shared.get(name);
      if (value === undefined) throw new CommandFault(404, 'there is no such shared variable');
      return shown(name, value);
    },
  },
  {
    module,
    mi: 'rand_set_prob',
    help: 'sets the probability of rand_event()',
    changes: true,
    parameters: ['prob_proc'],
    required: 1,
    run(env, { prob_proc: text = '' }) {
      const percent = Number(text);
      if (!/^\d{1,3}$/.test(text) || percent > 100)
        throw new CommandFault(400, 'the probability must be a number from 0 to 100');
      env.modules.of(probability).percent = percent;
      return 'OK';
    },
  },
  {
    module,
    mi: 'rand_reset_prob',
    help: 'resets the probability of rand_event()',
    changes: true,
    parameters: [],
    required: 0,
    run(env) {
      env.modules.of(probability).percent = probability.create(env.modules.module(module)).percent;
      return 'OK';
    },
  },
  {
    module,
    mi: 'rand_get_prob',
    help: 'shows the probability of rand_event()',
    changes: false,
    parameters: [],
    required: 0,
    run: (env) => `The actual probability is ${env.modules.of(probability).percent} percent.`,
  },
];
