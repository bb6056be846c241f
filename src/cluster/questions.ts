import type { ClusterNode } from './node.js';

/** A question: its kind and parameters. */
type Question = { readonly q: string; readonly [key: string]: unknown };

/** Parameters that must be texts where they are given; another node may send anything. */
const TEXTS = ['method', 'key', 'partition'] as const;

/** Answers a question; `answer` may be called later or never. */
export type Answerer = (question: Question, answer: (value: unknown) => void) => void;

const MAX_TEXT = 256 * 1024;

/** Questions that one node asks another by name, and the functions that answer them here. */
export class Questions {
  private readonly answerers = new Map<string, Answerer>();

  constructor(private readonly node: ClusterNode) {
    node.asked = (text, answer) => {
      const question = parsed(text);
      if (question === undefined || typeof question['q'] !== 'string') return;
      if (TEXTS.some((name) => question[name] !== undefined && typeof question[name] !== 'string')) return;
      this.answerers.get(question['q'])?.(question as Question, (value) => answer(JSON.stringify(value)));
    };
  }

  /** Registers the function that answers a kind of question. */
  on(kind: string, answer: Answerer): void {
    this.answerers.set(kind, answer);
  }

  /** `done` gets the answer; undefined when none came in time, or it is invalid. */
  ask(
    node: string,
    question: Question,
    timeoutMs: number,
    done: (value: Record<string, unknown> | undefined) => void,
  ): void {
    this.node.options.bus.ask(node, JSON.stringify(question), timeoutMs, (text) => {
      done(text === undefined ? undefined : parsed(text));
    });
  }
}

function parsed(text: string): Record<string, unknown> | undefined {
  if (text.length > MAX_TEXT) return undefined;
  try {
    const value = JSON.parse(text) as unknown;
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
