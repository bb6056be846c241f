import { readFileSync } from 'node:fs';
import { FakeRtpengine } from '../support/fake-rtpengine.js';
import { FakeRtpproxy } from '../support/fake-rtpproxy.js';
import { operatorFile } from '../support/operator-files.js';
import { freePort } from '../support/ports.js';
import type { Answers, Lane } from '../support/side-by-side.js';
import type { SideBySide } from '../support/two-proxies.js';

/** An operator's file, and the calls that both proxies receive. */
export interface OperatorFile extends Omit<SideBySide, 'text' | 'words'> {
  /** File name in test/fixtures/kamailio, or a name for the file at `path`. */
  readonly file: string;
  /** Another path of the file; skipped when it does not exist. */
  readonly path?: string;
  /** Opens further peers before the proxy of a lane starts. */
  readonly peers?: (lane: Lane) => Promise<void>;
  /** Values that an operator must fill in, with the text to replace. */
  readonly filled?: readonly (readonly [text: string, value: string])[];
}

/** Port of the media proxy in the files. */
const MEDIA_PORT = 2223;
const RTPPROXY_PORT = 7722;

/**
 * The text of a file changed so that several can run in parallel: its folders become one folder, its ports free ones,
 * its media proxy the one of the test, and Kamailio has one process per socket. Nothing else is changed.
 */
export async function served(text: string, lane: Lane): Promise<string> {
  const ports = new Map<string, number>([['5060', lane.proxyPort]]);
  // Calls go to port 5060, or else to the first port in the file.
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
  // "!WORD!5090!g" of a substdef contains a port as well.
  const known = [...ports.keys()].join('|');
  return (
    text
      // Two processes could send two simultaneous replies in either order.
      .replace(/^children\s*=\s*\d+/m, 'children=1')
      .replace(new RegExp(`(?<![\\d.])(?:${known})(?!\\d)`, 'g'), (port) => String(ports.get(port)))
      .replace(/\/(?:etc\/kamailio|var\/lib\/kamailio|run\/kamailio)(?=\/)/g, 'FOLDER')
  );
}

/** The comparison that both proxies run. */
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
    // Each program writes its own name and process id.
    alike: (each) =>
      alike(
        each
          .replace(/(?<=server: )(?:kamailio \(5\.[^)]*\)\)|switchyard\/[\d.]+)/g, '*')
          .replace(/ pid=\d+ /g, ' pid=* '),
      ),
  };
}

const RINGING = [180, 'Ringing'] as const;
/** Replies of a gateway that answers. */
export const ANSWERED = [RINGING, [200, 'OK']] as const;

/** Replies of a gateway to an INVITE, by the end of the user name. */
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

/**
 * Two gateways: the first answers INVITEs by the end of the number, the second answers all except those ending in
 * "none".
 */
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
