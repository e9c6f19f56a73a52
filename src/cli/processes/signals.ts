/** Signals for a command that has child processes: they are told, and only their end ends the command. */
import type { Crew } from "./supervisor.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The first signal asks the crew to stop, the next one kills it. Returns how to stop listening. */
export function stopOnSignals(crew: Pick<Crew, "stop" | "kill">, onFirst: () => void): () => void {
  let asked = false;
  const onSignal = (): void => {
    if (asked) crew.kill();
    else {
      asked = true;
      onFirst();
      crew.stop();
    }
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
