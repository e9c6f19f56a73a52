/**
 * While a step runs: extend the message's visibility, then the lease; look for commands. A lost lease aborts the step
 * (G4); a failed extension of visibility is not a lost lease. † Stopped before a commit that releases.
 */
import { messageOf, RookeryError, StepAbortedError } from "../domain/errors.ts";
import { LEASE_KEY } from "../domain/keys.ts";
import type { StoredRecord } from "../ports/record-store.ts";
import type { Message } from "../ports/work-queue.ts";
import { decodeLease, encodeLease } from "../wire/lease.ts";
import type { Abort } from "./abort.ts";
import { peekCommands } from "./inbox.ts";
import { put } from "./records.ts";
import type { Session } from "./session.ts";

export interface Heartbeat {
  /** The attempt that runs now: it is aborted when the lease is lost or a cancel came in. */
  watch(abort: Abort | null): void;
  /** Aborts it, and every one that comes after. */
  abort(reason: StepAbortedError): void;
  /** No beat is under way when it resolves, and none comes after. */
  stop(): Promise<void>;
}

export function startHeartbeat(session: Session, message: Message): Heartbeat {
  const { deps } = session;
  let abort: Abort | null = null;
  let reason: StepAbortedError | null = null;
  let stopped = false;
  let underWay: Promise<void> = Promise.resolve();
  // The first one comes sooner: it cuts a visibility that is as long as an invocation may take to what a lease needs.
  let cancelTimer = schedule(Math.ceil(deps.settings.heartbeatMs / 2));
  function schedule(afterMs = deps.settings.heartbeatMs): () => void {
    return deps.clock.after(afterMs, () => {
      underWay = beat(session, message, () => abort).finally(() => {
        if (!stopped && !session.lost) cancelTimer = schedule();
      });
    });
  }
  return {
    watch: (next) => {
      abort = next;
      if (session.lost) reason = lostLease(session);
      if (reason !== null) abort?.fire(reason);
    },
    abort: (why) => {
      reason = why;
      abort?.fire(why);
    },
    stop: async () => {
      stopped = true;
      cancelTimer();
      await underWay;
    },
  };
}

async function beat(session: Session, message: Message, running: () => Abort | null): Promise<void> {
  const { deps, partition } = session;
  await deps.queue
    .hide(message, deps.settings.visibilityMs)
    .catch((error) => warn(session, "could not extend visibility", error));
  try {
    await extendLease(session);
    if (session.lost) {
      running()?.fire(lostLease(session));
      return;
    }
    const unread = await peekCommands(deps, partition, session.head.consumed);
    session.mail = unread.length > 0;
    if (unread.some((entry) => entry.command.kind === "cancel"))
      running()?.fire(new StepAbortedError(session.item.workId, "cancelled"));
  } catch (error) {
    if (!(error instanceof RookeryError)) throw error;
    warn(session, "heartbeat failed", error);
  }
}

/** An expired lease is never extended, only claimed anew. */
async function extendLease(session: Session): Promise<void> {
  const { deps, partition } = session;
  if (session.lease.expiresAtMs <= deps.clock.nowMs()) {
    session.lost = true;
    return;
  }
  const lease = { ...session.lease, expiresAtMs: deps.clock.nowMs() + deps.settings.leaseDurationMs };
  const written = await put(deps, { partition, sort: LEASE_KEY, ...encodeLease(lease) }, session.leaseRevision, lease.token);
  if (written.ok) {
    session.lease = lease;
    session.leaseRevision = written.revision;
  } else reload(session, written.current);
}

/** An earlier beat of ours whose answer was lost left it at another revision; any other lease is somebody else's. */
function reload(session: Session, current: StoredRecord | null): void {
  const stored = current === null ? null : decodeLease(current);
  if (current === null || stored?.token !== session.lease.token || stored.holder !== session.lease.holder) {
    session.lost = true;
    return;
  }
  session.lease = stored;
  session.leaseRevision = current.revision;
}

function lostLease(session: Session): StepAbortedError {
  return new StepAbortedError(session.item.workId, "its lease was lost");
}
function warn(session: Session, what: string, error: unknown): void {
  session.deps.logger.warn(what, { workId: session.item.workId, error: messageOf(error) });
}
