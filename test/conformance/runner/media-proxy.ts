import { decodeNg, encodeNg, type NgDictionary } from '../../../src/media/bencode.js';

/** How the media proxy of a case behaves: "ok" answers, "error" refuses every command, "silent" answers pings alone. */
export type MediaPlan = 'ok' | 'error' | 'silent';

/** Name of its socket among those of a recording. */
export const MEDIA = 'media';

const TOTALS = {
  RTP: { packets: 120, bytes: 20_640, errors: 0 },
  RTCP: { packets: 4, bytes: 320, errors: 1 },
};

/**
 * A media proxy beside the caller and the gateways, which the original and switchyard talk to by the ng protocol over UDP. It answers
 * always in the same way and keeps what it was asked.
 */
export class MediaProxy {
  /** Commands in the order of arrival, repeated ones and pings left out, keys sorted. */
  readonly commands: object[] = [];
  private readonly answers = new Map<string, string>();

  constructor(private readonly plan: MediaPlan) {}

  /** What is sent back for a datagram; undefined for nothing. */
  answer(text: string): string | undefined {
    const blank = text.indexOf(' ');
    const cookie = text.slice(0, blank);
    const known = this.answers.get(cookie);
    if (known !== undefined) return this.plan === 'silent' ? undefined : known;
    const command = decodeNg(text.slice(blank + 1));
    if (command === undefined) return undefined;
    if (command['command'] === 'ping') return `${cookie} ${encodeNg({ result: 'pong' })}`;
    this.commands.push(sorted(command));
    const answer = `${cookie} ${encodeNg(this.plan === 'error' ? REFUSAL : answerTo(command))}`;
    this.answers.set(cookie, answer);
    return this.plan === 'silent' ? undefined : answer;
  }
}

const REFUSAL: NgDictionary = { result: 'error', 'error-reason': 'no ports left' };

function answerTo(command: NgDictionary): NgDictionary {
  const { command: name, sdp } = command;
  if ((name === 'offer' || name === 'answer') && typeof sdp === 'string') {
    const relayed = sdp
      .replace(/^c=IN IP4 \S+/gm, 'c=IN IP4 127.0.0.45')
      .replace(/^m=audio \d+/gm, `m=audio ${name === 'offer' ? 30_000 : 30_002}`);
    return { sdp: `${relayed}a=relayed:${name}\r\n`, result: 'ok' };
  }
  if (name === 'query' || name === 'delete') {
    return { created: 1, 'last signal': 1, tags: {}, totals: TOTALS, result: 'ok' };
  }
  return { result: 'ok' };
}

/** Keys in the order of the alphabet, so that two programs compare; lists stay as they are. */
function sorted(command: NgDictionary): object {
  return Object.fromEntries(Object.entries(command).sort(([a], [b]) => (a < b ? -1 : 1)));
}
