import { CFG_TOKEN } from './cfg-statements.js';

/** A configuration with its directives carried out. Line numbers are those of the original. */
export interface Preprocessed {
  readonly text: string;
  /** Directives that were not carried out, without their values: those may be secret. */
  readonly notes: readonly { readonly line: number; readonly text: string }[];
}

interface Substitution {
  readonly pattern: RegExp;
  readonly by: string;
}

const DIRECTIVE = /^[#!]!([A-Za-z]+)\s*(.*?)\s*$/s;
const NAME = /^([A-Za-z_]\w*)(?:\s+([\s\S]*))?$/;
/** "/pattern/text/flags" in quotes, between any one delimiter. */
const SED = /^"(.)((?:(?!\1).)*)\1((?:(?!\1).)*)\1([gi]*)"/;
const MOST_NESTED = 64;

/**
 * Carries out what kamailio.cfg has of a preprocessor: define, trydef and redefine replace words outside strings; subst
 * replaces inside strings; substdef and substdefs do both; ifdef, ifndef, else and endif leave parts out. Parts that are
 * left out become empty lines.
 */
export function preprocess(text: string): Preprocessed {
  return new Preprocessor(text).run();
}

class Preprocessor {
  private readonly defines = new Map<string, string>();
  private readonly substitutions: Substitution[] = [];
  private readonly notes: { line: number; text: string }[] = [];
  /** Whether each open ifdef takes its present part. */
  private readonly open: boolean[] = [];
  private line = 1;

  constructor(private readonly source: string) {}

  run(): Preprocessed {
    let out = '';
    const token = new RegExp(CFG_TOKEN.source, CFG_TOKEN.flags);
    for (let match = token.exec(this.source); match !== null && match[0] !== ''; match = token.exec(this.source)) {
      const groups = match.groups as Record<string, string | undefined>;
      const whole = match[0];
      if (groups['directive'] !== undefined) out += this.directive(whole);
      else if (this.open.includes(false)) out += whole.replace(/[^\n]+/g, '');
      else if (groups['word'] !== undefined) out += this.word(whole);
      else if (groups['string'] !== undefined) out += this.substituted(whole);
      else out += whole;
      for (let i = whole.indexOf('\n'); i >= 0; i = whole.indexOf('\n', i + 1)) this.line++;
    }
    return { text: out, notes: this.notes };
  }

  /** What takes the place of a directive: itself where it only says whose file it is. */
  private directive(whole: string): string {
    const [, verb = '', rest = ''] = DIRECTIVE.exec(whole) ?? [];
    const name = NAME.exec(rest);
    switch (verb.toLowerCase()) {
      case 'ifdef':
      case 'ifndef':
        if (this.open.length >= MOST_NESTED) this.note(verb, 'stands too deep');
        else this.open.push(this.defines.has(rest) === (verb.toLowerCase() === 'ifdef'));
        return '';
      case 'else':
        if (this.open.length > 0) this.open.push(!this.open.pop());
        return '';
      case 'endif':
        this.open.pop();
        return '';
    }
    if (this.open.includes(false)) return '';
    switch (verb.toLowerCase()) {
      case 'define':
      case 'redefine':
        if (name !== null) this.defines.set(name[1] as string, name[2] ?? '');
        return '';
      case 'trydef':
      case 'trydefine':
        if (name !== null && !this.defines.has(name[1] as string)) this.defines.set(name[1] as string, name[2] ?? '');
        return '';
      case 'subst':
      case 'substdef':
      case 'substdefs':
        this.substitute(verb, rest);
        return '';
      case 'kamailio':
      case 'ser':
      case 'opensips':
      case 'openser':
      case 'all':
      case 'maxcompat':
        return whole;
      default:
        this.note(verb, 'is not carried out');
        return '';
    }
  }

  private substitute(verb: string, rest: string): void {
    const [, , pattern = '', by = '', flags = ''] = SED.exec(rest) ?? [];
    if (pattern === '') {
      this.note(verb, 'is not understood');
      return;
    }
    if (verb.toLowerCase() !== 'subst') {
      this.defines.set(pattern, verb.toLowerCase() === 'substdefs' ? `"${by}"` : by);
    }
    try {
      this.substitutions.push({ pattern: new RegExp(pattern, flags.replace(/[^gi]/g, '')), by });
    } catch {
      this.note(verb, 'has a pattern that is not understood');
    }
  }

  private word(text: string): string {
    return text.replace(/[A-Za-z_]\w*/g, (id) => this.defines.get(id) || id);
  }

  private substituted(text: string): string {
    let result = text;
    for (const { pattern, by } of this.substitutions) result = result.replace(pattern, () => by);
    return result.replace(/\n/g, ' ');
  }

  private note(verb: string, what: string): void {
    this.notes.push({ line: this.line, text: `preprocessor directive "${verb.slice(0, 40)}" ${what}` });
  }
}
