/**
 * AWS's list prices in dollars, for one of each: region us-east-1, as of November 2026. The only such table.
 *
 * Not in it: free tiers (the first million SQS requests of a month, for one), storage of table and bucket (TTL collects
 * what has ended), point-in-time recovery, data transfer, logs and metrics, the surcharge of fair queues.
 */
import type { Units } from "./units.ts";

const MILLION = 1_000_000;
const THOUSAND = 1_000;

export const PRICED_AT = "2026-11";

export const PRICES = {
  /** DynamoDB on demand, standard table class: aws.amazon.com/dynamodb/pricing/on-demand */
  write: 0.625 / MILLION,
  read: 0.125 / MILLION,
  /** SQS, standard queues, up to 100 billion requests a month: aws.amazon.com/sqs/pricing */
  request: 0.4 / MILLION,
  /** S3 Standard: aws.amazon.com/s3/pricing; DELETE and CANCEL cost nothing. */
  put: 0.005 / THOUSAND,
  get: 0.0004 / THOUSAND,
  /** Lambda on arm64, up to 7.5 billion GB-seconds a month: aws.amazon.com/lambda/pricing */
  invocation: 0.2 / MILLION,
  gbSecond: 0.0000133334,
} as const;

export type Priced = keyof typeof PRICES;

export function dollarsOf({ writes, reads, requests, puts, gets }: Units): number {
  return writes * PRICES.write + reads * PRICES.read + requests * PRICES.request + puts * PRICES.put + gets * PRICES.get;
}
