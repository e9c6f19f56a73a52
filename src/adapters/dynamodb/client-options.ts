/** How long a client of DynamoDB tries: to be spread into the options of `new DynamoDBClient`. */
import type { DynamoDBClientConfig } from "@aws-sdk/client-dynamodb";

/**
 * DynamoDB answers within tens of milliseconds, so what takes longer is lost, and a new connection is the cure. Four
 * attempts of 3 s and the pauses between them end before a lease of 20 s does that was renewed 4 s ago: whoever cannot
 * reach the store knows it while the lease is still its own. Throttling is retried the same way, with longer pauses.
 */
export const dynamoClientOptions = {
  maxAttempts: 4,
  retryMode: "standard",
  requestHandler: {
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    // Without it the bound is but a warning.
    throwOnRequestTimeout: true,
  },
} as const satisfies DynamoDBClientConfig;
