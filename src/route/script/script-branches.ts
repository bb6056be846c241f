import { parseUri } from '../../core/uri.js';
import type { Destination } from '../../engine/destination.js';
import { MAX_FURTHER_BRANCHES } from '../../engine/kamailio/choose.js';
import type { PvarBranches, PvarValue } from '../../pvar/context.js';

/** A target that gets the request in addition to the one in $du or the request-URI. */
export interface ScriptBranch {
  readonly requestUri: string;
  /** Next hop; undefined: the request-URI. */
  readonly destinationUri: string | undefined;
  /** Description of the socket to send from. */
  readonly sendSocket: string | undefined;
  /** q value as given to append_branch, '' for none. */
  readonly q: string;
  readonly destination: Destination | undefined;
}

/** The branches that a route has added and not relayed yet: by append_branch, $branch, or Kamailio's algorithm 12. */
export class ScriptBranches implements PvarBranches {
  private branches: ScriptBranch[] = [];

  /** Number of branches. */
  get count(): number {
    return this.branches.length;
  }

  /** The value of $branch(field) for a branch; null when there is none. */
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

  /** Adds a URI assigned to $branch. Nothing is added for a text that is not a SIP URI, and beyond eleven branches. */
  append(uri: string): void {
    this.add({ requestUri: uri, destinationUri: undefined, sendSocket: undefined, q: '', destination: undefined });
  }

  /** Adds a branch. Returns why it was refused, or undefined. */
  add(branch: ScriptBranch): string | undefined {
    if (this.branches.length >= MAX_FURTHER_BRANCHES) return `more than ${MAX_FURTHER_BRANCHES} branches`;
    const { requestUri, destinationUri } = branch;
    const uri = parseUri(requestUri);
    if (uri === undefined || (uri.scheme === 'tel' && destinationUri === undefined)) {
      return `"${requestUri}" is not a SIP URI`;
    }
    this.branches.push(branch);
    return undefined;
  }

  /** Returns the branches and removes them here. */
  take(): readonly ScriptBranch[] {
    const { branches } = this;
    this.branches = [];
    return branches;
  }
}
