/** Signals for a command that has child processes: they are told, and only its own end ends the command. */
import type { Crew } from "./supervisor.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal asks the crew to stop, the second one kills it. Returns how to stop listening. */
export function stopOnSignals(crew: Pick<Crew, "stop">, onFirst: () => void): () => void {
  let asked = false;
  const stop = (): void => {
    if (!asked) onFirst();
    asked = true;
    crew.stop();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
}
