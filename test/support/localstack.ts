/** Runs `npm run localstack` with what comes after its dashes. */
import { execFile } from "node:child_process";
import { join } from "node:path";

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function localstack(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ran> {
  const { AWS_ENDPOINT_URL: _, ROOKERY_STACK: __, ...inherited } = process.env;
  const main = join(import.meta.dirname, "../../localstack/main.ts");
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { env: { ...inherited, ...env } }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : -1, stdout, stderr });
    });
  });
}
