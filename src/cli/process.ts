/** Runs the command line in this very process: its streams, its signals and its end. */
import type { Io } from "./io.ts";
import { runCli } from "./program.ts";

const INTERRUPTED = 130;

export async function runProcess(): Promise<void> {
  // `rookery list | head` closes our stdout: that is no failure.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
      throw error;
    });
  }
  const code = await runCli(process.argv.slice(2), createIo());
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((resolve) => stream.write("", resolve))));
  // What a user's config left open must not keep a command that is over.
  process.exit(code);
}

function createIo(): Io {
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    interruption: () => {
      const controller = new AbortController();
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
        process.on(signal, () => {
          if (controller.signal.aborted) process.exit(INTERRUPTED);
          controller.abort();
        });
      }
      return controller.signal;
    },
  };
}
