/**
 * Who a lease holder is, and whether it is known to be gone. On one machine a dead process is noticed at once
 * (boot id, process namespace, pid and start time); elsewhere nobody knows, and leases expire by their instant.
 */
export interface ProcessTable {
  /** Names this process; stored as the holder of leases and messages. */
  readonly self: string;
  /** True only when it is certain. Unknown formats and other machines: false. */
  isGone(holder: string): boolean;
}
