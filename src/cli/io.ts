/** What a command sees of its process: tests bring their own. */
export interface Sink {
  write(chunk: string | Uint8Array, written?: (error?: Error | null) => void): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  /** Results. */
  readonly stdout: Sink;
  /** Logs, hints and errors. */
  readonly stderr: Sink;
  /** From the first call on, Ctrl-C and SIGTERM fire this signal instead of ending the process; a second one ends it. */
  interruption(): AbortSignal;
}

/** Resolves once the chunk was taken, so that a large artifact is never held in memory. */
export function writeAll(sink: Sink, chunk: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(chunk, (error) => (error ? reject(error) : resolve()));
  });
}

const DEFAULT_COLUMNS = 80;
const MIN_COLUMNS = 40;

/** COLUMNS, else the terminal's own, else 80: a pipe has no width, and reads best in that of a page. */
export function columnsOf(io: Io): number {
  const told = Number(io.env["COLUMNS"]);
  return Number.isSafeInteger(told) && told > 0 ? Math.max(MIN_COLUMNS, told) : ownColumns(io.stdout);
}
/** Some terminals say 0. */
export function ownColumns({ columns = 0 }: Sink): number {
  return columns === 0 ? DEFAULT_COLUMNS : Math.max(MIN_COLUMNS, columns);
}
