import type { SipMessage } from '../../sip/message.js';
import { NOBODY } from '../../sip/transaction/client.js';
import type { Dialog, Side } from './dialog.js';
import { sendWithin } from './requests-within.js';

/** Milliseconds between two requests to a side; 0 or less: none are sent. */
export interface PingTimes {
  readonly options: number;
  readonly reinvite: number;
}

/**
 * Sends requests to the sides of an answered dialog repeatedly; calls `gone` with the reason when a side does not know
 * the dialog.
 */
export function startPings(dialog: Dialog, times: PingTimes, gone: (reason: string) => void): void {
  const stops = [
    every(dialog, times.options, dialog.pinged, (side) => ask(dialog, side, () => gone('Ping Timeout'))),
    every(dialog, times.reinvite, dialog.reinvited, (side) =>
      reinvite(dialog, side, () => gone('ReINVITE Ping Timeout')),
    ),
  ];
  dialog.stopPings = () => {
    for (const stop of stops) stop();
  };
}

const NOTHING = (): void => undefined;

function every(dialog: Dialog, ms: number, sides: ReadonlySet<Side>, act: (side: Side) => void): () => void {
  if (sides.size === 0 || ms <= 0) return NOTHING;
  const { clock } = dialog.call.env;
  const tick = (): void => {
    if (!dialog.isAnswered) return;
    for (const side of sides) act(side);
    stop = clock.schedule(ms, tick);
  };
  let stop = clock.schedule(ms, tick);
  return () => stop();
}

/** Whether a reply means that the side does not know the dialog, or does not answer (RFC 3261 section 12.2.1.2). */
const endsDialog = ({ status }: SipMessage): boolean => status === 408 || status === 481;

/** Sends OPTIONS; calls `gone` when there is no reply, or 408 or 481. */
function ask(dialog: Dialog, side: Side, gone: () => void): void {
  sendWithin(
    dialog,
    side,
    { method: 'OPTIONS' },
    {
      onReply(_client, reply) {
        if (endsDialog(reply)) gone();
      },
      onFailure: gone,
    },
  );
}

/** Sends a re-INVITE with the SDP that the side has already, so that nothing changes; OPTIONS when no SDP is known. */
function reinvite(dialog: Dialog, side: Side, gone: () => void): void {
  const shown = dialog.shown[side];
  if (shown === undefined || shown.sdp === '' || shown.contact === '') {
    ask(dialog, side, gone);
    return;
  }
  const lines = `Contact: ${shown.contact}\r\nContent-Type: application/sdp\r\n`;
  sendWithin(
    dialog,
    side,
    { method: 'INVITE', lines, body: shown.sdp },
    {
      onReply(_client, reply) {
        if (endsDialog(reply)) gone();
        // RFC 3261 section 13.2.2.4: each 2xx needs an ACK.
        else if (reply.status >= 200 && reply.status < 300)
          sendWithin(dialog, side, { method: 'ACK', number: reply.cseqNumber }, NOBODY);
      },
      onFailure: gone,
    },
  );
}
