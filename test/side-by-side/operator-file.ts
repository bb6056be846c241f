import { readFileSync } from 'node:fs';
import { FakeRtpengine } from '../support/fake-rtpengine.js';
import { FakeRtpproxy } from '../support/fake-rtpproxy.js';
import { operatorFile } from '../support/operator-files.js';
import { freePort } from '../support/ports.js';
import type { Answers, Lane } from '../support/side-by-side.js';
import type { SideBySide } from '../support/two-proxies.js';

/** A file of an operator, and the calls that both proxies get. */
export interface OperatorFile extends Omit<SideBySide, 'text' | 'words'> {
  /** In test/fixtures/kamailio, or what it is called where `path` is given. */
  readonly file: string;
  /** Where else it stands; it is left out where there is none. */
  readonly path?: string;
  /** Opens further peers before the proxy of a lane starts. */
  readonly peers?: (lane: Lane) => Promise<void>;
  /** Values of the file that an operator must fill in, and what stands there then. */
  readonly filled?: readonly (readonly [text: string, value: string])[];
}

/** Port of the media proxy in the files. */
const MEDIA_PORT = 2223;
const RTPPROXY_PORT = 7722;

/**
 * The text of a file as it can be run beside others: its folders are one folder of its own, its ports are free ones, its media
 * proxy is one of the test, and one process of Kamailio has its sockets. Nothing else is changed.
 */
export async function served(text: string, lane: Lane): Promise<string> {
  const ports = new Map<string, number>([['5060', lane.proxyPort]]);
  // Calls go to port 5060, or to the first that there is.
  const first = /^listen\s*=\s*udp:[\w.]+:(\d+)\b/m.exec(text)?.[1] ?? '5060';
  if (!/^listen\s*=\s*udp:[\w.]+:5060\b/m.test(text)) ports.set(first, lane.proxyPort);
  for (const [, port = ''] of text.matchAll(/^listen\s*=\s*\w+:[\w.]+:(\d+)\b/gm)) {
    if (ports.has(port)) continue;
    ports.set(port, await freePort());
    lane.ports.set(Number(port), ports.get(port) as number);
  }
  if (/"(?:\d+ == )?udp:127\.0\.0\.1:2223\b/.test(text)) {
    const media = await FakeRtpengine.open('192.0.2.77');
    lane.closing.push(() => media.close());
    ports.set(String(MEDIA_PORT), media.port);
  }
  if (/"udp:127\.0\.0\.1:7722"/.test(text)) {
    const media = await FakeRtpproxy.open('192.0.2.78');
    lane.closing.push(() => media.close());
    ports.set(String(RTPPROXY_PORT), media.port);
  }
  // "!WORD!5090!g" of a substdef is a port, too.
  const known = [...ports.keys()].join('|');
  return (
    text
      // Two processes could overtake each other with two replies that come at once.
      .replace(/^children\s*=\s*\d+/m, 'children=1')
      .replace(new RegExp(`(?<![\\d.])(?:${known})(?!\\d)`, 'g'), (port) => String(ports.get(port)))
      .replace(/\/(?:etc\/kamailio|var\/lib\/kamailio|run\/kamailio)(?=\/)/g, 'FOLDER')
  );
}

/** What both proxies are given. */
export function asSideBySide(operator: OperatorFile): SideBySide {
  const written = readFileSync(operator.path ?? operatorFile('kamailio', operator.file), 'latin1');
  const text = (operator.filled ?? []).reduce((all, [from, to]) => all.replace(from, to), written);
  const { alike = (each) => each } = operator;
  return {
    ...operator,
    text: async (lane) => {
      await operator.peers?.(lane);
      return served(text, lane);
    },
    // Each names itself and its process.
    alike: (each) =>
      alike(
        each
          .replace(/(?<=server: )(?:kamailio \(5\.[^)]*\)\)|switchyard\/[\d.]+)/g, '*')
          .replace(/ pid=\d+ /g, ' pid=* '),
      ),
  };
}

const RINGING = [180, 'Ringing'] as const;
/** A gateway that answers. */
export const ANSWERED = [RINGING, [200, 'OK']] as const;

/** What a gateway answers to an INVITE, by the end of the user's name. */
const BY_END: readonly (readonly [end: string, replies: readonly (readonly [status: number, reason: string])[]])[] = [
  ['over', [[503, 'Service Unavailable']]],
  ['none', [[503, 'Service Unavailable']]],
  ['lost', [[404, 'Not Found']]],
  ['busy', [[486, 'Busy Here']]],
  ['moved', [[302, 'Moved Temporarily']]],
  ['ring', [RINGING]],
  ['silent', []],
  [
    'early',
    [
      [183, 'Progress'],
      [200, 'OK'],
    ],
  ],
];

/** Two gateways: the first answers INVITEs by the end of the number, the second all but those that end in "none". */
export const GATEWAYS: Readonly<Record<string, Answers>> = {
  gw1(method, user) {
    if (method !== 'INVITE') return [[202, 'Accepted']];
    return BY_END.find(([end]) => user.endsWith(end))?.[1] ?? ANSWERED;
  },
  gw2: (method, user) => {
    if (method !== 'INVITE') return [[202, 'Accepted']];
    return user.endsWith('none') ? [[500, 'Broken']] : ANSWERED;
  },
};
