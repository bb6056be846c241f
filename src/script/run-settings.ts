import type { TransportName } from '../core/uri.js';
import type { Format } from '../pvar/format.js';

/**
 * Settings of the transaction and stateless modules, in the same units for both dialects. Times are in milliseconds.
 */
export interface TmSettings {
  frTimeout: number;
  frInvTimeout: number;
  auto100: boolean;
  auto100Reason: string;
  /** Kamailio's failure_reply_mode. */
  failureReplyMode: number;
  /** OpenSIPS' onreply_avp_mode: replies see the AVPs of the request. */
  onreplyAvps: boolean;
  /** Whether a received 503 is forwarded as 500. */
  translate503: boolean;
  /** Whether each provisional reply restarts the timer for the final reply. */
  restartOnProvisional: boolean;
  /** Reason header of a CANCEL sent after a timeout, or after another branch was accepted. */
  timeoutReason: string;
  autoInv100: boolean;
  passProvisional: boolean;
  /** Whether tm itself sends a reply when a request cannot be relayed. */
  sendsErrors: boolean;
  /** Whether the challenges of several branches are sent to the caller together. */
  aggregateChallenges: boolean;
  /** Whether no branch may be added after a 6xx. */
  block6xx: boolean;
  /** Whether a 6xx leaves other branches running, like other refusals (disable_6xx_block of Kamailio). */
  plain6xx: boolean;
  /** Whether a CANCEL contains the reason for it (local_cancel_reason of Kamailio). */
  cancelReason: boolean;
  /** Whether the Reason of a received CANCEL is sent on (e2e_cancel_reason of Kamailio). */
  passReason: boolean;
  /** Beginning of the names of fields that a CANCEL and an ACK take from the INVITE (ac_extra_hdrs), in lower case. */
  derivedFields: string;
  /**
   * A branch without any reply is cancelled: 0 by ending it with 487, 1 after its first provisional reply, 2 at once
   * (cancel_b_method of Kamailio).
   */
  cancelMethod: number;
  /** A CANCEL without its INVITE: 0 relayed statefully, 1 statelessly, 2 dropped (unmatched_cancel of Kamailio). */
  unmatchedCancel: number;
  /** Whether a 100 is sent to the caller (relay_100 of Kamailio). */
  relay100: boolean;
  /** Status and reason of t_reply() and of sl_send_reply() in place of variables that are not set. */
  unsetReply: UnsetReply;
  unsetStateless: UnsetReply;
  /**
   * rich_redirect of Kamailio's tm and sl: bits that add branch flags (1) and the path (2) to the contacts of a
   * redirection.
   */
  richRedirect: number;
  richStateless: number;
  /** How long an INVITE and another request may wait for their final reply, all branches together, in milliseconds. */
  inviteLifetime: number;
  otherLifetime: number;
}

/** A reply in place of variables that are not set. */
export interface UnsetReply {
  readonly status: number;
  readonly reason: string;
}

/** Settings of the record-routing module. */
export interface RrSettings {
  appendFromTag: boolean;
  fullLr: boolean;
  doubleRr: boolean;
  /** Kamailio's enable_double_rr 2: also where both are the same socket. */
  alwaysDoubleRr: boolean;
  /** Whether Record-Route contains the user of the request-URI (add_username). */
  addUsername: boolean;
  /** Kamailio's custom_user_avp: the user that add_username adds. */
  userAvp: Format | undefined;
  /** Whether Record-Route has the scheme sips where the request-URI has it: Kamailio without ignore_sips. */
  sips: boolean;
}

/** A name that counts as local: "alias" in the cfg file. */
export interface HostAlias {
  readonly host: string;
  /** undefined: any port. */
  readonly port: number | undefined;
  readonly transport: TransportName | undefined;
}

/** Limits that decide which xlog lines are written. */
export interface LogLimits {
  /** Script lines above this level are not written: 4 debug, 3 info, 2 notice, 1 warning, -1 error ... */
  xlog: number;
  /** Level that assigning NULL restores. */
  readonly firstXlog: number;
  /** $log_level: the level of the log itself. */
  log: number;
  readonly firstLog: number;
}
