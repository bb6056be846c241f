import { type BoundedRegex, compilePosix } from '../../core/posix-regex.js';
import type { LoadModule } from '../ast.js';

/**
 * Maximum numbers in a file: of modules, of different expressions for their names, of modules that expressions find.
 */
const MAX_MODULES = 1000;
const MAX_EXPRESSIONS = 1000;
const MAX_FOUND = 200_000;

/**
 * Maximum work for one file, a few seconds: a comparison costs so many units and the product of both lengths, a new
 * expression so many for each of its characters, and a found module for each of its own.
 */
const MAX_WORK = 200_000_000;
const COMPARISON = 100;
const EXPRESSION_CHARACTER = 1000;
const FOUND_CHARACTER = 5;

/** An expression for names of modules, with those that it matches of the first `looked` modules. */
interface Search {
  readonly regex: BoundedRegex;
  readonly found: string[];
  looked: number;
}

/** A file that has too much of something. */
export class TooManyModules extends Error {}

/** The modules that a file loads. */
export class LoadedModules {
  readonly list: LoadModule[] = [];
  private readonly byName = new Map<string, LoadModule>();
  private readonly foldedNames = new Map<string, string[]>();
  private readonly searches = new Map<string, Search>();
  private found = 0;
  private work = 0;

  /** The module of a name, loaded before. */
  get(name: string): LoadModule | undefined {
    return this.byName.get(name);
  }

  /** Adds a module. Throws TooManyModules. */
  add(module: LoadModule): void {
    if (this.list.length >= MAX_MODULES) throw new TooManyModules(`more than ${MAX_MODULES} modules`);
    const { name } = module;
    this.list.push(module);
    this.byName.set(name, module);
    const folded = name.toLowerCase();
    const same = this.foldedNames.get(folded);
    if (same === undefined) this.foldedNames.set(folded, [name]);
    else same.push(name);
  }

  /**
   * The names of the modules that Kamailio finds for the name before a parameter, which is a regular expression without
   * regard to case. Throws an Error with the reason for one that is not valid, and TooManyModules.
   */
  matching(expression: string): readonly string[] {
    const names = /^[\w-]+$/.test(expression)
      ? (this.foldedNames.get(expression.toLowerCase()) ?? [])
      : this.searched(expression);
    this.found += names.length;
    if (this.found > MAX_FOUND) throw new TooManyModules(`parameters for more than ${MAX_FOUND} modules`);
    for (const { length } of names) this.count(length * FOUND_CHARACTER);
    return names;
  }

  /** Each expression is compared once with each module. */
  private searched(expression: string): readonly string[] {
    let search = this.searches.get(expression);
    if (search === undefined) {
      if (this.searches.size >= MAX_EXPRESSIONS)
        throw new TooManyModules(`more than ${MAX_EXPRESSIONS} expressions for names of modules`);
      this.count(expression.length * EXPRESSION_CHARACTER);
      search = { regex: compilePosix(`^(${expression})$`, { ignoreCase: true }), found: [], looked: 0 };
      this.searches.set(expression, search);
    }
    for (; search.looked < this.list.length; search.looked++) {
      const { name } = this.list[search.looked] as LoadModule;
      this.count(COMPARISON + expression.length * name.length);
      if (search.regex.match(name, 0) !== undefined) search.found.push(name);
    }
    return search.found;
  }

  private count(units: number): void {
    this.work += units;
    if (this.work > MAX_WORK)
      throw new TooManyModules('the names of modules, or the expressions for them, are too many or too long');
  }
}
