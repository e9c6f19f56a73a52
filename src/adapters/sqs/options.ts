import type { SQSClientConfig } from "@aws-sdk/client-sqs";
import { SECOND_MS } from "../../domain/limits.ts";

/** The longest that SQS waits for a message. */
export const LONGEST_POLL_S = 20;
/** What everything but a long poll may take before the SDK tries again. */
export const ANSWER_MS = 5 * SECOND_MS;

/**
 * For the client of an `SqsQueue`: three attempts, each with a bound. A receive is given the time of its long poll on
 * top. What is billed stays in sight: a fourth attempt is the caller's, by calling again.
 */
export const sqsClientOptions = {
  maxAttempts: 3,
  retryMode: "standard",
  requestHandler: {
    connectionTimeout: 3 * SECOND_MS,
    requestTimeout: LONGEST_POLL_S * SECOND_MS + ANSWER_MS,
    throwOnRequestTimeout: true,
  },
} satisfies SQSClientConfig;
