import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { trimmed } from '../core/characters.js';
import { messageOf } from '../core/errors.js';
import { type BoundedRegex, compilePerl } from '../core/posix-regex.js';
import { CommandFault, type ScriptCommand } from '../script/commands.js';
import type { ModuleParameters, ScriptEnvironment } from '../script/environment.js';
import { code, intOf, moduleFunctions, OPENSIPS, optional, param, type ScriptFunction, textOf } from './define.js';
import { kamailioFunction } from './kamailio-function.js';
import { Expressions, flagsOf } from './regex.js';

/** Maximum length of the file of groups in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Return codes when there is no file or no group. */
const NO_FILE = -2;
const NO_GROUP = -4;
const BAD_EXPRESSION = -4;

class Groups {
  /** The compiled expressions of the script. */
  readonly expressions = new Expressions((text) => compilePerl(this.flags + text));
  private groups: readonly BoundedRegex[] | undefined = undefined;
  /** Whether reading the file was attempted: it is not read for each message. */
  private asked = false;

  constructor(
    private readonly file: string,
    private readonly maxGroups: number,
    private readonly maxSize: number,
    /** "(?ims)" for pcre_caseless and the like; '' for none. */
    private readonly flags: string,
  ) {}

  /**
   * The groups of the file, which is read at the first access; undefined without a file. Throws an Error for an
   * unusable one.
   */
  of(folder: string): readonly BoundedRegex[] | undefined {
    if (this.file !== '' && !this.asked) {
      this.asked = true;
      this.groups = this.read(folder);
    }
    return this.groups;
  }

  /** Reads the file again; on an error the groups stay as they are. Throws an Error. */
  reload(folder: string): void {
    if (this.file === '') throw new Error('parameter "file" is not set');
    this.groups = this.read(folder);
    this.asked = true;
  }

  /** Parses the file: "[0]" and the like begin a group; a text matches a group when one of its lines matches. */
  private read(folder: string): readonly BoundedRegex[] {
    const path = resolve(folder, this.file);
    if (statSync(path).size > MAX_BYTES) throw new Error(`${path} is longer than ${MAX_BYTES} bytes`);
    const groups: string[][] = [];
    for (const line of readFileSync(path, 'latin1').split(/\r?\n/)) {
      const text = trimmed(line);
      if (text === '' || text.startsWith('#')) continue;
      if (/^\[\d+\]$/.test(text)) groups.push([]);
      else if (groups.length === 0) throw new Error(`${path}: an expression comes before the first group`);
      else (groups.at(-1) as string[]).push(text);
    }
    if (groups.length > this.maxGroups) throw new Error(`${path}: more than ${this.maxGroups} groups (max_groups)`);
    return groups.map((lines, i) => {
      const whole = lines.map((each) => `(?:${each})`).join('|');
      if (whole.length > this.maxSize)
        throw new Error(`${path}: group ${i} is longer than ${this.maxSize} (group_max_size)`);
      return compilePerl(`${this.flags}(?:${whole})`);
    });
  }
}

const groups = {
  module: 'regex',
  create(parameters: ModuleParameters) {
    return new Groups(
      parameters.text('file', ''),
      parameters.int('max_groups', 20),
      parameters.int('group_max_size', 8192),
      flagsOf(parameters),
    );
  },
};

function groupsOf(env: ScriptEnvironment): readonly BoundedRegex[] | undefined {
  try {
    return env.modules.of(groups).of(env.folder);
  } catch (error) {
    env.peerLog.error({ cause: messageOf(error) }, 'script: the file of regex cannot be used');
    return undefined;
  }
}

/** Functions of Kamailio's regex. */
export const regexGroupFunctions: ScriptFunction[] = moduleFunctions('regex', [
  kamailioFunction(
    'pcre_match',
    'text expression',
    'whether a text matches an expression in the syntax of Perl',
    (run, [text, expression]) => {
      const found = run.env.modules.of(groups).expressions.of(textOf(expression, run));
      return found === undefined ? BAD_EXPRESSION : code(found.test(textOf(text, run)));
    },
  ),
  kamailioFunction(
    'pcre_match_group',
    'text group?',
    'whether a text matches one of the expressions of a group in the file',
    (run, [text, number]) => {
      const all = groupsOf(run.env);
      if (all === undefined) return NO_FILE;
      const index = number === undefined ? 0 : Number(textOf(number, run));
      // As observed with 5.6.3, a text that is not a number means the first group.
      const group = all[Number.isInteger(index) ? index : 0];
      return group === undefined ? NO_GROUP : code(group.test(textOf(text, run)));
    },
  ),
]);

/** OpenSIPS' pcre_match_group(): -1 also without the file or the group. */
export const opensipsGroupFunctions: ScriptFunction[] = moduleFunctions('regex', [
  {
    name: 'pcre_match_group',
    dialects: OPENSIPS,
    parameters: [param('text', 'string'), optional('group', 'int')],
    summary: 'whether a text matches one of the expressions of a group in the file',
    compile:
      ([text, number]) =>
      (run) =>
        code(groupsOf(run.env)?.[intOf(number, run, 0)]?.test(textOf(text, run)) === true),
  },
]);

/** Management commands of regex. */
export const regexCommands: readonly ScriptCommand[] = [
  {
    module: 'regex',
    mi: 'regex_reload',
    rpc: 'regex.reload',
    help: 'Reloads the file of groups.',
    changes: true,
    parameters: [],
    required: 0,
    run(env) {
      try {
        env.modules.of(groups).reload(env.folder);
      } catch (error) {
        env.log.error({ cause: messageOf(error) }, 'the file of regex cannot be used');
        throw new CommandFault(500, 'Failed to reload');
      }
      return env.dialect === 'opensips' ? 'OK' : '';
    },
  },
];
