import { parseUri } from '../../core/uri.js';
import type { Destination } from '../../engine/destination.js';
import { MOST_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import type { PvarBranches, PvarValue } from '../../pvar/context.js';

/** A target the request is sent to together with the one that $du or the request-URI names. */
export interface ScriptBranch {
  readonly requestUri: string;
  /** Next hop; undefined: where the request-URI says. */
  readonly destinationUri: string | undefined;
  /** Socket description to send from. */
  readonly sendSocket: string | undefined;
  /** Preference as given to append_branch, '' for none. */
  readonly q: string;
  readonly destination: Destination | undefined;
}

/** The branches a route has added and not relayed yet: append_branch, $branch, Kamailio's algorithm 12. */
export class ScriptBranches implements PvarBranches {
  private branches: ScriptBranch[] = [];

  /** How many there are. */
  get count(): number {
    return this.branches.length;
  }

  /** A field of a branch as $branch(field) shows it; null: there is none. */
  get(field: string, index: number): PvarValue {
    const branch = this.branches[index];
    if (branch === undefined) return null;
    switch (field) {
      case 'uri':
        return branch.requestUri;
      case 'duri':
        return branch.destinationUri ?? null;
      case 'socket':
        return branch.sendSocket ?? null;
      case 'q':
        return branch.q === '' ? null : branch.q;
      default:
        return null;
    }
  }

  /** A URI assigned to $branch. Nothing is added for what is not a SIP URI, and beyond eleven. */
  append(uri: string): void {
    this.add({ requestUri: uri, destinationUri: undefined, sendSocket: undefined, q: '', destination: undefined });
  }

  /** Returns why it is not added. */
  add(branch: ScriptBranch): string | undefined {
    if (this.branches.length >= MOST_FURTHER_BRANCHES) return `more than ${MOST_FURTHER_BRANCHES} branches`;
    const { requestUri, destinationUri } = branch;
    const uri = parseUri(requestUri);
    if (uri === undefined || (uri.scheme === 'tel' && destinationUri === undefined)) {
      return `"${requestUri}" is not a SIP URI`;
    }
    this.branches.push(branch);
    return undefined;
  }

  /** Hands them over: they are relayed, or given up. */
  take(): readonly ScriptBranch[] {
    const { branches } = this;
    this.branches = [];
    return branches;
  }
}
