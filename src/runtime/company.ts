/**
 * Who runs beside whom in one process. A suspect (its last attempt left no outcome) runs alone until its first commit,
 * so that a step that kills its worker takes nobody with it, and only a death alone counts against it.
 */
export interface Company {
  /** Waits while somebody is alone or waits to be; counts as running from then on. */
  enter(): Promise<Place>;
  /** Somebody is alone, or waits for the others to end: nobody new comes in. */
  isClosed(): boolean;
  running(): number;
}
export interface Place {
  /**
   * Gives up the place until nothing else runs; from then on nothing else does. False when the signal fired first:
   * the place is left then.
   */
  becomeAlone(signal: AbortSignal): Promise<boolean>;
  /** Lets the others in again. */
  backToCompany(): void;
  isAlone(): boolean;
  /** Its step does not end, and runs on in this process whatever comes after it. */
  leaveBehind(): void;
  /** Alone, and with nothing that was left behind: a death is then its own. */
  wouldDieAlone(): boolean;
  /** Somebody waits for this place to be left. */
  isWaitedFor(): boolean;
  leave(): void;
}

interface Waiter {
  readonly place: Place;
  readonly admit: () => void;
}

/** `onOpen` is called whenever newcomers may come in. */
export function createCompany(onOpen: () => void): Company {
  let running = 0;
  let isHaunted = false;
  let alone: Place | null = null;
  const suspects: Waiter[] = [];
  const newcomers: (() => void)[] = [];

  function admit(): void {
    if (alone !== null) return;
    const suspect = suspects[0];
    if (suspect === undefined) {
      for (const enter of newcomers.splice(0)) enter();
      onOpen();
    } else if (running === 0) {
      suspects.shift();
      suspect.admit();
    }
  }
  function waitForTurn(place: Place, signal: AbortSignal, admitted: () => void): Promise<boolean> {
    return new Promise((resolve) => {
      const giveUp = (): void => {
        suspects.splice(suspects.indexOf(waiter), 1);
        resolve(false);
        admit();
      };
      const waiter: Waiter = {
        place,
        admit: () => {
          signal.removeEventListener("abort", giveUp);
          alone = place;
          running += 1;
          admitted();
          resolve(true);
        },
      };
      suspects.push(waiter);
      if (signal.aborted) giveUp();
      else signal.addEventListener("abort", giveUp, { once: true });
      admit();
    });
  }
  function createPlace(): Place {
    let here = true;
    const place: Place = {
      becomeAlone: (signal) => {
        running -= 1;
        here = false;
        return waitForTurn(place, signal, () => {
          here = true;
        });
      },
      backToCompany: () => {
        if (alone !== place) return;
        alone = null;
        admit();
      },
      isAlone: () => alone === place,
      leaveBehind: () => {
        isHaunted = true;
      },
      wouldDieAlone: () => alone === place && !isHaunted,
      isWaitedFor: () => suspects.length > 0 || (alone !== null && alone !== place),
      leave: () => {
        if (!here) return;
        here = false;
        running -= 1;
        if (alone === place) alone = null;
        admit();
      },
    };
    return place;
  }
  return {
    enter: () =>
      new Promise((resolve) => {
        newcomers.push(() => {
          running += 1;
          resolve(createPlace());
        });
        admit();
      }),
    isClosed: () => alone !== null || suspects.length > 0,
    running: () => running,
  };
}
