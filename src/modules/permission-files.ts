import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { CallSite } from '../cfg/function-table.js';
import { trimmed, trimmedIfThere } from '../core/characters.js';
import { messageOf } from '../core/errors.js';
import { addrSpecOf } from '../core/name-addr.js';
import { type BoundedRegex, compilePosix } from '../core/posix-regex.js';
import { parseUri } from '../core/uri.js';
import { splitList } from '../pvar/header-values.js';
import type { MessageRun } from '../script/call.js';
import { CommandFault } from '../script/commands.js';
import type { ScriptEnvironment } from '../script/environment.js';
import { type Args, BOTH, code, type FunctionSpec, optional, param, REQUESTS, textOf } from './define.js';

/** Maximum length of a rules file in bytes. */
const MAX_BYTES = 1024 * 1024;
/** Maximum number of rules in a file. */
const MAX_RULES = 10_000;
/** Maximum number of Contact values that allow_register() checks; a request with more is denied. */
const MAX_CONTACTS = 64;
/**
 * Maximum length of a URI that is compared with rules, as recorded of Kamailio 5.6.3; each expression reads all of it.
 */
const MAX_URI = 256;
/** Maximum number of invalid lines that are reported for a file, and of characters shown of one. */
const MAX_FAULTS = 20;
const MAX_SHOWN = 64;

/** One side of a rule: some expressions, or all URIs, each with exceptions. */
interface Side {
  /** undefined: all URIs. */
  readonly matches: readonly BoundedRegex[] | undefined;
  readonly except: readonly BoundedRegex[];
}

interface Rule {
  readonly left: Side;
  readonly right: Side;
}

/** Rules that compare From and request-URI, or To and Contact. */
export class PermissionRules {
  private constructor(
    private readonly rules: readonly Rule[],
    /** Errors with line numbers; these lines are ignored. */
    readonly faults: readonly string[],
  ) {}

  /**
   * Parses rules: `ALL : "^sip:1" EXCEPT "^sip:13", "^sip:14"`, one in each line; "#" begins a comment. As recorded of
   * Kamailio 5.6.3, expressions ignore letter case, and an invalid line is left out. Throws an Error for too many
   * rules.
   */
  static parse(text: string): PermissionRules {
    const rules: Rule[] = [];
    const faults: string[] = [];
    let further = 0;
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      if (/^[ \t\r\n]*(?:#.*)?$/.test(line)) continue;
      // Leaving out the rest would allow what the missing rules deny.
      if (rules.length === MAX_RULES) throw new Error(`more than ${MAX_RULES} rules`);
      try {
        rules.push(ruleOf(line));
      } catch (error) {
        if (faults.length < MAX_FAULTS) faults.push(`line ${i + 1}: ${messageOf(error)}`);
        else further++;
      }
    }
    if (further > 0) faults.push(`${further} further lines are not rules`);
    return new PermissionRules(rules, faults);
  }

  /** Whether there are no rules. */
  get empty(): boolean {
    return this.rules.length === 0;
  }

  /** Returns a test of the right side for a URI on the left side, which is compared only once. */
  of(left: string): (right: string) => boolean {
    const rules = this.rules.filter((rule) => holds(rule.left, left));
    return (right) => rules.some((rule) => holds(rule.right, right));
  }
}

function holds({ matches, except }: Side, uri: string): boolean {
  if (matches?.some((each) => each.test(uri)) === false) return false;
  return !except.some((each) => each.test(uri));
}

/** As recorded, an expression without a blank or a comma needs no quotes. */
const EXPRESSIONS = /^(?:"[^"]*"|[^ \t\r\n",]+)[ \t\r\n]*(?:,[ \t\r\n]*(?:"[^"]*"|[^ \t\r\n",]+)[ \t\r\n]*)*$/;

function ruleOf(line: string): Rule {
  const [, left, right] = /^((?:"[^"]*"|[^":#])*):((?:"[^"]*"|[^":#])*)(?:#.*)?$/.exec(line) ?? [];
  if (left === undefined || right === undefined) throw new Error('not a rule of the form "expressions : expressions"');
  return { left: sideOf(left), right: sideOf(right) };
}

function sideOf(text: string): Side {
  const [, left = '', right] = /^((?:"[^"]*"|(?!EXCEPT\b)[^"])*)(?:EXCEPT(.*))?$/.exec(trimmed(text)) ?? [];
  const matches = trimmed(left);
  const except = trimmedIfThere(right);
  for (const each of except === undefined ? [matches] : [matches, except])
    if (!EXPRESSIONS.test(each))
      throw new Error(`${each.slice(0, MAX_SHOWN) || 'nothing'} is neither ALL nor quoted expressions`);
  if (except === 'ALL') throw new Error('EXCEPT needs quoted expressions');
  return { matches: matches === 'ALL' ? undefined : expressionsIn(matches), except: expressionsIn(except ?? '') };
}

function expressionsIn(text: string): BoundedRegex[] {
  return [...text.matchAll(/"([^"]*)"|([^ \t\r\n",]+)/g)].map(([, quoted, word]) =>
    compilePosix(quoted ?? word ?? '', { ignoreCase: true }),
  );
}

/** The rules of an allow file and a deny file; a missing file counts as empty. */
interface Pair {
  readonly allow: PermissionRules;
  readonly deny: PermissionRules;
  /** Errors in the files that have not been logged yet. */
  faults: string[];
}

/**
 * The rules of a file. Throws an Error with the file's name when it exists and cannot be used, since it might deny
 * something.
 */
function rulesOf(folder: string, name: string): { readonly rules: PermissionRules; readonly faults: string[] } {
  const path = resolve(folder, name);
  try {
    const rules = PermissionRules.parse(textOfFile(path));
    return { rules, faults: rules.faults.map((each) => `${path}: ${each}`) };
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`);
  }
}

/** The text of a file; '' when it does not exist. */
function textOfFile(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return '';
  if (!found.isFile()) throw new Error('is not a regular file');
  if (found.size > MAX_BYTES) throw new Error('larger than 1 MiB');
  return readFileSync(path, 'latin1');
}

function pairOf(folder: string, allow: string, deny: string): Pair {
  const [allowed, denied] = [rulesOf(folder, allow), rulesOf(folder, deny)];
  return { allow: allowed.rules, deny: denied.rules, faults: [...allowed.faults, ...denied.faults] };
}

/**
 * The files of a call: one argument is the beginning of both names, two arguments are the names; without arguments the
 * parameters give them.
 */
function filesOf(site: CallSite, [first, second]: Args): Pair {
  const parameter = (name: string, fallback: string): string =>
    String(site.facts.parameter?.('permissions', name) ?? fallback);
  const folder = site.facts.folder ?? dirname(site.at.file);
  if (first === undefined)
    return pairOf(
      folder,
      parameter('default_allow_file', 'permissions.allow'),
      parameter('default_deny_file', 'permissions.deny'),
    );
  if (second !== undefined) return pairOf(folder, first.text, second.text);
  return pairNamed(folder, first.text, parameter);
}

/** The allow and deny files whose names are `name` with the suffix of each. */
function pairNamed(folder: string, name: string, parameter: (name: string, fallback: string) => string): Pair {
  return pairOf(folder, name + parameter('allow_suffix', '.allow'), name + parameter('deny_suffix', '.deny'));
}

/**
 * Allowed when allow rules match all pairs; otherwise denied when deny rules match one of them; otherwise allowed. When
 * there are rules, a URI that is too long is denied.
 */
function verdict(run: MessageRun, files: Pair, left: string, rights: readonly string[]): number {
  for (const fault of files.faults)
    run.env.log.warn({ fault }, 'script: a line of a permissions file is not a rule and is ignored');
  files.faults = [];
  return judged(files, left, rights);
}

/** Whether the current files allow a URI, for the command allow_uri. Throws CommandFault. */
export function allowsUri(env: ScriptEnvironment, name: string, uri: string, contact: string): boolean {
  const parameters = env.modules.module('permissions');
  if (name.includes('..')) throw new CommandFault(400, 'the name is not a basename');
  try {
    const files = pairNamed(env.folder, name, (each, fallback) => parameters.text(each, fallback));
    return judged(files, uri, [contact]) > 0;
  } catch (error) {
    throw new CommandFault(500, messageOf(error));
  }
}

function judged(files: Pair, left: string, rights: readonly string[]): number {
  if (files.allow.empty && files.deny.empty) return 1;
  if (left.length > MAX_URI || rights.some((each) => each.length > MAX_URI)) return -1;
  if (rights.every(files.allow.of(left))) return 1;
  return code(!rights.some(files.deny.of(left)));
}

/** "sip:user@host": as recorded, request-URIs and Contacts are compared without password, port and parameters. */
function plain(uri: string): string {
  const parsed = parseUri(uri);
  if (parsed === undefined) return uri;
  const { scheme, user, host } = parsed;
  return user === '' || user === undefined ? `${scheme}:${host}` : `${scheme}:${user}@${host}`;
}

function contactsOf(run: MessageRun): string[] {
  return run.message.headers('contact').flatMap((each) => splitList(each, ',').map((one) => trimmed(one)));
}

/** allow_routing(), allow_register() and allow_uri() of both programs. */
export const permissionFileFunctions: FunctionSpec[] = [
  {
    name: 'allow_routing',
    dialects: BOTH,
    routes: REQUESTS,
    parameters: [optional('allow file', 'literal'), optional('deny file', 'literal')],
    summary: 'whether From and request-URI, and those of all branches, are allowed by files of rules',
    compile: (args, site) => {
      const files = filesOf(site, args);
      const all = String(site.facts.parameter?.('permissions', 'check_all_branches') ?? 1) !== '0';
      return (run) => {
        const { call } = run;
        const uris = [call.requestUri, ...(all ? call.branches.map(({ uri }) => uri) : [])];
        return verdict(run, files, addrSpecOf(run.message.from), uris.map(plain));
      };
    },
  },
  {
    name: 'allow_register',
    dialects: BOTH,
    routes: REQUESTS,
    parameters: [param('allow file', 'literal'), optional('deny file', 'literal')],
    summary: 'whether To and each Contact are allowed by files of rules',
    compile: (args, site) => {
      const files = filesOf(site, args);
      return (run) => {
        const contacts = contactsOf(run);
        if (contacts.length === 0 || (contacts.length === 1 && contacts[0] === '*')) return 1;
        if (contacts.length > MAX_CONTACTS) return -1;
        const uris = contacts.map(addrSpecOf);
        if (uris.some((uri) => parseUri(uri) === undefined)) return -1;
        return verdict(run, files, addrSpecOf(run.message.to), uris.map(plain));
      };
    },
  },
  {
    name: 'allow_uri',
    dialects: BOTH,
    routes: REQUESTS,
    parameters: [param('file', 'literal'), param('uri', 'string')],
    summary: 'whether From and a URI are allowed by files of rules',
    compile: (args, site) => {
      const [file, uri] = args;
      const files = filesOf(site, [file]);
      return (run) => {
        const value = uri?.value(run);
        if (typeof value === 'number') return -1;
        return verdict(run, files, addrSpecOf(run.message.from), [textOf(uri, run)]);
      };
    },
  },
];
