import type { EndStatement, ForStatement, FunctionCall, Statement, SwitchCase, VariableReference } from '../ast.js';
import type { Dialect } from '../dialect.js';
import type { Problems } from '../problem.js';
import { ExpressionParser } from './expressions.js';
import { SyntaxFault } from './preprocessor.js';
import { switchLiteral } from './switch-literal.js';
import type { TokenStream } from './token-stream.js';

/** How far the end of a transformation on the left side of an assignment is looked for. */
const MAX_TRANSFORMATION_TOKENS = 16;

/** Maximum nesting of blocks. */
const MAX_DEPTH = 200;
/** Maximum number of statements in one file. */
const MAX_STATEMENTS = 500_000;

/** Parses statements. A wrong statement is reported and left out; parsing continues after it. */
export class StatementParser {
  readonly expressions: ExpressionParser;
  private depth = 0;
  private count = 0;
  /** Number of enclosing loops and switches. */
  private breakable = 0;

  constructor(
    private readonly tokens: TokenStream,
    private readonly dialect: Dialect,
    private readonly problems: Problems,
    /** Handles an include statement within a route. */
    private readonly include: () => boolean,
  ) {
    this.expressions = new ExpressionParser(tokens, dialect);
  }

  /** Parses "{ statements }" of a route, which may not be empty. */
  routeBody(after: string): Statement[] {
    const { tokens } = this;
    tokens.expect('{', after);
    if (tokens.isPunctuation('}')) throw tokens.unexpected('a statement');
    const body = this.statements();
    this.closing();
    return body;
  }

  /** Parses statements up to the brace that closes the block, or up to "case" or "default". */
  private statements(inSwitch = false): Statement[] {
    const { tokens } = this;
    const list: Statement[] = [];
    if (++this.depth > MAX_DEPTH) {
      throw new SyntaxFault(tokens.peek().at, `blocks nested deeper than ${MAX_DEPTH}`, 'syntax', 'too-large');
    }
    for (;;) {
      const token = tokens.peek();
      if (token.kind === 'end' || tokens.isPunctuation('}')) break;
      if (inSwitch && token.kind === 'word' && (token.text === 'case' || token.text === 'default')) break;
      try {
        const statement = this.statement();
        if (statement !== undefined) list.push(statement);
      } catch (error) {
        if (!(error instanceof SyntaxFault) || error.code === 'too-large' || error.what !== 'syntax') throw error;
        this.problems.error(error.code, error.at, error.message);
        if (this.problems.list.length > 100)
          throw new SyntaxFault(error.at, 'too many errors; the rest of the file is not read');
        this.recover();
      }
    }
    this.depth--;
    return list;
  }

  /** Skips to after the next semicolon, or to the brace that closes the block. */
  private recover(): void {
    const { tokens } = this;
    let braces = 0;
    for (let token = tokens.peek(); token.kind !== 'end'; token = tokens.peek()) {
      if (token.kind === 'punctuation') {
        if (token.text === '}' && braces-- === 0) return;
        if (token.text === '{') braces++;
        if ((token.text === ';' || token.text === '}') && braces === 0) {
          tokens.take();
          return;
        }
      }
      tokens.take();
    }
  }

  private closing(): void {
    const { tokens } = this;
    if (tokens.peek().kind === 'end') throw tokens.unexpected('"}"');
    tokens.expect('}', 'after the last statement');
  }

  /** Parses one statement; undefined for an empty one. */
  private statement(): Statement | undefined {
    const { tokens } = this;
    const token = tokens.peek();
    if (++this.count > MAX_STATEMENTS) {
      throw new SyntaxFault(token.at, `more than ${MAX_STATEMENTS} statements`, 'syntax', 'too-large');
    }
    if (tokens.accept(';')) return undefined;
    if (token.kind === 'variable') return this.assignment();
    if (tokens.isPunctuation('*') && tokens.isPunctuation('/', 1)) {
      // Reported where Kamailio reports it: after the second "*/".
      throw new SyntaxFault(tokens.peek(2).at, '"*/" without a "/*" before it');
    }
    if (token.kind !== 'word') throw tokens.unexpected('a statement');
    if (this.include()) return undefined;
    switch (token.text) {
      case 'if':
        return this.ifStatement();
      case 'while':
        return this.whileStatement();
      case 'for':
        if (this.dialect.syntax.forLoops) return this.forStatement();
        break;
      case 'switch':
        return this.switchStatement();
      case 'break':
        if (this.breakable === 0 && !this.dialect.syntax.breakAnywhere) {
          throw new SyntaxFault(token.at, 'break outside of a loop or switch');
        }
        return this.end('break');
      case 'exit':
      case 'drop':
        return this.end(token.text);
      case 'return':
        return this.returnStatement();
      case 'async':
      case 'launch':
        if (this.dialect.syntax.asyncStatements) return this.asyncStatement(token.text);
        break;
      case 'route': {
        if (!tokens.isPunctuation('(', 1)) break;
        const call = this.expressions.routeCall();
        this.semicolon();
        return { kind: 'call-statement', call, at: token.at };
      }
    }
    return this.callStatement();
  }

  private callStatement(): Statement {
    const { tokens } = this;
    const name = tokens.peek();
    if (NOT_CALLS.has(name.text)) throw tokens.unexpected('a statement');
    if (!tokens.isPunctuation('(', 1)) {
      tokens.take();
      throw tokens.unexpected(`"(" after ${name.text}`);
    }
    const call = this.expressions.call(tokens.take());
    this.semicolon();
    return { kind: 'call-statement', call, at: name.at };
  }

  private assignment(): Statement {
    const { tokens } = this;
    const target = this.expressions.variable();
    if (target.text.startsWith('@') || (target.text === '$null' && this.dialect.syntax.nullVariable)) {
      throw new SyntaxFault(target.at, `${target.text} is read-only`, 'syntax', 'read-only');
    }
    if (!this.dialect.syntax.nullVariable) this.skipTransformation();
    if (!this.expressions.isAssignment(tokens.peek())) throw tokens.unexpected(`"=" after ${target.text}`);
    const assignment = this.expressions.assignment(target);
    this.semicolon();
    return assignment;
  }

  /** Passes over the transformation in "$ru{s.len} = 1", which is of no effect there, as recorded of OpenSIPS. */
  private skipTransformation(): void {
    const { tokens } = this;
    if (!tokens.isPunctuation('{')) return;
    for (let i = 1; i <= MAX_TRANSFORMATION_TOKENS; i++) {
      if (!tokens.isPunctuation('}', i)) continue;
      if (this.expressions.isAssignment(tokens.peek(i + 1))) for (let taken = 0; taken <= i; taken++) tokens.take();
      return;
    }
  }

  private semicolon(): void {
    if (this.tokens.accept(';') === undefined) throw this.tokens.unexpected('";"');
  }

  /** Parses the body of an if or while: one statement, or several in braces. */
  private body(): Statement[] {
    const { tokens } = this;
    if (tokens.accept('{')) {
      if (tokens.isPunctuation('}') && !this.dialect.syntax.emptyBlocks) throw tokens.unexpected('a statement');
      const body = this.statements();
      this.closing();
      return body;
    }
    if (++this.depth > MAX_DEPTH) {
      throw new SyntaxFault(tokens.peek().at, `blocks nested deeper than ${MAX_DEPTH}`, 'syntax', 'too-large');
    }
    const statement = this.statement();
    this.depth--;
    return statement === undefined ? [] : [statement];
  }

  private condition(after: string) {
    const { tokens } = this;
    // Kamailio accepts any expression as condition: "(a) && (b)", also without parentheses.
    if (this.dialect.syntax.freeConditions) return this.expressions.condition();
    if (!tokens.isPunctuation('(')) throw tokens.unexpected(`"(" after ${after}`);
    tokens.take();
    const condition = this.expressions.condition();
    tokens.expect(')', 'to close "("');
    return condition;
  }

  private ifStatement(): Statement {
    const { at } = this.tokens.take();
    const condition = this.condition('if');
    const body = this.body();
    const otherwise = this.tokens.accept('else') === undefined ? undefined : this.body();
    return { kind: 'if', condition, body, otherwise, at, following: this.tokens.peek().at };
  }

  private whileStatement(): Statement {
    const { at } = this.tokens.take();
    const condition = this.condition('while');
    return { kind: 'while', condition, body: this.inLoop(() => this.body()), at };
  }

  private forStatement(): ForStatement {
    const { tokens } = this;
    const { at } = tokens.take();
    tokens.expect('(', 'after for');
    const iterator = this.variableOf('the variable of a loop');
    if (!/^\$(?:\()?(?:var|avp|json)\(/.test(iterator.text)) {
      throw new SyntaxFault(iterator.at, `for needs $var, $avp or $json, not ${iterator.text}`);
    }
    tokens.expect('in', 'after the variable of a loop');
    const list = this.variableOf('the variable that is looped over');
    tokens.expect(')', 'to close "("');
    return { kind: 'for', iterator, list, body: this.inLoop(() => this.body()), at };
  }

  private variableOf(what: string): VariableReference {
    if (this.tokens.peek().kind !== 'variable') throw this.tokens.unexpected(what);
    return this.expressions.variable();
  }

  private inLoop<T>(parse: () => T): T {
    this.breakable++;
    try {
      return parse();
    } finally {
      this.breakable--;
    }
  }

  private switchStatement(): Statement {
    const { tokens, dialect } = this;
    const { at } = tokens.take();
    const free = dialect.syntax.freeConditions;
    if (!free) tokens.expect('(', 'after switch');
    const subject = this.expressions.value();
    if (!free) tokens.expect(')', 'to close "("');
    tokens.expect('{', 'after switch (...)');
    const cases: SwitchCase[] = [];
    while (!tokens.isPunctuation('}')) cases.push(this.switchCase(cases));
    if (cases.length === 0) {
      if (!dialect.syntax.emptySwitch) throw tokens.unexpected('case');
      this.problems.warning('syntax', at, 'this switch has no case');
    }
    tokens.take();
    return { kind: 'switch', subject, cases, at };
  }

  private switchCase(before: readonly SwitchCase[]): SwitchCase {
    const { tokens } = this;
    const { at } = tokens.peek();
    let label: SwitchCase['label'];
    if (this.dialect.syntax.literalCases && before.at(-1)?.label === undefined && before.length > 0) {
      throw new SyntaxFault(at, 'default must be the last case of a switch, and occur only once');
    }
    if (tokens.accept('default') !== undefined) {
      if (before.some((each) => each.label === undefined))
        throw new SyntaxFault(at, 'a switch can have only one default');
    } else {
      tokens.expect('case', 'or "default" in a switch');
      label = this.caseLabel();
    }
    tokens.expect(':', 'after a case');
    return { label, body: this.inLoop(() => this.statements(true)), at };
  }

  private caseLabel(): SwitchCase['label'] {
    const { tokens, dialect } = this;
    const token = tokens.peek();
    if (dialect.syntax.regexCases && token.kind === 'punctuation' && token.text === '/') {
      tokens.take();
      if (tokens.peek().kind !== 'string') throw tokens.unexpected('a regular expression in quotes');
      return { kind: 'regex', source: tokens.string(), at: token.at };
    }
    // A number before the colon of a case is not part of an address.
    if (token.kind === 'int' && tokens.isPunctuation(':', 1)) {
      tokens.take();
      return { kind: 'int', value: token.value, text: token.text, at: token.at };
    }
    const flag = switchLiteral(token, dialect);
    if (flag !== undefined && tokens.isPunctuation(':', 1)) {
      tokens.take();
      return { kind: 'int', value: flag, text: token.text, at: token.at };
    }
    const negated = tokens.peek(1);
    if (token.kind === 'punctuation' && token.text === '-' && negated.kind === 'int' && tokens.isPunctuation(':', 2)) {
      tokens.take();
      tokens.take();
      return { kind: 'int', value: -negated.value, text: `-${negated.text}`, at: token.at };
    }
    const value = this.expressions.label();
    const literal = value.kind === 'int' || value.kind === 'string';
    if (!literal && (dialect.syntax.literalCases || !isConstant(value))) {
      throw new SyntaxFault(token.at, 'a case needs a number or a string');
    }
    return value;
  }

  private end(kind: 'exit' | 'drop' | 'break'): EndStatement {
    const { tokens } = this;
    const { at } = tokens.take();
    if (this.dialect.syntax.returnExpressions && kind !== 'break') {
      // As recorded, Kamailio's exit and drop take a value as return does; it has no effect.
      const values = tokens.isPunctuation(';') ? [] : this.returnValue();
      this.semicolon();
      return { kind, values, at };
    }
    if (!this.dialect.syntax.returnExpressions && tokens.accept('(')) {
      if (!tokens.isPunctuation(')') && this.dialect.syntax.endArguments) this.expressions.value();
      tokens.expect(')', 'to close "("');
    }
    this.semicolon();
    return { kind, values: [], at };
  }

  private returnStatement(): EndStatement {
    const { tokens, dialect } = this;
    const { at } = tokens.take();
    if (tokens.accept(';')) return { kind: 'return', values: [], at };
    if (dialect.syntax.returnExpressions) {
      const values = this.returnValue();
      this.semicolon();
      return { kind: 'return', values, at };
    }
    const values = this.returnValues();
    this.semicolon();
    const first = values[0];
    if (first !== undefined && first.kind !== 'int' && first.kind !== 'variable') {
      throw new SyntaxFault(first.at, 'return needs a number or a variable as its first value');
    }
    return { kind: 'return', values, at };
  }

  /** Parses "()" or an expression. */
  private returnValue() {
    const { tokens } = this;
    if (!tokens.isPunctuation('(') || !tokens.isPunctuation(')', 1)) return [this.expressions.value()];
    tokens.take();
    tokens.take();
    return [];
  }

  private returnValues() {
    const { tokens } = this;
    if (tokens.accept('(') === undefined) return [this.expressions.value()];
    if (tokens.accept(')')) return [];
    const values = [this.expressions.value()];
    while (tokens.accept(',')) values.push(this.expressions.value());
    tokens.expect(')', 'to close "("');
    return values;
  }

  private asyncStatement(kind: 'async' | 'launch'): Statement {
    const { tokens } = this;
    const { at } = tokens.take();
    tokens.expect('(', `after ${kind}`);
    if (tokens.peek().kind !== 'word') throw tokens.unexpected('a function');
    const call: FunctionCall = this.expressions.call(tokens.take());
    let resume: ReturnType<ExpressionParser['routeName']> | undefined;
    if (tokens.accept(',')) resume = this.expressions.routeName();
    const extra = tokens.accept(',') ? this.expressions.value() : undefined;
    tokens.expect(')', 'to close "("');
    if (resume === undefined && kind === 'async') throw tokens.unexpected('the name of a route');
    this.semicolon();
    return { kind, call, resume, extra, at };
  }
}

const NOT_CALLS = new Set('else case default and or not loadmodule modparam'.split(' '));

function isConstant(value: ReturnType<ExpressionParser['value']>): boolean {
  if (value.kind === 'binary') return isConstant(value.left) && isConstant(value.right);
  if (value.kind === 'unary') return value.operator !== 'defined' && isConstant(value.operand);
  return value.kind === 'int' || value.kind === 'string';
}
