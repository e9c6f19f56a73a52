/** What S3 bills: each request, by its class. One that failed was a request too. */
import type { S3Client } from "@aws-sdk/client-s3";
import { UPLOAD_PREFIX } from "../../wire/environment.ts";
import { type AttemptOf, watchAttempts } from "./attempts.ts";
import type { Unit } from "./bill.ts";
import type { Ledger } from "./ledger.ts";

type Input = AttemptOf<S3Client>["input"];

export function watchS3(client: S3Client, ledger: Ledger): void {
  watchAttempts(client, ({ operation, input }) => {
    const owner = ownerOf(input);
    ledger.enter({ unit: classOf(operation), of: operation, count: 1 }, owner === null ? [] : [owner]);
  });
}

/** DELETE and CANCEL are free, of several objects too; PUT, COPY, POST and LIST are one class, all others are like a GET. */
function classOf(operation: string): Unit {
  if (/^(Delete|Abort)/.test(operation)) return "free";
  return /^(Put|Copy|Post|List|Upload|Create|Complete)/.test(operation) ? "put" : "get";
}

/** `<namespace>/<workId>/…`, also beneath the prefix of uploads. */
function ownerOf(input: Input): string | null {
  const key = "Key" in input ? input.Key : "Prefix" in input ? input.Prefix : undefined;
  if (key === undefined) return null;
  const [namespace, workId] = (key.startsWith(UPLOAD_PREFIX) ? key.slice(UPLOAD_PREFIX.length) : key).split("/");
  return namespace === undefined || workId === undefined ? null : `${namespace}/${workId}`;
}
