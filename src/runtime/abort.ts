/** The abort signal of one attempt. Made only when the step asks for it: most steps never do. */
export interface Abort {
  readonly aborted: boolean;
  readonly reason: unknown;
  signal(): AbortSignal;
  /** The first reason stands. */
  fire(reason: unknown): void;
  /** Calls back once it has fired, at once if it has; the last one given stands. */
  onFire(callback: () => void): void;
}

export function createAbort(): Abort {
  let controller: AbortController | null = null;
  let listener = (): void => undefined;
  const self: Abort & { aborted: boolean; reason: unknown } = {
    aborted: false,
    reason: undefined,
    signal() {
      controller ??= new AbortController();
      if (self.aborted) controller.abort(self.reason);
      return controller.signal;
    },
    fire(reason) {
      if (self.aborted) return;
      self.aborted = true;
      self.reason = reason;
      controller?.abort(reason);
      listener();
    },
    onFire(callback) {
      listener = callback;
      if (self.aborted) callback();
    },
  };
  return self;
}
