import type { PvarValue } from '../../pvar/context.js';
import type { MessageRun } from '../../script/call.js';
import { PerCall } from '../../script/per-call.js';
import { type Dialog, otherSide, type Side } from '../dialog/dialog.js';
import { dialogs } from '../dialog/state.js';

/** Settings of a side of a call that a script may assign ($rtp_relay, $rtp_relay_peer). */
export const SETTINGS = ['flags', 'peer', 'ip', 'type', 'iface', 'delete', 'disabled'] as const;
/** The name of such a setting. */
export type Setting = (typeof SETTINGS)[number];

/** Maximum length of a setting. */
const MAX_CHARACTERS = 1024;
/** Maximum number of branches with settings of their own. */
const MAX_BRANCHES = 32;

/** The stored form of a value that a script assigns: one line, since it is sent to the media proxy. */
export function settingText(value: PvarValue): string {
  return value === null
    ? ''
    : String(value)
        .replace(/[\r\n]/g, ' ')
        .slice(0, MAX_CHARACTERS);
}

type Sides = Readonly<Record<Side, Map<Setting, string>>>;
const bothSides = (): Sides => ({ caller: new Map(), callee: new Map() });

/** The settings of one side for an exchange. */
export type SideSettings = (name: Setting) => string;

/** A media proxy, as the functions that relay the media of a whole call use it. */
export interface MediaControl {
  /** Chooses the set of media proxies of the call; false when it does not exist. */
  choose(run: MessageRun, set: number): boolean;
  /** Sends the SDP of a message from one side to the media proxy, and replaces it by the answer's. */
  exchange(run: MessageRun, kind: 'offer' | 'answer', exchange: MediaExchange): Promise<number>;
  /** Ends the call at the media proxy. */
  remove(run: MessageRun, flags: string): Promise<number>;
}

/** Settings of both sides for one exchange. */
export interface MediaExchange {
  readonly from: SideSettings;
  readonly to: SideSettings;
  /** Flags for the whole call. */
  readonly flags: string;
  /** The Call-ID by which the media proxy knows the call. */
  readonly callId: string;
}

/** The media of one call, relayed by a media proxy from its INVITE to its end. */
export class MediaRelay {
  private readonly call = bothSides();
  private readonly ofBranches = new Map<number, Sides>();
  /** Flags for the whole call ($rtp_relay_ctx). */
  flags = '';
  deleteFlags = '';
  control: MediaControl | undefined = undefined;
  set = 0;
  callId = '';
  /** Whether the SDP of the last reply was an offer, which the ACK answers. */
  offeredInReply = false;

  /** Sets a value of a side; null removes it. `branch`: only for this branch. */
  assign(side: Side, name: Setting, value: PvarValue, branch: number | undefined): void {
    let sides = this.call;
    if (branch !== undefined) {
      const known = this.ofBranches.get(branch);
      if (known === undefined && this.ofBranches.size >= MAX_BRANCHES) return;
      sides = known ?? bothSides();
      this.ofBranches.set(branch, sides);
    }
    if (value === null) sides[side].delete(name);
    else sides[side].set(name, settingText(value));
  }

  /** A value of a side; one set for the branch has precedence. */
  get(side: Side, name: Setting, branch: number | undefined): string | undefined {
    const own = branch === undefined ? undefined : this.ofBranches.get(branch)?.[side].get(name);
    return own ?? this.call[side].get(name);
  }

  /** Notes the branch that was answered: its settings are those of the call from now on. */
  answeredBy(branch: number): void {
    const sides = this.ofBranches.get(branch);
    this.ofBranches.clear();
    if (sides === undefined) return;
    for (const side of ['caller', 'callee'] as const)
      for (const [name, value] of sides[side]) this.call[side].set(name, value);
  }

  /** Sends the SDP of a message from a side to the media proxy; undefined where relaying is switched off. */
  exchange(
    run: MessageRun,
    kind: 'offer' | 'answer',
    side: Side,
    branch: number | undefined,
  ): Promise<number> | undefined {
    const { control } = this;
    const settingsOf =
      (of: Side): SideSettings =>
      (name) =>
        this.get(of, name, branch) ?? '';
    const [from, to] = [settingsOf(side), settingsOf(otherSide(side))];
    if (control === undefined || isOn(from('disabled')) || isOn(to('disabled'))) return undefined;
    control.choose(run, this.set);
    return control.exchange(run, kind, { from, to, flags: this.flags, callId: this.callId });
  }

  /** Ends the call at the media proxy. */
  end(run: MessageRun): void {
    this.control?.choose(run, this.set);
    const flags = [this.deleteFlags, this.get('caller', 'delete', undefined), this.get('callee', 'delete', undefined)];
    void this.control?.remove(run, flags.filter((each) => each !== undefined && each !== '').join(' '));
  }
}

const isOn = (text: string): boolean => text !== '' && text !== '0';

/** Relays of calls without a dialog yet; those of dialogs are kept with the dialog. */
const ofCalls = new PerCall(() => new MediaRelay());
const ofDialogs = new PerCall<MediaRelay | undefined, Dialog>(() => undefined);

/** The relay of the current call; undefined for a request of a dialog whose media are not relayed. */
export function relayOf({ call, env }: Pick<MessageRun, 'call' | 'env'>): MediaRelay | undefined {
  const { message } = call;
  if (message.toTag === '') return message.method === 'INVITE' ? ofCalls.of(call) : undefined;
  const dialog = env.modules.of(dialogs).of({ call });
  return dialog === undefined ? undefined : ofDialogs.known(dialog);
}

/** Keeps the relay with a dialog, for requests within it. */
export function keepRelay(dialog: Dialog, relay: MediaRelay): void {
  ofDialogs.set(dialog, relay);
}

/** The side that has sent the message of a run. */
export function senderOf({ call, message, env }: Pick<MessageRun, 'call' | 'message' | 'env'>): Side {
  const begins = call.message.toTag === '';
  const asks = begins ? 'caller' : (env.modules.of(dialogs).of({ call })?.direction ?? 'caller');
  return message.isRequest ? asks : otherSide(asks);
}
