/** What the parts of the simulated world know of a process. */
import type { Clock } from "../../ports/clock.ts";
import type { Deps } from "../../runtime/deps.ts";
import type { Polls } from "./polls.ts";

export interface SimProcess {
  readonly name: string;
  readonly deps: Deps;
  readonly clock: Clock;
  readonly polls: Polls;
  /** Calls that are not answered yet, and waits before they are repeated; long polls left out. */
  pending: number;
  isDead(): boolean;
  /** Nothing of it has an effect any more. */
  die(): void;
  onDeath(listener: () => void): void;
  /** It stands still for so long. */
  freeze(ms: number): void;
  /** How long it still stands still. */
  frozenMs(): number;
  jump(offsetMs: number): void;
  offsetMs(): number;
}
