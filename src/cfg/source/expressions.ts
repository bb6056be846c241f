import { ownValue } from '../../core/own-value.js';
import type {
  Argument,
  AssignExpression,
  Assignment,
  AssignmentOperator,
  BinaryOperator,
  Expression,
  FunctionCall,
  RouteCall,
  VariableReference,
  Word,
} from '../ast.js';
import type { Dialect } from '../dialect.js';
import {
  ARITHMETIC,
  ASSIGNMENTS,
  CALL_LIKE,
  COMPARISONS,
  CORE_TESTS,
  isWordPart,
  KEYWORDS,
  LOGICAL,
  negative,
  operatorOf,
  RANKS,
  SHIFTS,
  SUMS,
  unaryOperator,
  WORD_END,
} from './operators.js';
import { SyntaxFault } from './preprocessor.js';
import { isReserved } from './reserved.js';
import { switchLiteral } from './switch-literal.js';
import type { Token } from './token.js';
import { shown, type TokenStream } from './token-stream.js';

/** Maximum number of arguments of a call. */
const MAX_ARGUMENTS = 64;
/** Maximum number of operators in a row: each makes the tree, which is walked recursively, one level deeper. */
const MAX_CHAIN = 2000;
/** Maximum nesting of brackets and operators. */
const MAX_DEPTH = 200;

/** Parses expressions of both dialects, and refuses what the dialect does not allow. */
export class ExpressionParser {
  private depth = 0;
  /** Set while the label of a case is parsed, which ends at its colon. */
  private inLabel = false;

  constructor(
    private readonly tokens: TokenStream,
    private readonly dialect: Dialect,
  ) {}

  /** Parses the condition in the parentheses of if and while. */
  condition(): Expression {
    return this.dialect.syntax.precedence ? this.ranked(0) : this.conditionChain();
  }

  /** Parses the label of a case, which ends at its colon. */
  label(): Expression {
    this.inLabel = true;
    try {
      return this.value();
    } finally {
      this.inLabel = false;
    }
  }

  /** Parses the right side of an assignment, or the value of return. */
  value(): Expression {
    return this.dialect.syntax.precedence ? this.ranked(0) : this.arithmeticChain();
  }

  /** Whether a token is an assignment operator of this dialect: "=", "+=" and the like. */
  isAssignment(token: Token): boolean {
    if (token.kind !== 'punctuation' || !ASSIGNMENTS.has(token.text)) return false;
    return token.text === '=' || this.dialect.syntax.compoundAssignment;
  }

  /** Parses "$var(x) = 5", without its semicolon. */
  assignment(target: VariableReference): Assignment {
    const operator = this.tokens.take();
    const value = this.value();
    if (value.kind === 'assign-expression' && this.dialect.syntax.precedence)
      throw new SyntaxFault(value.at, 'an assignment has no value that could be assigned');
    return { kind: 'assign', target, operator: operator.text as AssignmentOperator, value, at: target.at };
  }

  /** Takes the next token, which must be a variable. */
  variable(): VariableReference {
    const token = this.tokens.take();
    return { kind: 'variable', text: token.text, at: token.at };
  }

  /** Parses "(arguments)" of a call; the name has been taken. */
  call(name: Token): FunctionCall {
    return { kind: 'call', name: name.text, args: this.args(name.text), at: name.at };
  }

  /** Parses "route(name, parameters)". */
  routeCall(): RouteCall {
    const { tokens } = this;
    const { at } = tokens.take();
    tokens.expect('(', 'after route');
    if (tokens.isPunctuation(')')) throw tokens.unexpected('the name of a route');
    const name = this.routeName();
    const args: Argument[] = [];
    if (!this.dialect.syntax.routeParameters && tokens.isPunctuation(',')) throw tokens.unexpected('")"');
    while (tokens.accept(',')) args.push(this.argument());
    tokens.expect(')', 'after the name of a route');
    return { kind: 'route', name, args, at };
  }

  /** Parses the name in route(...): a word, a number, a text or an expression. Throws SyntaxFault. */
  routeName(): Expression {
    const { tokens } = this;
    const token = tokens.peek();
    if (this.dialect.name === 'kamailio' && isReserved(token))
      throw new SyntaxFault(token.at, `${token.text} cannot be the name of a route without quotes`);
    if ((token.kind === 'word' || token.kind === 'int') && !tokens.isPunctuation('(', 1)) {
      const { text, at, tokens: count } = tokens.adjacentText(WORD_END);
      if (count > 1 && this.dialect.syntax.quotedRouteNames) {
        throw new SyntaxFault(at, `route name ${text} needs quotes`);
      }
      return { kind: 'word', text, at };
    }
    return this.simple();
  }

  /** Parses an argument or a name: any expression, or only a literal or a variable, as the dialect allows. */
  private simple(): Expression {
    if (this.dialect.syntax.precedence) return this.value();
    const token = this.tokens.peek();
    if (token.kind === 'word' && this.tokens.isPunctuation('(', 1))
      throw this.tokens.unexpected('a literal or a variable');
    return this.primary();
  }

  private args(name: string): Argument[] {
    const { tokens } = this;
    tokens.expect('(', `after ${name}`);
    const args: Argument[] = [];
    if (tokens.accept(')')) return args;
    for (;;) {
      args.push(name === 'assert' && args.length === 0 ? this.condition() : this.argument());
      if (tokens.accept(')')) return args;
      if (tokens.accept(',') === undefined) throw tokens.unexpected('"," or ")"');
      if (args.length > MAX_ARGUMENTS) throw tokens.unexpected(`")" (at most ${MAX_ARGUMENTS} arguments)`);
    }
  }

  private argument(): Argument {
    const { tokens } = this;
    if (tokens.isPunctuation(',') || tokens.isPunctuation(')')) return undefined;
    return this.simple();
  }

  /** Parses operators by rank; those of one rank are left-associative. */
  private ranked(rank: number): Expression {
    if (rank === RANKS.length) return this.unary();
    if (++this.depth > MAX_DEPTH * RANKS.length) throw this.tooDeep();
    let left = this.ranked(rank + 1);
    const operators = RANKS[rank] as readonly string[];
    if (rank === RANKS.length - 1 && this.tokens.isPunctuation('%'))
      throw new SyntaxFault(this.tokens.peek().at, '"%" is not an operator of kamailio.cfg, "mod" is');
    for (let chain = 0; ; chain++) {
      const token = this.tokens.peek();
      if ((token.kind !== 'punctuation' && token.kind !== 'word') || !operators.includes(token.text)) break;
      if (token.text === '!~' && !this.dialect.syntax.notMatchOperator)
        throw this.tokens.unexpected('an operator or ")"');
      if (chain > MAX_CHAIN) throw this.tooDeep();
      this.tokens.take();
      const right = this.ranked(rank + 1);
      left = { kind: 'binary', operator: operatorOf(token), left, right, at: token.at };
    }
    this.depth--;
    return left;
  }

  private unary(): Expression {
    const { tokens } = this;
    const token = tokens.peek();
    const operator = unaryOperator(token);
    if (operator !== undefined) {
      tokens.take();
      if (CALL_LIKE.has(operator) && !tokens.isPunctuation('(')) throw tokens.unexpected(`"(" after ${operator}`);
      if (++this.depth > MAX_DEPTH * RANKS.length) throw this.tooDeep();
      const operand = (operator === '!' ? this.coreTest() : undefined) ?? this.unary();
      this.depth--;
      return { kind: 'unary', operator, operand, at: token.at };
    }
    if (tokens.isPunctuation('(')) {
      const cast = tokens.peek(1);
      if (cast.kind === 'word' && (cast.text === 'int' || cast.text === 'str') && tokens.isPunctuation(')', 2)) {
        tokens.take();
        tokens.take();
        tokens.take();
        return { kind: 'unary', operator: cast.text, operand: this.unary(), at: token.at };
      }
      tokens.take();
      const inner = this.ranked(0);
      tokens.expect(')', 'to close "("');
      return inner;
    }
    const primary = this.primary();
    if (primary.kind === 'variable' && this.dialect.syntax.assignInCondition && this.isAssignment(tokens.peek())) {
      return this.assigned(primary);
    }
    return primary;
  }

  /** Parses the comparison of a word of the core after "!": as recorded, "!uri == myself" is "!(uri == myself)". */
  private coreTest(): Expression | undefined {
    const word = this.tokens.peek();
    const operator = this.tokens.peek(1);
    if (word.kind !== 'word' || !CORE_TESTS.has(word.text)) return undefined;
    if (operator.kind === 'string' || !COMPARISONS.has(operator.text)) return undefined;
    const left = this.primary();
    this.tokens.take();
    return { kind: 'binary', operator: operatorOf(operator), left, right: this.ranked(SUMS), at: operator.at };
  }

  /** OpenSIPS: "&&" and "||" have the same rank and are left-associative. */
  private conditionChain(): Expression {
    if (++this.depth > MAX_DEPTH) throw this.tooDeep();
    let left = this.conditionTerm();
    for (let chain = 0; ; chain++) {
      const token = this.tokens.peek();
      const operator = token.kind === 'string' ? undefined : ownValue(LOGICAL, token.text);
      if (operator === undefined) break;
      if (chain > MAX_CHAIN) throw this.tooDeep();
      this.tokens.take();
      left = { kind: 'binary', operator, left, right: this.conditionTerm(), at: token.at };
    }
    this.depth--;
    return left;
  }

  /** OpenSIPS: "!" negates the whole comparison that follows. */
  private conditionTerm(): Expression {
    const { tokens } = this;
    const token = tokens.peek();
    if ((token.kind === 'punctuation' && token.text === '!') || (token.kind === 'word' && token.text === 'not')) {
      tokens.take();
      if (++this.depth > MAX_DEPTH) throw this.tooDeep();
      const operand = this.conditionTerm();
      this.depth--;
      return { kind: 'unary', operator: '!', operand, at: token.at };
    }
    if (tokens.accept('(')) {
      const inner = this.conditionChain();
      tokens.expect(')', 'to close "("');
      return inner;
    }
    const left = this.primary();
    const next = tokens.peek();
    if (left.kind === 'variable' && this.isAssignment(next)) return this.assigned(left);
    if (next.kind !== 'punctuation' || !COMPARISONS.has(next.text)) return left;
    if (left.kind !== 'variable' && left.kind !== 'word') {
      throw tokens.unexpected(
        `")" or "&&" after ${left.kind === 'call' || left.kind === 'route' ? 'a call' : 'a literal'}`,
      );
    }
    tokens.take();
    const right = this.comparand();
    return { kind: 'binary', operator: next.text as BinaryOperator, left, right, at: next.at };
  }

  /** Parses the right side of a comparison: a literal, a variable, a network. */
  private comparand(): Expression {
    const { tokens } = this;
    if (tokens.isPunctuation('(')) throw tokens.unexpected('a literal or a variable');
    return this.primary();
  }

  private assigned(target: VariableReference): AssignExpression {
    const assignment = this.assignment(target);
    return { kind: 'assign-expression', assignment, at: target.at };
  }

  /** OpenSIPS: arithmetic is evaluated from left to right without ranks, except that shifts come last. */
  private arithmeticChain(): Expression {
    return this.chain(SHIFTS, () => this.chain(ARITHMETIC, () => this.arithmeticTerm()));
  }

  private chain(operators: ReadonlySet<string>, operand: () => Expression): Expression {
    if (++this.depth > MAX_DEPTH) throw this.tooDeep();
    let left = operand();
    for (let chain = 0; ; chain++) {
      const token = this.tokens.peek();
      if (token.kind !== 'punctuation' || !operators.has(token.text)) break;
      if (chain > MAX_CHAIN) throw this.tooDeep();
      if (left.kind === 'null') throw this.tokens.unexpected('";"');
      this.tokens.take();
      const right = operand();
      if (right.kind === 'null') throw new SyntaxFault(right.at, 'NULL cannot be used in arithmetic');
      left = { kind: 'binary', operator: token.text as BinaryOperator, left, right, at: token.at };
    }
    this.depth--;
    return left;
  }

  private arithmeticTerm(): Expression {
    const { tokens } = this;
    const token = tokens.peek();
    if (tokens.accept('(')) {
      const inner = this.arithmeticChain();
      tokens.expect(')', 'to close "("');
      return inner;
    }
    if (token.kind === 'punctuation' && token.text === '~') {
      tokens.take();
      return { kind: 'unary', operator: '~', operand: this.arithmeticTerm(), at: token.at };
    }
    return this.primary();
  }

  private primary(): Expression {
    const { tokens } = this;
    const token = tokens.peek();
    if (token.kind === 'int' && !this.beginsWord()) {
      tokens.take();
      return { kind: 'int', value: token.value, text: token.text, at: token.at };
    }
    if (token.kind === 'string') return tokens.string();
    if (token.kind === 'variable') {
      tokens.take();
      if (token.text.startsWith('@')) return { kind: 'select', text: token.text, at: token.at };
      if (token.text === '$null' && this.dialect.syntax.nullVariable) return { kind: 'null', at: token.at };
      return { kind: 'variable', text: token.text, at: token.at };
    }
    if (token.kind === 'punctuation' && token.text === '-' && tokens.peek(1).kind === 'int') {
      tokens.take();
      return negative(tokens.take());
    }
    const flag = switchLiteral(token, this.dialect);
    if (flag !== undefined && !this.beginsWord()) {
      tokens.take();
      return { kind: 'int', value: flag, text: token.text, at: token.at };
    }
    if (token.kind === 'word' && tokens.isPunctuation('(', 1)) {
      if (token.text === 'route') return this.routeCall();
      if (KEYWORDS.has(token.text)) throw tokens.unexpected('an expression');
      return this.call(tokens.take());
    }
    if (token.kind === 'word' || token.kind === 'int' || tokens.isPunctuation('[') || tokens.isPunctuation('::')) {
      return this.word();
    }
    throw tokens.unexpected('an expression');
  }

  /** Whether the next token, a number or a flag, is the beginning of a bare word. */
  private beginsWord(): boolean {
    const after = this.tokens.peek(1);
    return after.adjacent && isWordPart(after) && !(this.inLabel && after.text === ':');
  }

  /**
   * Parses a bare word with everything that follows it without a blank: 127.0.8.0/24, group.name, udp:10.0.0.1:5060,
   * msg:len.
   */
  private word(): Expression {
    const first = this.tokens.peek();
    if (KEYWORDS.has(first.text)) throw this.tokens.unexpected('an expression');
    const { text, at } = this.tokens.adjacentText(WORD_END);
    if (!this.dialect.syntax.nullVariable && (text === 'NULL' || text === 'null')) return { kind: 'null', at };
    if (/^[0-9][0-9A-Za-z_]*$/.test(text)) throw new SyntaxFault(at, `${shown(first)} is not a number`);
    const word: Word = { kind: 'word', text, at };
    return word;
  }

  private tooDeep(): SyntaxFault {
    return new SyntaxFault(this.tokens.peek().at, `expression nested deeper than ${MAX_DEPTH}`, 'syntax', 'too-large');
  }
}
