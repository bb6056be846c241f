import { trimEnd } from '../core/characters.js';
import { hostPort } from '../sip/transport/transport.js';
import { type TracedMessage, titleOf } from './traced-message.js';

/** Characters between two lines of the ladder. */
const GAP = 27;
const US = 'switchyard';
/** Peers of one call that have a column of their own; further ones share the last. */
const MAX_PEERS = 6;

/** Draws the messages of each call as a ladder: a column for each peer and for us, and an arrow for each message. */
export function renderLadders(messages: readonly TracedMessage[]): string {
  const calls = new Map<string, TracedMessage[]>();
  for (const message of messages) {
    const call = calls.get(message.callId);
    if (call === undefined) calls.set(message.callId, [message]);
    else call.push(message);
  }
  return [...calls].map(([callId, call]) => `Call-ID ${printable(callId)}\n${ladder(call)}`).join('\n');
}

function ladder(messages: readonly TracedMessage[]): string {
  // The peer that sent the first message stands left of us, all others right.
  const peers: string[] = [];
  for (const { remote } of messages) {
    const name = hostPort(remote.address, remote.port);
    if (!peers.includes(name)) peers.push(name);
  }
  const shown = peers.slice(0, MAX_PEERS);
  const columns = [...shown.slice(0, 1), US, ...shown.slice(1)];
  const lines = [`${' '.repeat(9)}${columns.map((each) => centered(each, GAP)).join('')}`];
  const began = messages[0]?.time ?? 0;
  for (const { time, direction, remote, text } of messages) {
    const peer = columns.indexOf(hostPort(remote.address, remote.port));
    const at = peer < 0 ? columns.length - 1 : peer;
    const us = columns.indexOf(US);
    const [left, right] = at < us ? [at, us] : [us, at];
    const toRight = (direction === 'in') === at < us;
    lines.push(
      `${offset(time - began)} ${rungs(columns.length, left, right, arrow(titleOf(text), right - left, toRight))}`,
    );
  }
  return `${lines.map((line) => trimEnd(printable(line))).join('\n')}\n`;
}

/** The vertical lines of all columns, with an arrow between two of them. */
function rungs(columns: number, left: number, right: number, arrowText: string): string {
  let text = ' '.repeat(Math.floor(GAP / 2));
  for (let i = 0; i < columns; i++) {
    text += '|';
    if (i === columns - 1) break;
    if (i === left) {
      text += arrowText;
      i = right - 1;
    } else text += ' '.repeat(GAP - 1);
  }
  return text;
}

function arrow(title: string, span: number, toRight: boolean): string {
  const width = GAP * span - 1;
  const label = title.slice(0, width - 3);
  const free = width - 1 - label.length;
  const before = Math.floor(free / 2);
  const line = `${'-'.repeat(before)}${label}${'-'.repeat(free - before)}`;
  return toRight ? `${line}>` : `<${line}`;
}

function centered(text: string, width: number): string {
  const cut = text.slice(0, width - 1);
  const before = Math.floor((width - cut.length) / 2);
  return `${' '.repeat(before)}${cut}${' '.repeat(width - cut.length - before)}`;
}

function offset(ms: number): string {
  return (ms / 1000).toFixed(3).padStart(8);
}

/** Control characters sent by a peer must not reach the terminal. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}
