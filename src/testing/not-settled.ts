export interface UnsettledStep {
  readonly workId: string;
  readonly engine: string;
  /** Its name. */
  readonly step: string;
  readonly attempt: number;
}

/** A step waits for something that is neither in the rig nor comes by itself in real time. */
export class NotSettledError extends Error {
  override readonly name = "NotSettledError";
  readonly steps: readonly UnsettledStep[];
  constructor(steps: readonly UnsettledStep[], afterMs: number) {
    const names = steps.map(({ workId, engine, step, attempt }) => `step "${step}" (attempt ${attempt}) of ${engine} ${workId}`);
    super(
      `expected every step to end within ${afterMs} ms of real time, still running: ${names.join(", ") || "something unknown"}; ` +
        "realTimeoutMs sets the bound, and ifStepHangs: leave lets virtual time pass nevertheless",
    );
    this.steps = steps;
  }
}
