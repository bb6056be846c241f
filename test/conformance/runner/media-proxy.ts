import { decodeNg, encodeNg, type NgDictionary } from '../../../src/media/bencode.js';

/** Behaviour of the media proxy of a case: "ok" answers, "error" rejects every command, "silent" answers pings only. */
export type MediaPlan = 'ok' | 'error' | 'silent';

/** Name of its socket in a recording. */
export const MEDIA = 'media';

const TOTALS = {
  RTP: { packets: 120, bytes: 20_640, errors: 0 },
  RTCP: { packets: 4, bytes: 320, errors: 1 },
};

/**
 * A media proxy for the original and for switchyard, with the ng protocol over UDP. It always answers in the same way
 * and keeps the commands.
 */
export class MediaProxy {
  /** Commands in the order of arrival without repetitions and pings, with sorted keys. */
  readonly commands: object[] = [];
  private readonly answers = new Map<string, string>();

  constructor(private readonly plan: MediaPlan) {}

  /** The answer to a datagram; undefined for none. */
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

/** Sorts keys alphabetically, so that two programs can be compared; lists keep their order. */
function sorted(command: NgDictionary): object {
  return Object.fromEntries(Object.entries(command).sort(([a], [b]) => (a < b ? -1 : 1)));
}
