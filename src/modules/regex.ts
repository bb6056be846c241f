import { ownText } from '../core/own-text.js';
import { type BoundedRegex, compilePerl } from '../core/posix-regex.js';
import type { MessageRun } from '../script/call.js';
import type { ModuleParameters } from '../script/environment.js';
import { code, moduleFunctions, OPENSIPS, param, type ScriptFunction, textOf } from './define.js';

/** Maximum number of cached expressions. */
const MAX_KEPT = 256;

/** Compiled expressions by their text. */
export class Expressions {
  private readonly kept = new Map<string, BoundedRegex | undefined>();

  /** `compile` throws for an invalid expression; `max` expressions are kept. */
  constructor(
    private readonly compile: (text: string) => BoundedRegex,
    private readonly max = MAX_KEPT,
  ) {}

  /** The compiled expression; undefined for an invalid one, which is remembered too. */
  of(text: string): BoundedRegex | undefined {
    if (this.kept.has(text)) return this.kept.get(text);
    if (this.kept.size >= this.max) this.kept.clear();
    let made: BoundedRegex | undefined;
    try {
      made = this.compile(text);
    } catch {
      made = undefined;
    }
    this.kept.set(ownText(text), made);
    return made;
  }
}

/** What stands before every expression: "(?ims)" for pcre_caseless and the like. */
export function flagsOf(parameters: ModuleParameters): string {
  const letters = [
    parameters.flag('pcre_caseless', false) ? 'i' : '',
    parameters.flag('pcre_multiline', false) ? 'm' : '',
    parameters.flag('pcre_dotall', false) ? 's' : '',
  ].join('');
  return letters === '' ? '' : `(?${letters})`;
}

const expressions = {
  module: 'regex',
  create(parameters: ModuleParameters) {
    const flags = flagsOf(parameters);
    return new Expressions((text) => compilePerl(flags + text));
  },
};

/** The functions of regex. */
export const regexFunctions: ScriptFunction[] = moduleFunctions('regex', [
  {
    name: 'pcre_match',
    dialects: OPENSIPS,
    parameters: [
      param('text', 'string'),
      param('expression', 'string', {
        check(constant) {
          try {
            // A text with variables is only known at run time.
            if (!String(constant).replaceAll('$$', '').includes('$'))
              compilePerl(String(constant).replaceAll('$$', '$'));
            return undefined;
          } catch (error) {
            return error instanceof Error ? error.message : String(error);
          }
        },
      }),
    ],
    summary: 'whether a text matches an expression in the syntax of Perl',
    compile:
      ([text, expression]) =>
      (run: MessageRun) => {
        const found = run.env.modules.of(expressions).of(textOf(expression, run));
        if (found === undefined) return run.refused('pcre_match', 'the expression is not valid');
        return code(found.test(textOf(text, run)));
      },
  },
]);
