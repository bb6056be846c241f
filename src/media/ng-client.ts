import type { Clock } from '../core/clock.js';
import type { Random } from '../core/random.js';
import { decodeNg, encodeNg, type NgDictionary } from './bencode.js';
import { type ControlAddress, type ControlTiming, DatagramCommands } from './datagram-commands.js';

/** Client of rtpengine's ng protocol: bencoded dictionaries over UDP. */
export class NgClient {
  private readonly commands: DatagramCommands;

  constructor(clock: Clock, random: Random) {
    this.commands = new DatagramCommands(clock, random);
  }

  /** Sends a command and returns the answer; undefined when no readable answer came in time. Never rejects. */
  async send(to: ControlAddress, command: NgDictionary, timing: ControlTiming): Promise<NgDictionary | undefined> {
    const answer = await this.commands.send(to, encodeNg(command), timing);
    return answer === undefined ? undefined : decodeNg(answer);
  }

  /** Closes the sockets; pending commands end without an answer. */
  close(): void {
    this.commands.close();
  }
}
