/** The abort signal of one attempt. Made only when the step asks for it: most steps never do. */
export interface Abort {
  readonly signal: AbortSignal;
  readonly aborted: boolean;
  readonly reason: unknown;
  /** The first reason stands. */
  fire(reason: unknown): void;
  /** Calls back once it has fired, at once if it has; the last one given stands. */
  onFire(callback: () => void): void;
}

export function createAbort(): Abort {
  let controller: AbortController | null = null;
  let fired: { readonly reason: unknown } | null = null;
  let listener = (): void => undefined;
  return {
    get signal() {
      controller ??= new AbortController();
      if (fired !== null) controller.abort(fired.reason);
      return controller.signal;
    },
    get aborted() {
      return fired !== null;
    },
    get reason() {
      return fired?.reason;
    },
    fire(reason) {
      if (fired !== null) return;
      fired = { reason };
      controller?.abort(reason);
      listener();
    },
    onFire(callback) {
      listener = callback;
      if (fired !== null) callback();
    },
  };
}
